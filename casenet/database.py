"""The database: mapped base, transactions, what runs after commit.

Only doors open transactions. Parts take the Session as their first argument and never commit.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
import psycopg
import structlog
from psycopg.pq import ExecStatus
from psycopg.rows import RowMaker, namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    Executable,
    MetaData,
    PoolProxiedConnection,
    String,
    TableValuedAlias,
    bindparam,
    column,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy import Uuid as UuidColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg as PsycopgDialect
from sqlalchemy.exc import DBAPIError
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
        pool_use_lifo=True,
        pool_pre_ping=False,
        # An error's text ends in logs and tracebacks: statements may stand there, values never.
        hide_parameters=True,
        connect_args=_connect_args(settings),
    )


def _connect_args(settings: Config, more: str = "") -> dict[str, Any]:
    return {
        "connect_timeout": 5,
        **config.DATABASE_PROBES,
        # After five uses psycopg prepares a statement on the server: planning is then not repeated.
        "prepare_threshold": 5,
        "options": f"-c statement_timeout={settings.statement_timeout_ms} "
        f"-c idle_in_transaction_session_timeout={settings.statement_timeout_ms} -c timezone=UTC {more}",
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


class _Borrowed:
    """A pooled connection that a glance keeps at hand, with a cursor for each statement that it has run."""

    __slots__ = ("cursors", "driver", "is_new", "proxied")

    def __init__(self, proxied: PoolProxiedConnection) -> None:
        self.proxied = proxied
        self.driver: psycopg.Connection[Any] = cast("Any", proxied.driver_connection)
        self.cursors: dict[Prepared, psycopg.Cursor[Any]] = {}
        self.is_new = "is_used" not in proxied.info
        proxied.info["is_used"] = True

    @property
    def is_lost(self) -> bool:
        return self.driver.closed or self.driver.broken

    def ask(self, statement: "Prepared", parameters: dict[str, Any]) -> list[Any]:
        cursor = self.cursors.get(statement)
        if cursor is None:
            cursor = self.cursors[statement] = self.driver.cursor(row_factory=statement.rows)
        try:
            return statement.ask(cursor, parameters)
        except psycopg.errors.FeatureNotSupported:
            # "Cached plan must not change result type": a migration changed a column under us.
            self.driver.close()
            raise


class Glance:
    """The database without a transaction: each statement stands alone and is committed by itself.

    For reads that need no common snapshot, and for what one statement writes as a whole: it saves the two
    round trips of BEGIN and COMMIT. It takes Prepared statements only and holds no connection between them.
    """

    def __init__(self, bind: Engine | Connection) -> None:
        self._bind = bind
        # The pool's, kept at hand: giving them back and forth costs as much again.
        self._idle: list[_Borrowed] = []
        self._waiting = 0

    def run(self, statement: "Prepared", parameters: dict[str, Any]) -> list[Any]:
        """The rows of one statement. Raises SQLAlchemy's errors, whoever met them.

        A connection that was lost while nobody used it (the database was started anew) is not the caller's
        fault: the statement is asked once more, at last by a new connection. Each of them may be asked twice.
        """
        if isinstance(self._bind, Connection):  # a test's outer transaction: a failure must not end it
            with self._bind.begin_nested():
                return self._ask(_Borrowed(self._bind.connection), statement, parameters)
        while True:
            borrowed = self._idle.pop() if self._idle else self._borrow(statement)
            is_new, borrowed.is_new = borrowed.is_new, False
            try:
                return self._ask(borrowed, statement, parameters)
            except DBAPIError as error:
                # What somebody gave back to the pool for a third is as old as what lies at hand.
                if is_new or not error.connection_invalidated:
                    raise

    def _borrow(self, statement: "Prepared") -> _Borrowed:
        self._waiting += 1
        try:
            return _Borrowed(cast("Engine", self._bind).raw_connection())
        except psycopg.Error as error:
            raise _named(error, statement, is_lost=False) from None
        finally:
            self._waiting -= 1

    def _ask(self, borrowed: _Borrowed, statement: "Prepared", parameters: dict[str, Any]) -> list[Any]:
        try:
            return borrowed.ask(statement, parameters)
        except psycopg.Error as error:
            raise _named(error, statement, is_lost=borrowed.is_lost) from None
        finally:
            self._keep(borrowed)

    def _keep(self, borrowed: _Borrowed) -> None:
        if borrowed.is_lost:
            # The others were lost with it, or are soon made anew.
            lost, self._idle = [borrowed, *self._idle], []
            for each in lost:
                each.proxied.invalidate()
        elif self._waiting:
            borrowed.proxied.close()  # somebody waits for it in the pool
        elif isinstance(self._bind, Engine):
            self._idle.append(borrowed)


Database = Session | Glance


class Prepared:
    """A statement that is put together and compiled once, for a session and for a glance alike.

    SQLAlchemy's own way through a session takes three times as long as the statement itself; a request asks
    two of these, a delivery one (docs/decisions/0017).
    """

    def __init__(self, statement: Executable) -> None:
        compiled = cast("Any", statement).compile(dialect=_DIALECT)
        self.sql = str(compiled)
        if "__[POSTCOMPILE" in self.sql:
            raise TypeError("a list in a prepared statement is one array, not in_()")
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._row: RowMaker[Any] | None = None
        self._documents = [name for name, bound in compiled.binds.items() if isinstance(bound.type, JSON)]

    def all(self, session: Database, parameters: dict[str, Any]) -> Sequence[Any]:
        """Every row; columns by name or by place. In a session after whatever waits there to be written.

        A document (JSON) may hold ids and instants; they become text.
        """
        given = self._constants | parameters
        for name in self._documents:
            if given[name] is not None:
                given[name] = Jsonb(given[name], dumps=orjson.dumps)
        if isinstance(session, Session):
            return self._in(session, given)
        return session.run(self, given)

    def _in(self, session: Session, given: dict[str, Any]) -> Sequence[Any]:
        session.flush()
        connection = session.connection()
        driver: psycopg.Connection[Any] = cast("Any", connection.connection.driver_connection)
        try:
            return self.ask(driver.cursor(row_factory=self.rows), given)
        except psycopg.Error as error:
            is_lost = driver.closed or driver.broken
            if is_lost:
                # The pool's others were lost with it.
                connection.invalidate(error)
                connection.engine.dispose()
            raise _named(error, self, is_lost=is_lost) from None

    def ask(self, cursor: psycopg.Cursor[Any], given: dict[str, Any]) -> list[Any]:
        """The rows of one run. Raises psycopg's errors."""
        cursor.execute(self.sql, given)  # pyright: ignore[reportArgumentType, reportCallIssue]
        result = cursor.pgresult
        return cursor.fetchall() if result and result.status == ExecStatus.TUPLES_OK else []

    def rows(self, cursor: psycopg.Cursor[Any]) -> RowMaker[Any]:
        """As psycopg's namedtuple_row, which would read the columns' names again with every answer."""
        if self._row is None and cursor.pgresult is not None:
            self._row = namedtuple_row(cursor)
        return self._row or namedtuple_row(cursor)

    def first(self, session: Database, parameters: dict[str, Any]) -> Any:
        """The first row, or None."""
        rows = self.all(session, parameters)
        return rows[0] if rows else None

    def do(self, session: Database, parameters: dict[str, Any]) -> None:
        """Run a statement that returns nothing."""
        self.all(session, parameters)


def given_rows(parameter: str, columns: Mapping[str, Any]) -> TableValuedAlias:
    """A table expression over the rows that a statement is given as one document: a list of {column: value}.

    columns   Name to type. Bytes travel as hexadecimal text (`func.decode`).
    So many rows are one statement and one parameter, whatever their number.
    """
    document = func.jsonb_to_recordset(bindparam(parameter, type_=JSONB))
    values = document.table_valued(*(column(name, type_) for name, type_ in columns.items()), name=parameter)
    return values.render_derived(with_types=True)


_DIALECT = PsycopgDialect()


def _named(error: psycopg.Error, statement: Prepared, *, is_lost: bool) -> BaseException:
    """The driver's error as SQLAlchemy names it."""
    return DBAPIError.instance(
        statement.sql,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=_DIALECT,
    )


def glance() -> Glance:
    """A glance at this process's database."""
    bind: Engine | Connection = (_maker or _process_sessions()).kw["bind"]
    # Tests that work inside one outer transaction hand out its connection.
    return _standing_alone(bind) if isinstance(bind, Engine) else Glance(bind)


@cache
def _standing_alone(engine: Engine) -> Glance:
    # An engine of its own: switching a pooled connection to autocommit and back costs what it would save.
    own = create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_size=config.current().database_pool,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args=_connect_args(config.current(), "-c plan_cache_mode=force_generic_plan -c jit=off"),
    )
    return Glance(own)


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
