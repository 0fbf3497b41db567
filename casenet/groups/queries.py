"""Reads about groups, members and patients."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from casenet import audit
from casenet.crypto import Place, Ring, open_text, ring, rings
from casenet.database import Database, Prepared
from casenet.errors import NotFound
from casenet.groups.access import Entry, is_active
from casenet.groups.tables import Membership, PatientGroup, PatientRecord


@dataclass(frozen=True, slots=True)
class PatientView:
    """Who the patient is. `summary`: the one line of what matters, above every screen."""

    name: str
    kana: str
    birth_date: date
    sex: str
    address: str
    tel: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A present member."""

    person_id: UUID
    role: str
    function: str | None
    joined_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordView:
    """The patient's record as it stands; `fields` keyed as in the admission form."""

    revision: int
    patient: PatientView
    fields: dict[str, Any]
    author_id: UUID
    created_at: datetime


_member, _group = cast("Table", Membership.__table__), cast("Table", PatientGroup.__table__)
_TEAM = Prepared(
    select(
        _group.c.host_facility_id,
        _member.c.person_id,
        _member.c.role,
        _member.c.function,
        _member.c.joined_at,
        _member.c.ends_at,
    )
    .select_from(_group)
    .outerjoin(_member, (_member.c.group_id == _group.c.id) & is_active)
    .where(_group.c.id == bindparam("group"))
    .order_by(_member.c.joined_at, _member.c.id)
)


def host_and_members(session: Database, group_id: UUID) -> tuple[UUID, tuple[MemberView, ...]]:
    """The group's host office and its present members in the order of joining. Raises NotFound for no such group."""
    rows = _TEAM.all(session, {"group": group_id})
    if not rows:
        raise NotFound
    return rows[0].host_facility_id, tuple(MemberView(*row[1:]) for row in rows if row.person_id)


def members(session: Database, group_id: UUID) -> tuple[MemberView, ...]:
    """The present members in the order of joining."""
    return host_and_members(session, group_id)[1]


def patient(session: Session, entry: Entry) -> PatientView:
    """Who the patient of this group is."""
    return patients(session, [entry])[entry.group_id]


def patients(session: Session, entries: Sequence[Entry]) -> dict[UUID, PatientView]:
    """Who the patients of these groups are, by group; one read, one audit row a group. All entries are one person's."""
    keys = rings(session, [entry.group_id for entry in entries])
    records = _current(session, keys)
    found: dict[UUID, PatientView] = {}
    for entry in entries:
        row = records[entry.group_id]
        found[entry.group_id] = _open_patient(keys[entry.group_id], entry, row)
    if entries:
        reader = entries[0].person_id
        audit.record_reads(session, person_id=reader, action="patient.read", group_ids=list(found))
    return found


def record(session: Session, entry: Entry) -> RecordView:
    """The whole record, opened."""
    row = _current(session, [entry.group_id])[entry.group_id]
    keys = ring(session, entry.group_id)
    text = open_text(keys, _place(entry, row, "fields"), row.fields)
    audit.record(
        session,
        person_id=entry.person_id,
        action="record.read",
        group_id=entry.group_id,
        revision=row.revision,
    )
    return RecordView(
        row.revision, _open_patient(keys, entry, row), json.loads(text), row.author_id, row.created_at
    )


def record_fields(session: Session, entry: Entry) -> dict[str, Any]:
    """The record's answers, keyed as in the admission form."""
    return record(session, entry).fields


def _current(session: Session, group_ids: Iterable[UUID]) -> dict[UUID, PatientRecord]:
    rows = session.scalars(
        select(PatientRecord).where(PatientRecord.group_id.in_(list(group_ids)), PatientRecord.is_current)
    )
    return {row.group_id: row for row in rows}


def _open_patient(keys: Ring, entry: Entry, row: PatientRecord) -> PatientView:
    opened = json.loads(open_text(keys, _place(entry, row, "patient"), row.patient))
    known: dict[str, Any] = {
        field.name: opened[field.name] for field in fields(PatientView) if field.name in opened
    }
    known["birth_date"] = date.fromisoformat(opened["birth_date"])
    return PatientView(**known)


def _place(entry: Entry, row: PatientRecord, column: str) -> Place:
    return record_place(
        entry, column, revision=row.revision, author_id=row.author_id, created_at=row.created_at
    )


def record_place(entry: Entry, column: str, *, revision: int, author_id: UUID, created_at: datetime) -> Place:
    """Where a sealed column of the patient's record belongs."""
    group_id = entry.group_id
    return Place("patient_record", column, entry.org_id, group_id, group_id, revision, author_id, created_at)
