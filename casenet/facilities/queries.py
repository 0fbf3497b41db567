"""Reads about offices and their staff."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, bindparam, func, select
from sqlalchemy.orm import Session

from casenet import identity
from casenet.database import Database, Prepared
from casenet.errors import NotFound
from casenet.facilities.tables import Facility, Staff


@dataclass(frozen=True, slots=True)
class FacilityView:
    """An office as everybody may see it."""

    id: UUID
    kind: str
    name: str
    tel: str
    fax: str
    address: str


@dataclass(frozen=True, slots=True)
class StaffView:
    """One person of an office."""

    person_id: UUID
    facility_id: UUID
    is_administrator: bool


def facility(session: Session, facility_id: UUID) -> FacilityView:
    """One office. Raises NotFound."""
    row = session.get(Facility, facility_id)
    if row is None:
        raise NotFound
    return _view(row)


def facilities(session: Session, *, kind: str | None = None) -> tuple[FacilityView, ...]:
    """All offices, or those of one kind, by name."""
    query = select(Facility).order_by(Facility.name)
    if kind:
        query = query.where(Facility.kind == kind)
    return tuple(_view(row) for row in session.scalars(query))


def facility_of(session: Session, person_id: UUID) -> FacilityView | None:
    """Where this person works now; None for family, patients and leavers."""
    return facilities_of(session, [person_id]).get(person_id)


_named = identity.named()
_staff, _facility = cast("Table", Staff.__table__), cast("Table", Facility.__table__)
_persons = func.any(bindparam("persons", type_=ARRAY(Uuid)))
_OFFICES = Prepared(
    select(
        _staff.c.person_id,
        _facility.c.id,
        _facility.c.kind,
        _facility.c.name,
        _facility.c.tel,
        _facility.c.fax,
        _facility.c.address,
    )
    .join(_facility, _facility.c.id == _staff.c.facility_id)
    .where(_staff.c.person_id == _persons, _staff.c.until.is_(None))
)


def facilities_of(session: Database, person_ids: Iterable[UUID]) -> dict[UUID, FacilityView]:
    """Where these persons work now, by person."""
    rows = _OFFICES.all(session, {"persons": list(person_ids)})
    return {row.person_id: FacilityView(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class CardView:
    """A person as they stand beside what they wrote; `facility_name` is empty for family, patients and leavers."""

    person_id: UUID
    name: str
    profession: str
    facility_name: str


_CARDS = Prepared(
    select(_named.c.id, _named.c.name, _named.c.profession, func.coalesce(_facility.c.name, ""))
    .select_from(_named)
    .outerjoin(_staff, (_staff.c.person_id == _named.c.id) & _staff.c.until.is_(None))
    .outerjoin(_facility, _facility.c.id == _staff.c.facility_id)
    .where(_named.c.id == _persons)
)


def cards_of(session: Database, person_ids: Iterable[UUID]) -> tuple[CardView, ...]:
    """These persons, also those who have left; unknown ids are left out."""
    return tuple(CardView(*row) for row in _CARDS.all(session, {"persons": list(person_ids)}))


def staff_of(session: Session, facility_id: UUID) -> tuple[StaffView, ...]:
    """The present staff of an office."""
    rows = session.scalars(
        select(Staff).where(Staff.facility_id == facility_id, Staff.until.is_(None)).order_by(Staff.since)
    )
    return tuple(StaffView(row.person_id, row.facility_id, row.is_administrator) for row in rows)


def administrators(session: Session, facility_id: UUID) -> tuple[UUID, ...]:
    """The persons who administer this office."""
    return tuple(member.person_id for member in staff_of(session, facility_id) if member.is_administrator)


def administers(session: Session, person_id: UUID, facility_id: UUID) -> bool:
    """True when this person is an administrator of this office."""
    return person_id in administrators(session, facility_id)


def _view(row: Facility) -> FacilityView:
    return FacilityView(row.id, row.kind, row.name, row.tel, row.fax, row.address)
