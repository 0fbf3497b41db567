"""Finding a group and being allowed are one call. Nobody holds a group that they may not see."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Double, Select, Table, Text, bindparam, func, literal_column, or_, select
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import Session

from casenet.database import Database, Prepared
from casenet.errors import NotAllowed, NotFound
from casenet.groups.rules import RIGHTS, Permission, may
from casenet.groups.tables import Membership, PatientGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A person inside a group: proof that they may be there now.

    org_id          The host office; part of what every seal is bound to.
    """

    group_id: UUID
    org_id: UUID
    person_id: UUID
    role: str
    function: str | None
    last_sequence: int
    last_mark: int


# The tables, not the classes: every request and every bell asks this, and the ORM's way costs twice as much.
_member = cast("Table", Membership.__table__)
_group = cast("Table", PatientGroup.__table__)

# A membership counts from joining until it is left, or until it ends by itself (cover).
is_active = (_member.c.left_at.is_(None)) & (or_(_member.c.ends_at.is_(None), _member.c.ends_at > func.now()))

ENTRY = (
    select(
        _group.c.id,
        _group.c.host_facility_id,
        _member.c.person_id,
        _member.c.role,
        _member.c.function,
        _group.c.last_sequence,
        _group.c.last_mark,
    )
    .join(_group, _group.c.id == _member.c.group_id)
    .where(is_active)
)


_AUDIENCE = ENTRY.where(_member.c.group_id == bindparam("group"))
_ENTER = Prepared(_AUDIENCE.where(_member.c.person_id == bindparam("person")))


def enter(session: Database, person_id: UUID, group_id: UUID, permission: Permission) -> Entry:
    """Let a person into a group to do one thing.

    Raises NotFound for everybody who is no member now (a group of others does not exist), NotAllowed for a
    member whose role does not hold the permission.
    """
    row = _ENTER.first(session, {"group": group_id, "person": person_id})
    return admitted(Entry(*row) if row else None, permission)


def admitted(entry: Entry | None, permission: Permission) -> Entry:
    """The entry of whoever may do this. Raises NotFound, NotAllowed as `enter` does."""
    if entry is None:
        raise NotFound
    if not may(entry.role, permission):
        # Whoever may not even read it gets the outsider's answer.
        raise NotAllowed("not-allowed") if may(entry.role, Permission.READ) else NotFound
    return entry


def entries_of(session: Session, person_id: UUID) -> tuple[Entry, ...]:
    """Every group that this person may read now."""
    rows = session.execute(ENTRY.where(_member.c.person_id == person_id, _group.c.closed_at.is_(None)))
    return tuple(entry for row in rows if may((entry := Entry(*row)).role, Permission.READ))


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may read a group now, and how far its two counters have come."""

    org_id: UUID
    last_sequence: int
    last_mark: int
    readers: frozenset[UUID]


def audience(session: Session, group_id: UUID) -> Audience | None:
    """Everybody who may read this group now, in one read with its counters. None when nobody may."""
    rows = session.execute(_AUDIENCE, {"group": group_id}).all()
    if not rows:
        return None
    may_read = frozenset(row.person_id for row in rows if may(row.role, Permission.READ))
    return Audience(rows[0].host_facility_id, rows[0].last_sequence, rows[0].last_mark, may_read)


# Literals, not parameters: SQLAlchemy would write the list anew at every call.
_READING = [literal_column(f"'{role}'", Text) for role in RIGHTS if may(role, Permission.READ)]


@dataclass(frozen=True, slots=True)
class Team:
    """Who may read a group, as long as its team has this revision.

    seconds     From the read on, until the first of them is out by the clock (cover); infinite when nobody will.
    """

    revision: int
    readers: frozenset[UUID]
    seconds: float


NO_TEAM = -1  # the revision of none


def heard() -> Select[*tuple[Any, ...]]:
    """A statement (org_id, last_sequence, last_mark, team_revision) about the group `heard_group_id`."""
    return select(
        _group.c.host_facility_id.label("org_id"),
        _group.c.last_sequence,
        _group.c.last_mark,
        _group.c.team_revision,
    ).where(_group.c.id == bindparam("heard_group_id"))


def heard_by() -> Select[*tuple[Any, ...]]:
    """`heard` with what `team_of` needs."""
    reading = (_member.c.group_id == bindparam("heard_group_id"), _member.c.role.in_(_READING), is_active)
    readers = select(_member.c.person_id).where(*reading)
    seconds = select(func.extract("epoch", func.min(_member.c.ends_at) - func.now())).where(*reading)
    return heard().add_columns(
        cast_to(func.array(readers.scalar_subquery()), Text).label("readers"),
        cast_to(seconds.scalar_subquery(), Double).label("seconds"),
    )


def team_of(row: Any) -> Team:
    """The team in a row of `heard_by`."""
    return Team(row.team_revision, _readers_of(row.readers), inf if row.seconds is None else row.seconds)


@lru_cache(maxsize=10_000)
def _readers_of(text: str) -> frozenset[UUID]:
    """From the text of an array: most often the same as the last time."""
    return frozenset(UUID(id) for id in text.strip("{}").split(",") if id)


def entry_for_system(session: Session, group_id: UUID, author_id: UUID) -> Entry:
    """An entry for work that the system does in a person's name (rendering a released sheet). Doors never call it."""
    row = session.get(PatientGroup, group_id)
    if row is None:
        raise NotFound
    return Entry(
        group_id, row.host_facility_id, author_id, "observer", None, row.last_sequence, row.last_mark
    )
