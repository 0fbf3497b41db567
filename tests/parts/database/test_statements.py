"""Prepared statements inside a transaction: its rows, its errors, and connections that are lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from uuid import UUID

import pytest
from sqlalchemy import Integer, String, Uuid, bindparam, column, func, literal_column, select
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from casenet import clock
from casenet import database as ground
from casenet.config import Config
from casenet.database import Prepared, given_rows, transaction
from casenet.facilities.tables import Facility
from casenet.ids import new_id
from tests.conftest import Servers

ONE = Prepared(select(literal_column("1", Integer).label("one")))
DIVIDED = Prepared(select(literal_column("1", Integer) / bindparam("by", type_=Integer)))
BACKEND = Prepared(select(func.pg_backend_pid()))
NAP = Prepared(select(func.pg_sleep(3)))
OFFICES = Prepared(
    select(column("name"))
    .select_from(Facility.__table__)
    .where(column("id") == bindparam("office", type_=Uuid))
)
_given = given_rows("pairs", {"id": Uuid, "name": String, "place": Integer})
PAIRS = Prepared(select(_given.c.id, _given.c.name, _given.c.place).order_by(_given.c.place))


def test_what_waits_to_be_written_is_there_when_a_statement_reads(session: Session) -> None:
    office = new_id()
    session.add(
        Facility(
            id=office, kind="clinic", name="架空診療所", tel="", fax="", address="", created_at=clock.now()
        )
    )

    assert [row.name for row in OFFICES.all(session, {"office": office})] == ["架空診療所"]


def test_many_rows_travel_as_one_document(session: Session) -> None:
    rows = [{"id": new_id(), "name": "「'; --", "place": 2}, {"id": UUID(int=7), "name": None, "place": 1}]

    found = PAIRS.all(session, {"pairs": rows})

    assert [(row.id, row.name, row.place) for row in found] == [
        (UUID(int=7), None, 1),
        (rows[0]["id"], "「'; --", 2),
    ]
    assert PAIRS.all(session, {"pairs": []}) == []


def test_a_fault_has_sqlalchemys_name_and_shows_no_value(session: Session) -> None:
    with pytest.raises(DataError) as caught, session.begin_nested():
        DIVIDED.all(session, {"by": 0})

    assert "by" not in str(caught.value.params)
    assert ONE.first(session, {}).one == 1


def test_after_a_lost_connection_the_next_transaction_works(own_servers: Servers, config: Config) -> None:
    with own_database(own_servers, config):
        with transaction() as session, transaction() as another:
            assert (ONE.first(session, {}).one, ONE.first(another, {}).one) == (1, 1)

        own_servers.postgres.stop()
        own_servers.postgres.start()

        with pytest.raises(OperationalError) as caught, transaction() as session:
            ONE.first(session, {})
        assert caught.value.connection_invalidated
        with transaction() as session, transaction() as another:
            assert (ONE.first(session, {}).one, ONE.first(another, {}).one) == (1, 1)


class GivenUp(Exception):
    """As Celery's soft time limit: raised by a signal, wherever the program is."""


@pytest.mark.parametrize("kind", [GivenUp, SystemExit])
def test_whoever_is_stopped_in_mid_statement_leaves_no_answer_to_the_next(
    database: Config, kind: type[BaseException]
) -> None:
    def stop(*_: object) -> None:
        raise kind

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for ask in (in_a_transaction, in_a_glance):
            for _ in range(3):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(kind):
                    ask(NAP)
                assert ask(ONE) == 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_forked_child_speaks_on_connections_of_its_own(database: Config) -> None:
    """Celery's worker forks; a parent that has asked the database before must not share its answers."""
    mine = backends()

    with get_context("fork").Pool(1) as pool:
        theirs = pool.apply(backends)

    assert len({*mine, *theirs}) == 4
    assert backends() == mine


def backends() -> tuple[object, object]:
    return in_a_glance(BACKEND), in_a_transaction(BACKEND)


def in_a_transaction(statement: Prepared) -> object:
    with transaction() as session:
        return statement.first(session, {})[0]


def in_a_glance(statement: Prepared) -> object:
    return statement.first(ground.glance(), {})[0]


@contextmanager
def own_database(servers: Servers, config: Config) -> Iterator[None]:
    maker = ground.sessions(replace(config, database_url=servers.url(servers.clone())))
    ground.use(maker)
    try:
        yield
    finally:
        ground.use(None)
        maker.kw["bind"].dispose()
