"""Offices take in and let go their people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from casenet import audit, identity
from casenet.errors import NotFound
from casenet.facilities.queries import administers, facility, facility_of
from casenet.facilities.tables import Facility, Staff
from casenet.ids import new_id


@dataclass(frozen=True, slots=True)
class NewFacility:
    """An office as it is entered."""

    id: UUID
    kind: str
    name: str
    tel: str = ""
    fax: str = ""
    address: str = ""


def add_facility(session: Session, new: NewFacility, *, by: UUID | None, now: datetime) -> None:
    """Add an office."""
    session.add(
        Facility(
            id=new.id,
            kind=new.kind,
            name=new.name,
            tel=new.tel,
            fax=new.fax,
            address=new.address,
            created_at=now,
        )
    )
    session.flush()
    audit.record(session, person_id=by, action="facility.add", object_id=new.id)


def add_staff(
    session: Session,
    facility_id: UUID,
    new: identity.NewPerson,
    *,
    is_administrator: bool,
    by: UUID | None,
    now: datetime,
) -> str:
    """Add a person to an office. Returns the token of their one-time invitation.

    by      An administrator of this office, or None for the command line.
    Raises NotFound when `by` does not administer it, Conflict when login or mail is taken. The same person
    (same id, same login, this office) a second time gets a fresh invitation and is not added again.
    """
    facility(session, facility_id)
    if by is not None and not administers(session, by, facility_id):
        raise NotFound
    if _is_same(session, facility_id, new):
        audit.record(session, person_id=by, action="person.invite_again", object_id=new.id)
        return identity.invite(session, new.id, now=now)
    token = identity.add_person(session, new, by=by, now=now)
    session.add(
        Staff(
            id=new_id(),
            facility_id=facility_id,
            person_id=new.id,
            is_administrator=is_administrator,
            since=now,
        )
    )
    session.flush()
    return token


def invite_again(session: Session, facility_id: UUID, person_id: UUID, *, by: UUID, now: datetime) -> str:
    """Give a person of one's office a new invitation; both their factors are void. Returns its token.

    Raises NotFound when `by` does not administer the office or the person is not on its staff.
    """
    home = facility_of(session, person_id)
    if home is None or home.id != facility_id or not administers(session, by, facility_id):
        raise NotFound
    return identity.invite_again(session, person_id, by=by, now=now)


def _is_same(session: Session, facility_id: UUID, new: identity.NewPerson) -> bool:
    known = identity.people(session, [new.id]).get(new.id)
    home = facility_of(session, new.id)
    return bool(known and home and home.id == facility_id and known.login == new.login and not known.enrolled)


def leave(session: Session, facility_id: UUID, person_id: UUID, *, by: UUID, now: datetime) -> None:
    """End a person's work at an office: no sign-in any more, every session ends. Memberships: groups.leave_all.

    Raises NotFound when `by` does not administer the office or the person is not on its staff.
    """
    row = session.scalars(
        select(Staff).where(
            Staff.facility_id == facility_id, Staff.person_id == person_id, Staff.until.is_(None)
        )
    ).first()
    if row is None or not administers(session, by, facility_id):
        raise NotFound
    session.execute(update(Staff).where(Staff.id == row.id).values(until=now))
    identity.suspend(session, person_id, by=by, now=now)
