"""Reads about rosters: rows in, the arithmetic of rules.py over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Table,
    Uuid,
    bindparam,
    func,
    literal,
    null,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import Session

from casenet.database import Database, Prepared
from casenet.rosters import rules
from casenet.rosters.rules import Duty, Gap, OnCall, Override, Rank, Shift
from casenet.rosters.tables import OverrideRow, ShiftRow


@dataclass(frozen=True, slots=True)
class ShiftView:
    """One planned shift as the roster page shows it."""

    id: UUID
    duty: Duty
    person_id: UUID
    rank: Rank
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OverrideView:
    """One change of plan as the roster page shows it."""

    id: UUID
    duty: Duty
    absent_person_id: UUID | None
    person_id: UUID | None
    rank: Rank
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RosterView:
    """A facility's roster between two instants."""

    shifts: tuple[ShiftView, ...]
    overrides: tuple[OverrideView, ...]


_shift, _override = cast("Table", ShiftRow.__table__), cast("Table", OverrideRow.__table__)


def _running(table: Table, absent: Any, *, planned: bool) -> Any:
    columns = (table.c.facility_id, table.c.duty, table.c.person_id, table.c.rank)
    return select(
        *columns,
        table.c.starts_at,
        table.c.ends_at,
        absent.label("absent"),
        literal(planned).label("planned"),
        table.c.created_at,
        table.c.id,
    ).where(
        table.c.facility_id == func.any(bindparam("facilities", type_=ARRAY(Uuid))),
        table.c.ends_at > bindparam("now"),
        table.c.starts_at <= bindparam("now"),
        table.c.withdrawn_at.is_(None),
    )


# Shifts and changes of plan that run at one moment; of the changes the later ones come later.
_RUNNING = Prepared(
    _running(_shift, cast_to(null(), Uuid), planned=True)
    .union_all(_running(_override, _override.c.absent_person_id, planned=False))
    .order_by("created_at", "id")
)


def on_call(
    session: Database, facility_ids: Iterable[UUID], now: datetime
) -> dict[tuple[UUID, Duty], tuple[OnCall, ...]]:
    """Who is on call at `now`, by facility and duty, first before backup; without those that nobody is on."""
    shifts: dict[tuple[UUID, Duty], list[Shift]] = {}
    overrides: dict[tuple[UUID, Duty], list[Override]] = {}
    for row in _RUNNING.all(session, {"facilities": list(facility_ids), "now": now}):
        place, rank = (row.facility_id, Duty(row.duty)), Rank(row.rank)
        if row.planned:
            shifts.setdefault(place, []).append(Shift(row.person_id, row.starts_at, row.ends_at, rank))
        else:
            change = Override(row.absent, row.person_id, row.starts_at, row.ends_at, rank)
            overrides.setdefault(place, []).append(change)
    found = {
        place: rules.on_call_at(shifts.get(place, ()), overrides.get(place, ()), now)
        for place in shifts.keys() | overrides.keys()
    }
    return {place: people for place, people in found.items() if people}


def on_call_at(session: Database, facility_id: UUID, duty: Duty, now: datetime) -> tuple[OnCall, ...]:
    """Who is on call for this duty of this facility at `now`, first before backup."""
    return on_call(session, [facility_id], now).get((facility_id, duty), ())


def roster(session: Session, facility_id: UUID, since: datetime, until: datetime) -> RosterView:
    """Every shift and change of plan of a facility that touches the time from `since` to `until`."""
    shifts = session.scalars(
        select(ShiftRow)
        .where(
            ShiftRow.facility_id == facility_id,
            ShiftRow.ends_at > since,
            ShiftRow.starts_at < until,
            ShiftRow.withdrawn_at.is_(None),
        )
        .order_by(ShiftRow.starts_at, ShiftRow.duty, ShiftRow.rank.desc(), ShiftRow.id)
    )
    overrides = session.scalars(
        select(OverrideRow)
        .where(
            OverrideRow.facility_id == facility_id,
            OverrideRow.ends_at > since,
            OverrideRow.starts_at < until,
            OverrideRow.withdrawn_at.is_(None),
        )
        .order_by(OverrideRow.created_at, OverrideRow.id)
    )
    return RosterView(
        tuple(
            ShiftView(row.id, Duty(row.duty), row.person_id, Rank(row.rank), row.starts_at, row.ends_at)
            for row in shifts
        ),
        tuple(
            OverrideView(
                row.id,
                Duty(row.duty),
                row.absent_person_id,
                row.person_id,
                Rank(row.rank),
                row.starts_at,
                row.ends_at,
            )
            for row in overrides
        ),
    )


def facility_gaps(view: RosterView, duty: Duty, since: datetime, until: datetime) -> tuple[Gap, ...]:
    """When nobody is on call for this duty, seen in advance; a warning for the morning, not for 2 a.m."""
    return rules.gaps(
        [Shift(s.person_id, s.starts_at, s.ends_at, s.rank) for s in view.shifts if s.duty is duty],
        [
            Override(o.absent_person_id, o.person_id, o.starts_at, o.ends_at, o.rank)
            for o in view.overrides
            if o.duty is duty
        ],
        since,
        until,
    )


def duties_now(session: Database, facility_id: UUID, now: datetime) -> dict[Duty, tuple[OnCall, ...]]:
    """Who is on call now, for every duty that this facility has anybody for."""
    found = on_call(session, [facility_id], now)
    return {duty: found[facility_id, duty] for duty in Duty if (facility_id, duty) in found}
