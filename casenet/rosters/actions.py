"""Plan shifts and change plans. Only a facility's administrators do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit, facilities, identity
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.rosters import rules
from casenet.rosters.rules import Duty, Rank
from casenet.rosters.tables import OverrideRow, ShiftRow


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift as entered; `id` is the phone's own."""

    id: UUID
    duty: Duty
    person_id: UUID
    starts_at: datetime
    ends_at: datetime
    rank: Rank = Rank.FIRST


@dataclass(frozen=True, slots=True)
class NewOverride:
    """A change of plan as entered; see rules.Override."""

    id: UUID
    duty: Duty
    absent_person_id: UUID | None
    person_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    rank: Rank = Rank.FIRST


def add_shift(session: Session, facility_id: UUID, new: NewShift, *, by: UUID | None, now: datetime) -> None:
    """Plan a shift. The same id again changes nothing.

    by      An administrator of the facility; None for the command line.
    Raises NotFound outside the facility, NotAllowed for its other staff, Invalid for a period that runs
    backwards or a person who cannot be on call for this, Conflict for an id in use elsewhere.
    """
    _check_may_plan(session, facility_id, by)
    _check_period(new.starts_at, new.ends_at)
    _check_person(session, facility_id, new.duty, new.person_id)
    values = {
        "rank": new.rank,
        "person_id": new.person_id,
        "starts_at": new.starts_at,
        "ends_at": new.ends_at,
    }
    _insert(session, ShiftRow, facility_id, new.id, new.duty, values, by=by or new.person_id, now=now)
    audit.record(session, person_id=by, action="shift.add", object_id=new.id)


def add_override(
    session: Session, facility_id: UUID, new: NewOverride, *, by: UUID | None, now: datetime
) -> None:
    """Change the plan for a while. Raises as add_shift."""
    _check_may_plan(session, facility_id, by)
    _check_period(new.starts_at, new.ends_at)
    somebody = new.person_id or new.absent_person_id
    if somebody is None or new.absent_person_id == new.person_id:
        raise Invalid("override-of-nobody", {"person_id": "nobody"})
    if new.person_id is not None:
        _check_person(session, facility_id, new.duty, new.person_id)
    values = {
        "rank": new.rank,
        "absent_person_id": new.absent_person_id,
        "person_id": new.person_id,
        "starts_at": new.starts_at,
        "ends_at": new.ends_at,
    }
    _insert(session, OverrideRow, facility_id, new.id, new.duty, values, by=by or somebody, now=now)
    audit.record(session, person_id=by, action="override.add", object_id=new.id)


def withdraw_shift(session: Session, facility_id: UUID, shift_id: UUID, *, by: UUID, now: datetime) -> None:
    """Take a shift out of the plan; the row stays. Raises NotFound, NotAllowed."""
    _check_may_plan(session, facility_id, by)
    row = session.get(ShiftRow, shift_id)
    if row is None or row.facility_id != facility_id:
        raise NotFound
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        audit.record(session, person_id=by, action="shift.withdraw", object_id=shift_id)


def _check_may_plan(session: Session, facility_id: UUID, by: UUID | None) -> None:
    if by is None or facilities.administers(session, by, facility_id):
        return
    home = facilities.facility_of(session, by)
    raise NotAllowed("not-allowed") if home and home.id == facility_id else NotFound


def _check_period(starts_at: datetime, ends_at: datetime) -> None:
    if fault := rules.check_period(starts_at, ends_at):
        raise Invalid("period-impossible", {"ends_at": fault})


def _check_person(session: Session, facility_id: UUID, duty: Duty, person_id: UUID) -> None:
    person = identity.people(session, [person_id]).get(person_id)
    home = facilities.facility_of(session, person_id)
    # A partner's physician is planned by the clinic that he stands in for, so he may work elsewhere.
    is_ours = home is not None and (home.id == facility_id or duty is Duty.PARTNER_PHYSICIAN_ON_DUTY)
    if person is None or not is_ours or person.profession not in rules.PROFESSIONS[duty]:
        raise Invalid("person-cannot-be-on-call", {"person_id": "cannot-be-on-call"})


def _insert(
    session: Session,
    row: type[ShiftRow] | type[OverrideRow],
    facility_id: UUID,
    row_id: UUID,
    duty: Duty,
    values: Mapping[str, object],
    *,
    by: UUID,
    now: datetime,
) -> None:
    added = session.scalar(
        insert(row)
        .values(id=row_id, facility_id=facility_id, duty=duty, created_by=by, created_at=now, **values)
        .on_conflict_do_nothing()
        .returning(row.id)
    )
    if added is None:
        known = session.get(row, row_id)
        if known is None or known.facility_id != facility_id:
            raise Conflict("id-taken")
