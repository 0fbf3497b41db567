"""Transactions, glances, and what runs after a commit."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache

import structlog
from sqlalchemy import Connection, Engine, String, bindparam, event, func, select
from sqlalchemy.orm import Session, sessionmaker

from casenet import config
from casenet.database.engines import engine_of, sessions
from casenet.database.statements import Database, Glance, Prepared

log = structlog.get_logger()


@cache
def _process_sessions() -> sessionmaker[Session]:
    return sessions(config.current())


_maker: sessionmaker[Session] | None = None


def use(maker: sessionmaker[Session] | None) -> None:
    """Let this process use `maker`; for tests and for tools that bring their own. None: its own, made anew."""
    global _maker
    _maker = maker
    _process_sessions.cache_clear()


def glance() -> Glance:
    """A glance at this process's database."""
    bind: Engine | Connection = (_maker or _process_sessions()).kw["bind"]
    # Tests that work inside one outer transaction hand out its connection.
    return _standing_alone(bind) if isinstance(bind, Engine) else Glance(bind)


@cache
def _standing_alone(engine: Engine) -> Glance:
    # An engine of its own: switching a pooled connection to autocommit and back costs what it would save.
    url = engine.url.render_as_string(hide_password=False)
    found = Glance(engine_of(replace(config.current(), database_url=url), alone=True))
    os.register_at_fork(after_in_child=found.leave_to_parent)
    return found


@contextmanager
def transaction() -> Generator[Session, None, None]:
    """Open one transaction: commit at the end, roll back on any exception, then run after_commit calls."""
    session = (_maker or _process_sessions())()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    run_after_commit(session)


def after_commit(session: Database, call: Callable[[], object], *, first: bool = False) -> None:
    """Run `call` once the transaction is committed, never if it is rolled back; in a glance at once.

    For what may be lost only: a crash between commit and call forgets it. What must not be lost is a row.
    `first` is for what somebody waits for at night: before everything that was said until now.
    """
    if isinstance(session, Session):
        calls = session.info.setdefault("after_commit", [])
        calls.insert(0 if first else len(calls), call)
    else:
        _hint(call)


def run_after_commit(session: Session) -> None:
    """Run and forget what after_commit collected."""
    for call in session.info.pop("after_commit", []):
        _hint(call)


def _hint(call: Callable[[], object]) -> None:
    """A failing hint is logged by its kind and dropped."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  (a hint; what matters is committed)
        log.warning("after_commit_failed", error=type(error).__name__)


@event.listens_for(Session, "after_soft_rollback")
def _forget_after_rollback(session: Session, previous: object) -> None:
    if not session.in_nested_transaction():
        session.info.pop("after_commit", None)


_NOTIFY = Prepared(select(func.pg_notify(bindparam("channel", type_=String), "")))
_NOW = Prepared(select(func.clock_timestamp()))


def notify(session: Session, channel: str) -> None:
    """Wake whoever LISTENs on `channel` when, and only when, this transaction commits."""
    _NOTIFY.do(session, {"channel": channel})


def database_now(session: Session) -> datetime:
    """The database's clock at this moment: for deadlines that must hold across machines."""
    return _NOW.first(session, {})[0]
