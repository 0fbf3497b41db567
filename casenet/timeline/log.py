"""Add a row to a group's log: its number, the row and its audit row in one statement."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from casenet import audit
from casenet.database import after_commit
from casenet.groups import give_back_sequence, next_sequence
from casenet.realtime import ring_group
from casenet.timeline.tables import TimelineRevision


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a post stands. `is_new` is False when the same post had been there already."""

    post_id: UUID
    sequence: int
    created_at: datetime
    is_new: bool


def append(
    session: Session, group_id: UUID, values: dict[str, Any], *, by: UUID | None, action: str
) -> Posted | None:
    """Give the row the group's next number and add it. None when this revision of this post is there already.

    values  Every column of the row but group and sequence.
    The update takes the group's row lock, which makes numbers appear in the order of commits. A database
    sequence would not: a phone asking "after 41" could pass 42 before 42 is committed.
    """
    given = {f"new_{name}": value for name, value in values.items()}
    facts = audit.facts(person_id=by, action=action, object_id=values["post_id"])
    sequence = session.scalar(_APPEND, {"numbered_group_id": group_id} | given | facts)
    if sequence is None:
        # The number was taken for a row that stands there already; we still hold the lock, so give it back.
        give_back_sequence(session, group_id)
        return None
    after_commit(session, partial(ring_group, group_id, sequence))
    return Posted(values["post_id"], sequence, values["created_at"], is_new=True)


def _statement() -> ReturningInsert[int]:
    number = next_sequence()
    names = ("post_id", "revision", "kind", "author_id", "created_at", "reply_to", "body", "notice")
    # The table, not the class, and names of their own: parameters named as columns would be taken for a row.
    table = cast("Table", TimelineRevision.__table__)
    values = [bindparam(f"new_{name}", type_=table.c[name].type) for name in names]
    added = (
        insert(table)
        .from_select(["group_id", "sequence", *names], select(number.c.id, number.c.last_sequence, *values))
        .on_conflict_do_nothing()
        .returning(table.c.group_id, table.c.sequence)
        .cte("added")
    )
    return audit.recording(added.c.group_id, added.c.sequence)


_APPEND = _statement()  # made once: building it takes longer than running it
