"""What a live delivery needs, in one statement: who may read now, what is new, and the audit row of its reading."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, select, true

from casenet import audit, groups
from casenet.database import Database, Prepared
from casenet.timeline.queries import COLUMNS, ROW, RevisionView, open_rows
from casenet.timeline.rules import PAGE_MAX


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a group, for those who may read it now.

    readers         Those of the listening who may, in ascending order; an audit row names them.
    last_sequence   The group's own counters, which may be beyond `rows`.
    """

    rows: tuple[RevisionView, ...]
    readers: tuple[UUID, ...]
    last_sequence: int
    last_mark: int


def news(
    session: Database,
    group_id: UUID,
    after: int,
    listening: Collection[UUID],
    *,
    noted: Sequence[UUID] | None,
    process_id: UUID,
) -> News | None:
    """What came after number `after`, oldest first, at most PAGE_MAX rows, for those of `listening` who may read it.

    noted   The readers that the process's last audit row about the group names, in ascending order; None when
            there is none or it is too old. Unless they are still the same, a new one is left with what is new.
    Returns None when none of them may.
    """
    asked = {
        "heard_group_id": group_id,
        "after": after,
        "listening": list(listening),
        "noted": list(noted) if noted else None,
        "audit_process_id": process_id,
    }
    found = _NEWS.all(session, asked)
    if not found:
        return None
    head = found[0]
    # The group's line stands also when nothing is new.
    opened = open_rows(session, group_id, head.org_id, found if head.sequence else ())
    return News(opened, tuple(head.readers), head.last_sequence, head.last_mark)


def _statement() -> Select[Any]:
    heard = groups.readers_among()
    fresh = (
        select(*COLUMNS)
        .where(ROW.c.group_id == bindparam("heard_group_id"), ROW.c.sequence > bindparam("after"))
        .order_by(ROW.c.sequence)
        .limit(PAGE_MAX)
        .cte("fresh")
    )
    first = select(func.min(fresh.c.sequence).label("sequence")).cte("first")
    noted = bindparam("noted", type_=ARRAY(Uuid))
    is_new = first.c.sequence.is_not(None) & heard.c.readers.is_distinct_from(noted)
    row = audit.delivering(heard.c.id, first.c.sequence, heard.c.readers, is_new).cte("noted")
    return (
        select(heard.c.org_id, heard.c.last_sequence, heard.c.last_mark, heard.c.readers, *fresh.c)
        .select_from(heard.outerjoin(fresh, true()))
        .order_by(fresh.c.sequence)
        .add_cte(row)
    )


_NEWS = Prepared(_statement())
