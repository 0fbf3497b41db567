"""One read of the timeline, for start-up, reconnect, background wake and live use alike."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    CompoundSelect,
    Select,
    String,
    Table,
    Uuid,
    bindparam,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from casenet import audit
from casenet.crypto import Place, Ring, open_text, ring, rings
from casenet.database import Database, Prepared
from casenet.groups import Entry
from casenet.timeline.rules import PAGE_MAX
from casenet.timeline.tables import PostMark, TimelineRevision


# Tuples: a page makes fifty of them, and a frozen dataclass takes three times as long.
class RevisionView(NamedTuple):
    """One row of the log, opened. `text` is None in a notice, `notice` in everything else."""

    sequence: int
    post_id: UUID
    revision: int
    kind: str
    author_id: UUID | None
    created_at: datetime
    reply_to: UUID | None
    text: str | None
    notice: dict[str, Any] | None


class MarkView(NamedTuple):
    """One 了解."""

    mark: int
    post_id: UUID
    person_id: UUID
    created_at: datetime


class Stretch(NamedTuple):
    """A stretch of a group's log, and the 了解 that go with it."""

    rows: tuple[RevisionView, ...]
    marks: tuple[MarkView, ...]


# The tables, not the classes: the ORM's way of reading a page costs twice as much.
ROW = cast("Table", TimelineRevision.__table__)
_mark = cast("Table", PostMark.__table__)
COLUMNS = (
    ROW.c.group_id,
    ROW.c.sequence,
    ROW.c.post_id,
    ROW.c.revision,
    ROW.c.kind.cast(String).label("kind"),  # a type of our own has no form in bytes that psycopg knows
    ROW.c.author_id,
    ROW.c.created_at,
    ROW.c.reply_to,
    ROW.c.body,
    ROW.c.notice,
)
_log = select(*COLUMNS)
_of_group = _log.where(ROW.c.group_id == bindparam("group")).limit(bindparam("limit"))
_marks = select(_mark.c.mark, _mark.c.post_id, _mark.c.person_id, _mark.c.created_at).where(
    _mark.c.group_id == bindparam("group")
)
_MARKS_AFTER = Prepared(
    _marks.where(_mark.c.mark > bindparam("after")).order_by(_mark.c.mark).limit(PAGE_MAX)
)


READ = "posts.read"  # in the audit trail
# Written out: every parameter costs.
_FROM, _TO = literal_column("'from'", String), literal_column("'to'", String)


def _stretch(rows: CTE, marks: Select[*tuple[Any, ...]]) -> CompoundSelect[Any]:
    """One statement that reads rows and marks, in no order, and says in the audit trail from where to where.

    `mark` is None in a row. One way to the database and one commit instead of three: a phone that starts waits
    for each of them.
    """
    read = select(func.min(rows.c.sequence).label("first"), func.max(rows.c.sequence).label("last"))
    seen = read.having(func.count() > literal_column("0")).subquery("seen")
    noted = audit.recording_each(
        person_id=bindparam("reader", type_=Uuid),
        action=literal_column(f"'{READ}'", String),
        group_id=bindparam("group", type_=Uuid),
        detail=func.jsonb_build_object(_FROM, seen.c.first, _TO, seen.c.last),
    ).cte("noted")
    found = marks.subquery("found")
    as_rows = {"mark": found.c.mark, "post_id": found.c.post_id, "author_id": found.c.person_id,
               "created_at": found.c.created_at}  # fmt: skip
    return union_all(
        select(null().cast(BigInteger).label("mark"), *rows.c).add_cte(noted),
        select(found.c.mark, *(as_rows.get(column.name, null()) for column in rows.c)),
    )


def _after() -> CompoundSelect[Any]:
    rows = _of_group.where(ROW.c.sequence > bindparam("after")).order_by(ROW.c.sequence).cte("stretch")
    marks = _marks.where(_mark.c.mark > bindparam("marks_after")).order_by(_mark.c.mark).limit(PAGE_MAX)
    return _stretch(rows, marks)


def _before() -> CompoundSelect[Any]:
    rows = (
        _of_group.where(ROW.c.sequence < bindparam("before")).order_by(ROW.c.sequence.desc()).cte("stretch")
    )
    # An array: a join would tempt the planner to read every mark of the group.
    posts = func.array(select(rows.c.post_id).scalar_subquery())
    return _stretch(rows, _marks.where(_mark.c.post_id == func.any(posts)))


# Fifty sealed bodies and a hundred ids would be read from hexadecimal.
_AFTER, _BEFORE = Prepared(_after(), as_bytes=True), Prepared(_before(), as_bytes=True)


def changes_after(
    session: Database, entry: Entry, sequence: int, limit: int, *, marks_after: int = 0
) -> Stretch:
    """What came after number `sequence`, oldest first, at most `limit` (and PAGE_MAX) rows; leaves an audit row.

    The 了解 are those after number `marks_after`, on whatever post.
    """
    given = {"after": sequence, "marks_after": marks_after, "limit": min(limit, PAGE_MAX)}
    return _read(_AFTER, session, entry, given, newest_first=False)


def page_before(session: Database, entry: Entry, sequence: int | None, limit: int) -> Stretch:
    """The page of the log that ends before `sequence` (or at its end), newest first; leaves an audit row.

    The 了解 are those on the page's posts.
    """
    before = entry.last_sequence + 1 if sequence is None else sequence
    given = {"before": before, "limit": min(limit, PAGE_MAX)}
    return _read(_BEFORE, session, entry, given, newest_first=True)


def _read(
    statement: Prepared, session: Database, entry: Entry, given: dict[str, Any], *, newest_first: bool
) -> Stretch:
    about = {"group": entry.group_id, "reader": entry.person_id}
    found = statement.all(session, about | given | audit.origin())
    rows = sorted((row for row in found if row.mark is None), key=_sequence, reverse=newest_first)
    marks = sorted(
        MarkView(row.mark, row.post_id, row.author_id, row.created_at)
        for row in found
        if row.mark is not None
    )
    return Stretch(open_rows(session, entry.group_id, entry.org_id, rows), tuple(marks))


_sequence = attrgetter("sequence")


def posts_after(session: Database, entry: Entry, sequence: int, limit: int) -> tuple[RevisionView, ...]:
    """The rows of `changes_after`."""
    return changes_after(session, entry, sequence, limit).rows


def latest_posts(session: Database, entry: Entry, limit: int) -> tuple[RevisionView, ...]:
    """The newest rows of the log, newest first; leaves an audit row."""
    return page_before(session, entry, None, limit).rows


def history(session: Session, entry: Entry, post_id: UUID) -> tuple[RevisionView, ...]:
    """Every revision of one post, oldest first; empty when the group has no such post."""
    rows = session.execute(
        _log.where(TimelineRevision.group_id == entry.group_id, TimelineRevision.post_id == post_id)
        .order_by(TimelineRevision.revision)
        .limit(PAGE_MAX)
    ).all()
    views = open_rows(session, entry.group_id, entry.org_id, rows)
    if views:
        note_reading(session, entry, views[0].sequence, views[-1].sequence)
    return views


def last_lines(session: Session, entries: Sequence[Entry]) -> dict[UUID, RevisionView]:
    """The newest row of each group's log, opened; groups without posts are left out."""
    ends = [(entry.group_id, entry.last_sequence) for entry in entries if entry.last_sequence]
    if not ends:
        return {}
    rows = session.execute(
        _log.where(tuple_(TimelineRevision.group_id, TimelineRevision.sequence).in_(ends))
    ).all()
    keys = rings(session, [row.group_id for row in rows])
    orgs = {entry.group_id: entry.org_id for entry in entries}
    return {row.group_id: _view(keys[row.group_id], orgs[row.group_id], row) for row in rows}


def marks_after(session: Database, group_id: UUID, mark: int) -> tuple[MarkView, ...]:
    """Every 了解 after number `mark`, oldest first, at most PAGE_MAX."""
    rows = _MARKS_AFTER.all(session, {"group": group_id, "after": mark})
    return tuple(MarkView(*row) for row in rows)


def open_rows(
    session: Database, group_id: UUID, org_id: UUID, rows: Sequence[Any]
) -> tuple[RevisionView, ...]:
    """Rows of the log with COLUMNS, opened."""
    keys = ring(session, group_id)
    return tuple(_view(keys, org_id, row) for row in rows)


def _view(keys: Ring, org_id: UUID, row: Any) -> RevisionView:
    text = None
    if row.body is not None:
        place = revision_place(org_id, row.group_id, row.post_id, row.revision, row.author_id, row.created_at)
        text = open_text(keys, place, row.body)
    return RevisionView(
        row.sequence,
        row.post_id,
        row.revision,
        row.kind,
        row.author_id,
        row.created_at,
        row.reply_to,
        text,
        row.notice,
    )


def revision_place(
    org_id: UUID, group_id: UUID, post_id: UUID, revision: int, author_id: UUID, created_at: datetime
) -> Place:
    """Where a sealed body belongs."""
    return Place("timeline_revision", "body", org_id, group_id, post_id, revision, author_id, created_at)


def note_reading(session: Database, entry: Entry, first: int, last: int) -> None:
    """Say in the audit trail that somebody has read from one number to another."""
    audit.record(
        session,
        person_id=entry.person_id,
        action=READ,
        group_id=entry.group_id,
        detail={"from": first, "to": last},
    )
