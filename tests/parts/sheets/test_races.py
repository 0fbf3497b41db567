"""Twice at once, with real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from casenet import clock, facilities, groups, sheets
from casenet.database import transaction
from casenet.errors import Conflict
from casenet.groups import Permission
from casenet.ids import new_id
from tests.house import populate
from tests.parts.sheets.case_a import VALUES

WRITERS = 8


@pytest.fixture
def desk(database):
    """(person, group, hospital) in a database of this test alone."""
    cast = populate()
    hospital = facilities.NewFacility(new_id(), "hospital", "架空記念病院")
    with transaction() as session:
        facilities.add_facility(session, hospital, by=None, now=clock.now())
    return cast.mori, cast.group, hospital.id


def at_once(act):
    """What eight threads that start together return or raise."""
    start = Barrier(WRITERS)

    def one(number):
        start.wait()
        try:
            return act(number)
        except Conflict as refusal:
            return refusal.code

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(one, range(WRITERS)))


def draft(desk, sheet_id):
    person, group, _ = desk
    with transaction() as session:
        entry = groups.enter(session, person, group, Permission.SHEET)
        return sheets.draft_sheet(session, entry, sheet_id, kind="admission", now=clock.now())[1]


def full(desk):
    sheet_id = new_id()
    draft(desk, sheet_id)
    with transaction() as session:
        entry, sheet = entered(session, desk, sheet_id)
        sheets.revise_sheet(session, entry, sheet, VALUES, expected_version=1, now=clock.now())
    return sheet_id


def entered(session, desk, sheet_id):
    return sheets.enter_sheet(session, desk[0], sheet_id, Permission.SHEET, lock=True)


def release(desk, sheet_id):
    with transaction() as session:
        entry, sheet = entered(session, desk, sheet_id)
        sheets.release_sheet(session, entry, sheet, desk[2], contact=None, now=clock.now())
    return "released"


def work():
    with transaction() as session:
        claims = sheets.claim_due(session, now=clock.now())
    done = []
    for claim in claims:
        with transaction() as session:
            job = sheets.job_of(session, claim)
        content = sheets.render(job)
        with transaction() as session:
            done.append(sheets.record_delivery(session, job, content, now=clock.now()))
    return done


def count(query):
    with transaction() as session:
        return session.scalar(text(query))


def test_one_draft_comes_of_one_id_sent_eight_times_at_once(desk):
    sheet_id = new_id()

    made = at_once(lambda _: draft(desk, sheet_id))

    assert sorted(made) == [False] * (WRITERS - 1) + [True]
    assert count("select count(*) from sheet_revision") == 1


def test_of_eight_writers_of_one_version_one_wins(desk):
    sheet_id = full(desk)

    def write(number):
        with transaction() as session:
            entry, sheet = entered(session, desk, sheet_id)
            values = VALUES | {"w.interests": f"編み物{number}"}
            sheets.revise_sheet(session, entry, sheet, values, expected_version=2, now=clock.now())
            return "written"

    assert sorted(at_once(write)) == ["sheet-moved-on"] * (WRITERS - 1) + ["written"]
    assert count("select version from sheet") == 3


def test_a_sheet_released_eight_times_at_once_is_released_once(desk):
    sheet_id = full(desk)

    assert sorted(at_once(lambda _: release(desk, sheet_id))) == ["released"] + ["sheet-state"] * (
        WRITERS - 1
    )
    assert count("select count(*) from handover") == 1


def test_eight_workers_issue_each_sheet_once(desk):
    for _ in range(4):
        release(desk, full(desk))

    done = [each for worker in at_once(lambda _: work()) for each in worker]

    assert done == [True] * 4
    assert count("select count(*) from sheet_document") == 4
    assert count("select count(*) from timeline_revision where notice->>'code' = 'sheet.sent'") == 4


def test_of_eight_browsers_with_the_right_code_one_is_bound(desk):
    sheet_id = full(desk)
    release(desk, sheet_id)
    work()
    with transaction() as session:
        entry, sheet = entered(session, desk, sheet_id)
        link = sheets.view(session, entry, sheet, now=clock.now()).handover
    token = link.link.rsplit("/", 1)[1]

    def open_it(_):
        with transaction() as session:
            return sheets.open_link(session, token, link.code, now=clock.now())

    opened = [opening.browser for opening in at_once(open_it) if opening is not None]

    assert len(opened) == 1


def test_eight_wrong_codes_at_once_are_five_tries(desk):
    sheet_id = full(desk)
    release(desk, sheet_id)
    work()
    with transaction() as session:
        entry, sheet = entered(session, desk, sheet_id)
        link = sheets.view(session, entry, sheet, now=clock.now()).handover
    token = link.link.rsplit("/", 1)[1]
    wrong = "000000" if link.code != "000000" else "000001"

    def guess(_):
        with transaction() as session:
            return sheets.open_link(session, token, wrong, now=clock.now())

    tries = [opening.tries_left for opening in at_once(guess) if opening is not None]

    assert sorted(tries) == [1, 2, 3, 4]
    assert count("select state from handover") == "closed"
