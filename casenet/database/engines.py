"""Connections: how they are made, kept in a pool, and found dead."""

import os
from functools import partial
from typing import Any
from weakref import ref

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from casenet import config
from casenet.config import Config


def engine_of(settings: Config, *, alone: bool = False) -> Engine:
    """A pooled engine. A borrower waits 5 s at most for a connection, then sees TimeoutError.

    A hanging database is noticed: connecting takes 5 s at most, a statement `statement_timeout_ms`. So is a
    process of ours that hangs in a transaction: its locks on a patient end after the same time.

    alone   For glances: each statement commits by itself, and is planned once for each connection.
    """
    options = (
        f"-c statement_timeout={settings.statement_timeout_ms} "
        f"-c idle_in_transaction_session_timeout={settings.statement_timeout_ms} -c timezone=UTC"
    )
    differs: dict[str, Any] = {}
    if alone:
        options += " -c plan_cache_mode=force_generic_plan -c jit=off"
        differs = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    engine = create_engine(
        settings.database_url,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_pre_ping=False,
        # An error's text ends in logs and tracebacks: statements may stand there, values never.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            **config.DATABASE_PROBES,
            # After five uses psycopg prepares a statement on the server: planning is then not repeated.
            "prepare_threshold": 5,
            "options": options,
        },
        **differs,
    )
    os.register_at_fork(after_in_child=partial(_leave_to_parent, ref(engine)))
    return engine


def _leave_to_parent(engine: "ref[Engine]") -> None:
    """In a forked child: connections of its own. psycopg does not end those of the process that made them."""
    if found := engine():
        found.dispose(close=False)


def sessions(settings: Config) -> sessionmaker[Session]:
    """A maker of sessions over a new engine."""
    return sessionmaker(engine_of(settings), expire_on_commit=False, autoflush=True)
