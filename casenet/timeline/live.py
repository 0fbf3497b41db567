"""What a live delivery needs, in one statement: who may read now, what is new, and the audit row of its reading."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, true

from casenet import audit, groups
from casenet.database import Database, Prepared
from casenet.timeline.queries import COLUMNS, ROW, RevisionView, open_rows
from casenet.timeline.rules import PAGE_MAX


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a group, for those who may read it now.

    readers         Those of the listening who may; the audit row names them.
    last_sequence   The group's own counters, which may be beyond `rows`.
    """

    rows: tuple[RevisionView, ...]
    readers: frozenset[UUID]
    last_sequence: int
    last_mark: int


def news(session: Database, group_id: UUID, after: int, listening: Collection[UUID]) -> News | None:
    """What came after number `after`, oldest first, at most PAGE_MAX rows, for those of `listening` who may read it.

    None when none of them may. Leaves an audit row when there is something new.
    """
    asked = {"heard_group_id": group_id, "after": after, "listening": list(listening)}
    found = _NEWS.all(session, asked)
    if not found:
        return None
    head = found[0]
    # The group's line stands also when nothing is new.
    opened = open_rows(session, group_id, head.org_id, found if head.sequence else ())
    return News(opened, frozenset(head.readers), head.last_sequence, head.last_mark)


def _statement() -> Select[Any]:
    heard = groups.readers_among()
    fresh = (
        select(*COLUMNS)
        .where(ROW.c.group_id == bindparam("heard_group_id"), ROW.c.sequence > bindparam("after"))
        .order_by(ROW.c.sequence)
        .limit(PAGE_MAX)
        .cte("fresh")
    )
    newest = select(func.max(fresh.c.sequence).label("sequence")).cte("newest")
    noted = audit.delivering(heard.c.id, newest.c.sequence, heard.c.readers).cte("noted")
    return (
        select(heard.c.org_id, heard.c.last_sequence, heard.c.last_mark, heard.c.readers, *fresh.c)
        .select_from(heard.outerjoin(fresh, true()))
        .order_by(fresh.c.sequence)
        .add_cte(noted)
    )


_NEWS = Prepared(_statement())
