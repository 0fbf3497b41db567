"""Statements that are put together and compiled once, for sessions and for glances (docs/decisions/0017)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
import psycopg
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.rows import RowMaker, namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy import (
    JSON,
    Connection,
    Engine,
    Executable,
    PoolProxiedConnection,
    TableValuedAlias,
    bindparam,
    column,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg as PsycopgDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


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
        return _is_lost(self.driver)

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
        self._left: list[_Borrowed] = []
        self._waiting = 0

    def leave_to_parent(self) -> None:
        """In a forked child: the parent's connections are neither used nor ended."""
        self._left, self._idle = self._idle, []

    def run(self, statement: "Prepared", parameters: dict[str, Any]) -> list[Any]:
        """The rows of one statement. Raises SQLAlchemy's errors, whoever met them.

        A connection that was lost while nobody used it (the database was started anew) is not the caller's
        fault: the statement is asked once more, at last by a new connection. Each of them may be asked twice.
        """
        if isinstance(self._bind, Connection):  # a test's outer transaction: a failure must not end it
            with self._bind.begin_nested():
                return self._ask(_Borrowed(self._bind.connection), statement, parameters)
        while True:
            try:
                borrowed = self._idle.pop()
            except IndexError:  # asked so, not by a look before: threads share a glance too
                borrowed = self._borrow(statement)
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

    def __init__(self, statement: Executable, *, as_bytes: bool = False) -> None:
        """as_bytes: its rows come as bytes, not as text that is read back. Cast columns of our own types to text."""
        self._format = Format.BINARY if as_bytes else Format.TEXT
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
        if session.autoflush:
            session.flush()
        connection = session.connection()
        driver: psycopg.Connection[Any] = cast("Any", connection.connection.driver_connection)
        try:
            return self.ask(driver.cursor(row_factory=self.rows), given)
        except BaseException as error:
            is_lost = _is_lost(driver)
            if is_lost:
                connection.invalidate(error)
            if not isinstance(error, psycopg.Error):
                raise
            if is_lost:
                connection.engine.dispose()  # the pool's others were lost with it
            raise _named(error, self, is_lost=is_lost) from None

    def ask(self, cursor: psycopg.Cursor[Any], given: dict[str, Any]) -> list[Any]:
        """The rows of one run. Raises psycopg's errors."""
        cursor.format = self._format
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


def _is_lost(driver: psycopg.Connection[Any]) -> bool:
    """Closed, broken, or left in the middle of an answer by somebody who gave up."""
    return driver.closed or driver.broken or driver.pgconn.transaction_status == TransactionStatus.ACTIVE


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
