"""How far each member has read, and what waits for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from casenet.groups import Entry
from casenet.timeline.rules import AWAITING_ROWS
from casenet.timeline.tables import PostMark, ReadMark, TimelineRevision


def read_sequences(session: Session, group_id: UUID) -> dict[UUID, int]:
    """How far each member has read."""
    rows = session.execute(select(ReadMark.person_id, ReadMark.sequence).where(ReadMark.group_id == group_id))
    return {row.person_id: row.sequence for row in rows}


def read_by(session: Session, person_id: UUID) -> dict[UUID, int]:
    """How far one person has read, by group."""
    rows = session.execute(
        select(ReadMark.group_id, ReadMark.sequence).where(ReadMark.person_id == person_id)
    )
    return {row.group_id: row.sequence for row in rows}


def unread(session: Session, person_id: UUID, group_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many rows by others each group has beyond what this person has read; groups with none are left out."""
    rows = session.execute(
        select(TimelineRevision.group_id, func.count())
        .outerjoin(
            ReadMark,
            (ReadMark.group_id == TimelineRevision.group_id) & (ReadMark.person_id == person_id),
        )
        .where(
            TimelineRevision.group_id.in_(list(group_ids)),
            TimelineRevision.sequence > func.coalesce(ReadMark.sequence, 0),
            TimelineRevision.author_id.is_distinct_from(person_id),
        )
        .group_by(TimelineRevision.group_id)
    )
    return {row[0]: row[1] for row in rows}


def awaiting(
    session: Session, person_id: UUID, entries: Sequence[Entry], *, since: datetime
) -> dict[UUID, int]:
    """How many questions and instructions of others each group has since then without this person's 了解.

    Looks at the newest AWAITING_ROWS rows of a group only: the list must stay cheap for a group of 10,000.
    """
    if not entries:
        return {}
    newest = or_(
        *(
            (TimelineRevision.group_id == entry.group_id)
            & (TimelineRevision.sequence > entry.last_sequence - AWAITING_ROWS)
            for entry in entries
        )
    )
    mine = exists().where(
        PostMark.group_id == TimelineRevision.group_id,
        PostMark.post_id == TimelineRevision.post_id,
        PostMark.person_id == person_id,
    )
    rows = session.execute(
        select(TimelineRevision.group_id, func.count().label("waiting"))
        .where(
            newest,
            TimelineRevision.revision == 1,
            TimelineRevision.kind.in_(("question", "instruction")),
            TimelineRevision.author_id.is_distinct_from(person_id),
            TimelineRevision.created_at >= since,
            ~mine,
        )
        .group_by(TimelineRevision.group_id)
    )
    return {row.group_id: row.waiting for row in rows}
