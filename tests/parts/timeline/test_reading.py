"""A stretch of the log, its 了解 and the audit row of the reading, in one statement."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import DBAPIError

from casenet import audit, groups, timeline
from casenet.audit.tables import AuditEvent
from casenet.cli.servers import OWNER
from casenet.config import Config
from casenet.database import glance, transaction
from casenet.groups import Entry, Permission
from casenet.ids import new_id
from casenet.timeline import MarkView, RevisionView
from tests.cast import NOON, Cast, assemble, report
from tests.conftest import Servers


@pytest.fixture
def cast(database: Config) -> Cast:
    with transaction() as session:
        return assemble(session)


def entry_of(cast: Cast, person_id: UUID, group_id: UUID | None = None) -> Entry:
    return groups.enter(glance(), person_id, group_id or cast.group, Permission.POST)


def publish(cast: Cast, count: int) -> list[UUID]:
    drafts = [report(f"報告 {number}") for number in range(1, count + 1)]
    for draft in drafts:
        timeline.publish_post(glance(), entry_of(cast, cast.tanaka), draft, now=NOON)
    return [draft.id for draft in drafts]


def acknowledge(cast: Cast, person_id: UUID, post_id: UUID) -> None:
    with transaction() as session:
        timeline.acknowledge_post(session, entry_of(cast, person_id), post_id, now=NOON)


def readings() -> list[Any]:
    with transaction() as session:
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "posts.read").order_by(AuditEvent.id)
        )
        return [(row.person_id, row.group_id, row.request_id, row.decision, row.detail) for row in rows]


def test_a_page_is_newest_first_and_brings_the_marks_on_its_posts_only(cast: Cast) -> None:
    posts = publish(cast, 5)
    for person, post in ((cast.sato, posts[0]), (cast.sato, posts[4]), (cast.ito, posts[3])):
        acknowledge(cast, person, post)

    page = timeline.page_before(glance(), entry_of(cast, cast.sato), None, 3)

    assert [row.sequence for row in page.rows] == [5, 4, 3]
    assert page.rows[0] == RevisionView(5, posts[4], 1, "report", cast.tanaka, NOON, None, "報告 5", None)
    assert page.marks == (MarkView(2, posts[4], cast.sato, NOON), MarkView(3, posts[3], cast.ito, NOON))


def test_changes_are_oldest_first_and_bring_every_mark_after_a_number(cast: Cast) -> None:
    posts = publish(cast, 5)
    for person, post in ((cast.sato, posts[4]), (cast.sato, posts[0]), (cast.ito, posts[0])):
        acknowledge(cast, person, post)

    changes = timeline.changes_after(glance(), entry_of(cast, cast.sato), 2, 2, marks_after=1)

    assert [(row.sequence, row.text) for row in changes.rows] == [(3, "報告 3"), (4, "報告 4")]
    assert [(mark.mark, mark.post_id, mark.person_id) for mark in changes.marks] == [
        (2, posts[0], cast.sato),
        (3, posts[0], cast.ito),
    ]


def test_a_transaction_reads_the_same(cast: Cast) -> None:
    acknowledge(cast, cast.sato, publish(cast, 2)[0])
    entry = entry_of(cast, cast.sato)

    with transaction() as session:
        assert timeline.page_before(session, entry, None, 50) == timeline.page_before(
            glance(), entry, None, 50
        )
        assert timeline.changes_after(session, entry, 0, 50) == timeline.changes_after(glance(), entry, 0, 50)


def test_a_notice_comes_with_its_codes(cast: Cast) -> None:
    with transaction() as session:
        timeline.publish_notice(session, cast.group, new_id(), {"kind": "visit", "minutes": 20}, now=NOON)

    (row,) = timeline.page_before(glance(), entry_of(cast, cast.sato), None, 50).rows

    assert (row.kind, row.text, row.author_id) == ("notice", None, None)
    assert row.notice == {"kind": "visit", "minutes": 20}


def test_each_reading_leaves_one_audit_row_that_says_from_where_to_where(cast: Cast) -> None:
    publish(cast, 5)
    entry = entry_of(cast, cast.sato)
    door = audit.at_door(audit.Origin("a-request", None, None))

    timeline.page_before(glance(), entry, 5, 3)
    timeline.changes_after(glance(), entry, 3, 50)
    audit.leave_door(door)

    about = (cast.sato, cast.group, "a-request", "allowed")
    assert readings() == [(*about, {"from": 2, "to": 4}), (*about, {"from": 4, "to": 5})]


def test_who_saw_nothing_has_read_nothing(cast: Cast) -> None:
    posts = publish(cast, 1)
    acknowledge(cast, cast.ito, posts[0])
    entry = entry_of(cast, cast.sato)

    assert timeline.page_before(glance(), entry, 1, 50) == ((), ())
    assert [mark.mark for mark in timeline.changes_after(glance(), entry, 1, 50).marks] == [1]
    assert readings() == []


# At once, and at the very last: when the statement is done and only its commit is left.
REFUSALS = {
    "insert": ("ALTER TABLE audit_event ADD CHECK (action <> 'posts.read') NOT VALID",),
    "commit": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        """CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit_event INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()""",
    ),
}


@pytest.mark.parametrize("refused_at", REFUSALS)
def test_nothing_is_shown_when_the_reading_cannot_be_written_down(
    cast: Cast, database: Config, servers: Servers, refused_at: str
) -> None:
    publish(cast, 1)
    entry = entry_of(cast, cast.sato)
    for _ in range(8):  # psycopg prepares it on the server after five
        timeline.page_before(glance(), entry, None, 50)
    name = make_url(database.database_url).database or ""
    with create_engine(servers.url(name, OWNER)).begin() as owner:
        for statement in REFUSALS[refused_at]:
            owner.execute(text(statement))

    with pytest.raises(DBAPIError):
        timeline.page_before(glance(), entry, None, 50)


def test_a_group_is_not_read_with_the_numbers_of_another(cast: Cast) -> None:
    publish(cast, 2)

    page = timeline.page_before(glance(), entry_of(cast, cast.ogawa, cast.other_group), 3, 50)

    assert page == ((), ())
