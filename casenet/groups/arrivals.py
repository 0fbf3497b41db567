"""Who comes to a group: asked in one read, and remembered for a statement that checks it again by itself."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, select

from casenet import identity
from casenet.database import Database, Prepared
from casenet.groups.access import ENTRY, Entry, is_active
from casenet.groups.rules import Permission, may
from casenet.groups.tables import Membership, PatientGroup
from casenet.identity import Asker

REMEMBERED_MAX = 10_000  # by one process; a prefecture has 6,000 sockets (needs.md 4)
REMEMBERED_FOR = timedelta(minutes=10)  # who is away for longer has most likely put the phone away

_holder = identity.holder()
_member = cast("Table", Membership.__table__)
_group = cast("Table", PatientGroup.__table__)
_ARRIVE = Prepared(
    select(_holder, *ENTRY.selected_columns, _group.c.team_revision, _member.c.ends_at)
    .select_from(_holder)
    .outerjoin(
        _member,
        (_member.c.person_id == _holder.c.holder_id) & (_member.c.group_id == bindparam("group")) & is_active,
    )
    .outerjoin(_group, _group.c.id == _member.c.group_id)
)
_ENTRY_FROM, _ENTRY_TO = len(_holder.c), len(_holder.c) + len(ENTRY.selected_columns)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Who came, what they were in the group, and when it is to be noted again that they are here."""

    asker: Asker
    entry: Entry
    team_revision: int
    until: datetime
    seen_until: datetime


_remembered: OrderedDict[tuple[bytes, UUID], _Arrival] = OrderedDict()  # the newest last


@dataclass(frozen=True, slots=True)
class Recalled:
    """What somebody was in a group minutes ago: proves nothing until `still_stands` has been asked.

    proof           The parameters of a statement with `still_stands` or `standing`, and perhaps an `identity.sighting`.
    is_to_be_seen   Whether the statement is also to note that they are here: once a minute.
    """

    asker: Asker
    entry: Entry
    proof: dict[str, Any]
    is_to_be_seen: bool


def arrive(
    session: Database, token: str, group_id: UUID, *, idle_minutes: int, now: datetime
) -> tuple[Asker | None, Entry | None]:
    """Who holds this session token and what they are in the group, in one read: requests about a group ask this.

    The entry proves nothing yet: `admitted` checks the right.
    """
    shown = identity.shown(token, idle_minutes=idle_minutes, now=now)
    row = _ARRIVE.first(session, {"group": group_id} | shown)
    if row is None:
        return None, None
    asker = Asker(row.holder_id, row.session_id)
    seen_until = identity.seen(session, asker, row.last_seen_at, now=now)
    if row.id is None:
        return asker, None
    entry = Entry(*row[_ENTRY_FROM:_ENTRY_TO])
    if row.ends_at is None:  # who is in until an hour is out by the clock, and no number says so
        until = now + REMEMBERED_FOR
        _remember(
            (shown["token_hash"], group_id), _Arrival(asker, entry, row.team_revision, until, seen_until)
        )
    return asker, entry


def _remember(key: tuple[bytes, UUID], arrival: _Arrival) -> None:
    _remembered[key] = arrival
    _remembered.move_to_end(key)
    if len(_remembered) > REMEMBERED_MAX:
        _remembered.popitem(last=False)


def recall(
    token: str, group_id: UUID, permission: Permission, *, idle_minutes: int, now: datetime
) -> Recalled | None:
    """Who held this session token in the group lately, with the permission; None when nobody is remembered.

    Only for one statement that asks `still_stands` and does nothing at all when it does not.
    """
    shown = identity.shown(token, idle_minutes=idle_minutes, now=now)
    key = (shown["token_hash"], group_id)
    known = _remembered.get(key)
    if known is None or known.until <= now or not may(known.entry.role, permission):
        return None
    proof = {
        "recalled_team": known.team_revision,
        "recalled_person": known.entry.person_id,
        "recalled_group": group_id,
    }
    return Recalled(known.asker, known.entry, shown | proof, known.seen_until <= now)


def seen_again(recalled: Recalled) -> None:
    """The statement with an `identity.sighting`, if there was to be one, has been committed: not again for a minute."""
    if recalled.is_to_be_seen:
        key = (recalled.proof["token_hash"], recalled.proof["recalled_group"])
        if known := _remembered.get(key):
            _remembered[key] = replace(known, seen_until=recalled.proof["now"] + identity.TOUCH)


def standing() -> Select[*tuple[Any, ...]]:
    """A statement part (group_id, last_sequence, last_mark) about the group that somebody is recalled in.

    Nothing when that stands no longer.
    """
    counters = (_group.c.id.label("group_id"), _group.c.last_sequence, _group.c.last_mark)
    return select(*counters).where(_group.c.id == bindparam("recalled_group"), still_stands())


def still_stands() -> ColumnElement[bool]:
    """A condition on the group's row: the token is still good, and the team is the same.

    With the same team a person has the same role: a trigger moves its number with every change. An UPDATE of
    the row that has waited for the row looks at that number anew, so a removal that was committed meanwhile is seen.
    """
    holds = exists(select(_holder.c.holder_id).where(_holder.c.holder_id == bindparam("recalled_person")))
    return (_group.c.team_revision == bindparam("recalled_team")) & holds
