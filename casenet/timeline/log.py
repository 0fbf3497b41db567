"""Add a row to a group's log: its number, the row and its audit row in one statement."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import Table, bindparam, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from casenet import audit, identity
from casenet.database import Database, Glance, Prepared, after_commit
from casenet.groups import Recalled, give_back_sequence, next_sequence, seen_again, still_stands
from casenet.realtime import ring_group
from casenet.timeline.tables import TimelineRevision


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a post stands. `is_new` is False when the same post had been there already."""

    post_id: UUID
    sequence: int
    created_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """The number that a new row got, and what was true of its group at that very number."""

    sequence: int
    last_mark: int
    team_revision: int


def append(
    session: Database,
    group_id: UUID,
    values: dict[str, Any],
    *,
    by: UUID | None,
    action: str,
    tell: Callable[[Numbered], object] | None = None,
    recalled: Recalled | None = None,
) -> Posted | None:
    """Give the row the group's next number and add it. None when this revision of this post is there already.

    values  Every column of the row but group and sequence.
    tell    Called after the commit, before the bell: for who can tell it here without hearing the bell.
    recalled  Whose row it is, in a glance only: nothing is added, too, when their proof does not hold.
    The update takes the group's row lock, which makes numbers appear in the order of commits. A database
    sequence would not: a phone asking "after 41" could pass 42 before 42 is committed.
    """
    given = {f"new_{name}": value for name, value in values.items()}
    facts = audit.facts(person_id=by, action=action, object_id=values["post_id"])
    parameters = {"numbered_group_id": group_id} | given | facts
    if isinstance(session, Glance):
        row = _append_alone(session, parameters, recalled)
    elif recalled is not None:
        raise TypeError("who is recalled writes by a glance")
    elif (row := _APPEND.first(session, parameters)) is None:
        # The number was taken for a row that stands there already; we still hold the lock, so give it back.
        give_back_sequence(session, group_id)
    if row is None:
        return None
    if tell:
        after_commit(session, partial(tell, Numbered(*row)))
    after_commit(session, partial(ring_group, group_id, row.revision))
    return Posted(values["post_id"], row.revision, values["created_at"], is_new=True)


def _append_alone(session: Glance, parameters: dict[str, Any], recalled: Recalled | None) -> Any:
    """The columns of Numbered (the number as `revision` of its audit row); None when nothing was added.

    No later statement could give a number back: the row that is there already must undo the whole statement.
    """
    try:
        if recalled is not None:
            statement = _APPEND_SEEN if recalled.is_to_be_seen else _APPEND_PROVEN
            row = statement.first(session, parameters | recalled.proof)
            if row is not None:
                seen_again(recalled)
            return row
        return _APPEND_ALONE.all(session, parameters)[0]
    except IntegrityError as error:
        if not isinstance(error.orig, psycopg.Error) or error.orig.diag.constraint_name != _ONCE:
            raise
        return None


_ONCE = "uq_timeline_revision_group_id_post_id_revision"


def _statement(*, alone: bool, proven: bool = False, seen: bool = False) -> ReturningInsert[Any]:
    number = next_sequence(*([still_stands()] if proven else []))
    names = ("post_id", "revision", "kind", "author_id", "created_at", "reply_to", "body", "notice")
    # The table, not the class, and names of their own: parameters named as columns would be taken for a row.
    table = cast("Table", TimelineRevision.__table__)
    values = [bindparam(f"new_{name}", type_=table.c[name].type) for name in names]
    row = insert(table).from_select(
        ["group_id", "sequence", *names], select(number.c.id, number.c.last_sequence, *values)
    )
    added = (
        (row if alone else row.on_conflict_do_nothing())
        .returning(table.c.group_id, table.c.sequence)
        .cte("added")
    )
    state = (select(column).scalar_subquery() for column in (number.c.last_mark, number.c.team_revision))
    whole = audit.recording(added.c.group_id, added.c.sequence).returning(*state)
    return whole.add_cte(identity.sighting(exists(select(number.c.id)))) if seen else whole


_APPEND, _APPEND_ALONE = Prepared(_statement(alone=False)), Prepared(_statement(alone=True))
_APPEND_PROVEN = Prepared(_statement(alone=True, proven=True))
_APPEND_SEEN = Prepared(_statement(alone=True, proven=True, seen=True))
