"""Reads about rosters: rows in, the arithmetic of rules.py over them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

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


def on_call_at(session: Session, facility_id: UUID, duty: Duty, now: datetime) -> tuple[OnCall, ...]:
    """Who is on call for this duty of this facility at `now`, first before backup."""
    shifts = session.scalars(
        select(ShiftRow).where(
            ShiftRow.facility_id == facility_id,
            ShiftRow.duty == duty,
            ShiftRow.ends_at > now,
            ShiftRow.starts_at <= now,
            ShiftRow.withdrawn_at.is_(None),
        )
    )
    overrides = session.scalars(
        select(OverrideRow)
        .where(
            OverrideRow.facility_id == facility_id,
            OverrideRow.duty == duty,
            OverrideRow.ends_at > now,
            OverrideRow.starts_at <= now,
            OverrideRow.withdrawn_at.is_(None),
        )
        .order_by(OverrideRow.created_at, OverrideRow.id)
    )
    return rules.on_call_at(map(_shift, shifts), map(_override, overrides), now)


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


def duties_now(session: Session, facility_id: UUID, now: datetime) -> dict[Duty, tuple[OnCall, ...]]:
    """Who is on call now, for every duty that this facility has anybody for."""
    found = {duty: on_call_at(session, facility_id, duty, now) for duty in Duty}
    return {duty: people for duty, people in found.items() if people}


def _shift(row: ShiftRow) -> Shift:
    return Shift(row.person_id, row.starts_at, row.ends_at, Rank(row.rank))


def _override(row: OverrideRow) -> Override:
    return Override(row.absent_person_id, row.person_id, row.starts_at, row.ends_at, Rank(row.rank))
