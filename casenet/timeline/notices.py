"""What the system did, in the timeline: codes and ids only, so that it needs no key."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Integer, Table, Uuid, bindparam, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from casenet import audit
from casenet.database import Prepared, after_commit, given_rows
from casenet.groups import next_sequences
from casenet.realtime import ring_group
from casenet.timeline.log import Posted, append
from casenet.timeline.tables import TimelineRevision

ACTION = "notice.publish"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that the system writes. `id` is made by name, so that it is written once."""

    id: UUID
    notice: dict[str, Any]


def publish_notice(
    session: Session, group_id: UUID, notice_id: UUID, notice: dict[str, Any], *, now: datetime
) -> Posted | None:
    """Write what was done into the timeline. None when it stands there already."""
    return append(
        session,
        group_id,
        {
            "post_id": notice_id,
            "revision": 1,
            "kind": "notice",
            "author_id": None,
            "created_at": now,
            "reply_to": None,
            "body": None,
            "notice": notice,
        },
        by=None,
        action=ACTION,
    )


def publish_notices(session: Session, group_id: UUID, notices: Sequence[Notice], *, now: datetime) -> None:
    """Write several in their order, in one statement. The caller knows that none of them stands there already."""
    if not notices:
        return
    rows = [asdict(notice) | {"place": place} for place, notice in enumerate(notices, 1)]
    given = {"numbered_group_id": group_id, "number_of_rows": len(rows), "written_at": now, "notices": rows}
    numbers = _WRITE.all(session, given | audit.origin())
    after_commit(session, partial(ring_group, group_id, max(row.revision for row in numbers)))


def _statement() -> ReturningInsert[int]:
    numbered = next_sequences()
    given = given_rows("notices", {"id": Uuid, "notice": JSONB, "place": Integer})
    table = cast("Table", TimelineRevision.__table__)
    row = select(
        numbered.c.id,
        numbered.c.last_sequence - bindparam("number_of_rows", type_=Integer) + given.c.place,
        given.c.id,
        literal(1),
        literal("notice", table.c.kind.type),
        bindparam("written_at", type_=table.c.created_at.type),
        given.c.notice,
    ).join_from(numbered, given, literal(True))
    names = ["group_id", "sequence", "post_id", "revision", "kind", "created_at", "notice"]
    added = (
        insert(table)
        .from_select(names, row)
        .returning(table.c.group_id, table.c.sequence, table.c.post_id)
        .cte("added")
    )
    return audit.recording_each(
        group_id=added.c.group_id,
        revision=added.c.sequence,
        object_id=added.c.post_id,
        action=literal(ACTION),
    )


_WRITE = Prepared(_statement())
