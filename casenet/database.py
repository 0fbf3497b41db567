"""The database: mapped base, transactions, what runs after commit.

Only doors open transactions. Parts take the Session as their first argument and never commit.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, DateTime, Engine, MetaData, create_engine, event, func, select, text
from sqlalchemy import Uuid as UuidColumn
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker

from casenet import config
from casenet.config import Config

log = structlog.get_logger()

Uuid = Annotated[UUID, mapped_column(UuidColumn)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Base(DeclarativeBase):
    """All mapped classes. Constraint names are fixed so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def engine_of(settings: Config) -> Engine:
    """A pooled engine. A borrower waits 5 s at most for a connection, then sees TimeoutError.

    A hanging database is noticed: connecting takes 5 s at most, a statement `statement_timeout_ms`. So is a
    process of ours that hangs in a transaction: its locks on a patient end after the same time.
    """
    return create_engine(
        settings.database_url,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        # An error's text ends in logs and tracebacks: statements may stand there, values never.
        hide_parameters=True,
        connect_args=_connect_args(settings),
    )


def _connect_args(settings: Config) -> dict[str, Any]:
    return {
        "connect_timeout": 5,
        # After five uses psycopg prepares a statement on the server: planning is then not repeated.
        "prepare_threshold": 5,
        "options": f"-c statement_timeout={settings.statement_timeout_ms} "
        f"-c idle_in_transaction_session_timeout={settings.statement_timeout_ms} -c timezone=UTC",
    }


def sessions(settings: Config) -> sessionmaker[Session]:
    """A maker of sessions over a new engine."""
    return sessionmaker(engine_of(settings), expire_on_commit=False, autoflush=True)


@cache
def _process_sessions() -> sessionmaker[Session]:
    return sessions(config.current())


def use(maker: sessionmaker[Session]) -> None:
    """Let this process use `maker` in transaction(); for tests and for tools that bring their own."""
    global _maker
    _maker = maker


_maker: sessionmaker[Session] | None = None


@contextmanager
def glance() -> Generator[Session, None, None]:
    """A session without a transaction: each statement stands alone and is committed by itself.

    For reads that need no common snapshot, with at most one row written (their audit row): it saves the two
    round trips of BEGIN and COMMIT. Nothing is run after it.
    """
    bind: Engine | Connection = (_maker or _process_sessions()).kw["bind"]
    # Tests that work inside one outer transaction hand out its connection.
    maker = _glancing(bind) if isinstance(bind, Engine) else (_maker or _process_sessions())
    with maker() as session:
        yield session
        if isinstance(bind, Connection):
            session.commit()


@cache
def _glancing(engine: Engine) -> sessionmaker[Session]:
    # An engine of its own: switching a pooled connection to autocommit and back costs what it would save.
    own = create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_size=config.current().database_pool // 2,
        max_overflow=0,
        pool_timeout=5,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args=_connect_args(config.current()),
    )
    return sessionmaker(own, expire_on_commit=False, autoflush=False)


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


def after_commit(session: Session, call: Callable[[], object]) -> None:
    """Run `call` once the transaction is committed, never if it is rolled back.

    For what may be lost only: a crash between commit and call forgets it. What must not be lost is a row.
    """
    session.info.setdefault("after_commit", []).append(call)


def run_after_commit(session: Session) -> None:
    """Run and forget what after_commit collected. A failing hint is logged by its kind and dropped."""
    for call in session.info.pop("after_commit", []):
        try:
            call()
        except Exception as error:  # noqa: BLE001  (a hint; what matters is committed)
            log.warning("after_commit_failed", error=type(error).__name__)


@event.listens_for(Session, "after_soft_rollback")
def _forget_after_rollback(session: Session, previous: object) -> None:
    if not session.in_nested_transaction():
        session.info.pop("after_commit", None)


def notify(session: Session, channel: str) -> None:
    """Wake whoever LISTENs on `channel` when, and only when, this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})


def database_now(session: Session) -> datetime:
    """The database's clock at this moment: for deadlines that must hold across machines."""
    return session.execute(select(func.clock_timestamp())).scalar_one()
