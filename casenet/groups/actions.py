"""Open a group, let people in and out, keep the patient's record."""

import json
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from casenet import audit, identity
from casenet.crypto import create_group_key, group_key, seal_text
from casenet.database import after_commit
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.groups import rules
from casenet.groups.access import Entry
from casenet.groups.queries import PatientView, members, record_place
from casenet.groups.tables import Membership, PatientGroup, PatientRecord
from casenet.ids import new_id
from casenet.realtime import ring_group, ring_person


def open_group(
    session: Session,
    group_id: UUID,
    patient: PatientView,
    *,
    founder_id: UUID,
    org_id: UUID,
    function: str | None,
    now: datetime,
) -> None:
    """Open a group for a patient; the founder is its first member. The same id again by the same founder: nothing.

    Raises NotAllowed when the founder's profession opens no groups, Conflict when the id belongs to another.
    """
    profession = identity.people(session, [founder_id])[founder_id].profession
    if not rules.founds_groups(profession):
        raise NotAllowed("not-allowed")
    known = session.get(PatientGroup, group_id)
    if known is not None:
        if known.created_by == founder_id:
            return
        raise Conflict("id-taken")
    session.add(
        PatientGroup(
            id=group_id,
            host_facility_id=org_id,
            last_sequence=0,
            last_mark=0,
            created_by=founder_id,
            created_at=now,
        )
    )
    session.flush()
    create_group_key(session, group_id, org_id, now=now)
    session.flush()
    role = rules.ROLE_OF_PROFESSION[profession]
    entry = Entry(group_id, org_id, founder_id, role, function, 0, 0)
    audit.record(session, person_id=founder_id, action="group.open", group_id=group_id)
    _join(session, group_id, founder_id, role=role, function=function, invited_by=None, ends_at=None, now=now)
    save_record(session, entry, patient=patient, fields={}, expected_revision=0, now=now)


def add_member(
    session: Session, entry: Entry, person_id: UUID, *, function: str | None, now: datetime
) -> None:
    """Let a person into the group; the role follows from the profession. A present member stays as they are.

    Raises NotFound for an unknown person, Invalid when the function does not fit the profession.
    """
    person = identity.people(session, [person_id]).get(person_id)
    if person is None:
        raise NotFound
    role = rules.ROLE_OF_PROFESSION[person.profession]
    if not rules.function_fits(function, role):
        raise Invalid("function-does-not-fit", {"function": "does-not-fit"})
    _lock(session, entry.group_id)
    present = _membership(session, entry.group_id, person_id)
    if present and present.ends_at is None:
        return
    if present:
        present.left_at = now
        session.flush()
    _join(
        session,
        entry.group_id,
        person_id,
        role=role,
        function=function,
        invited_by=entry.person_id,
        ends_at=None,
        now=now,
    )


def admit_for_cover(
    session: Session, group_id: UUID, person_id: UUID, *, until: datetime, now: datetime
) -> bool:
    """Let a person on duty into the group until a given instant. True when they were not a member before.

    Needs no key. A cover that is already running is prolonged.
    """
    _lock(session, group_id)
    present = _membership(session, group_id, person_id)
    if present and (present.ends_at is None or present.ends_at >= until):
        return False
    if present and present.ends_at and present.ends_at > now:
        present.ends_at = until
        return False
    if present:
        present.left_at = present.ends_at
        session.flush()
    profession = identity.people(session, [person_id])[person_id].profession
    role = rules.ROLE_OF_PROFESSION[profession]
    function = "partner_physician" if role == "physician" else None
    _join(session, group_id, person_id, role=role, function=function, invited_by=None, ends_at=until, now=now)
    return True


def remove_member(session: Session, entry: Entry, person_id: UUID, *, now: datetime) -> None:
    """Let a person out. Their open sockets are cut within a second.

    Raises NotFound when they are no member, Conflict when nobody would be left who could let anyone in.
    """
    _lock(session, entry.group_id)
    present = _membership(session, entry.group_id, person_id)
    if present is None:
        raise NotFound
    others = (member for member in members(session, entry.group_id) if member.person_id != person_id)
    if not any(rules.may(member.role, rules.Permission.INVITE) for member in others):
        raise Conflict("nobody-could-invite")
    present.left_at = now
    present.removed_by = entry.person_id
    session.flush()
    _tell(session, entry.group_id, person_id, "member.remove", by=entry.person_id)


def leave_all(session: Session, person_id: UUID, *, by: UUID, now: datetime) -> None:
    """End every membership of a leaver."""
    # Groups before memberships, as everybody else takes them: the change of a team is counted in its group.
    theirs = select(Membership.group_id).where(
        Membership.person_id == person_id, Membership.left_at.is_(None)
    )
    session.execute(
        select(PatientGroup.id)
        .where(PatientGroup.id.in_(theirs))
        .order_by(PatientGroup.id)
        .with_for_update(key_share=True)
    )
    left = session.scalars(
        update(Membership)
        .where(Membership.person_id == person_id, Membership.left_at.is_(None))
        .values(left_at=now, removed_by=by)
        .returning(Membership.group_id)
    )
    for group_id in left:
        _tell(session, group_id, person_id, "member.remove", by=by)


def _lock(session: Session, group_id: UUID) -> None:
    """Two invitations of one person at once would otherwise both find no membership."""
    # As an UPDATE locks it. FOR UPDATE would also wait for whoever only refers to the group, and they for us.
    lock = select(PatientGroup.id).where(PatientGroup.id == group_id).with_for_update(key_share=True)
    if not session.scalar(lock):
        raise NotFound


def _membership(session: Session, group_id: UUID, person_id: UUID) -> Membership | None:
    return session.scalars(
        select(Membership).where(
            Membership.group_id == group_id, Membership.person_id == person_id, Membership.left_at.is_(None)
        )
    ).first()


def _join(
    session: Session,
    group_id: UUID,
    person_id: UUID,
    *,
    role: str,
    function: str | None,
    invited_by: UUID | None,
    ends_at: datetime | None,
    now: datetime,
) -> None:
    session.add(
        Membership(
            id=new_id(),
            group_id=group_id,
            person_id=person_id,
            role=role,
            function=function,
            invited_by=invited_by,
            joined_at=now,
            ends_at=ends_at,
        )
    )
    session.flush()
    _tell(session, group_id, person_id, "member.add", by=invited_by)


def _tell(session: Session, group_id: UUID, person_id: UUID, action: str, *, by: UUID | None) -> None:
    audit.record(session, person_id=by, action=action, group_id=group_id, object_id=person_id)
    after_commit(session, partial(ring_person, person_id, f"group:{group_id}"))
    after_commit(session, partial(ring_group, group_id, 0))


def save_record(
    session: Session,
    entry: Entry,
    *,
    patient: PatientView,
    fields: dict[str, Any],
    expected_revision: int,
    now: datetime,
) -> int:
    """Keep a new revision of the patient's record and return its number; the old one stays.

    expected_revision   The revision that the writer saw. Raises Conflict when another was saved since.
    """
    _lock(session, entry.group_id)
    current = session.scalars(
        select(PatientRecord).where(PatientRecord.group_id == entry.group_id, PatientRecord.is_current)
    ).first()
    if (current.revision if current else 0) != expected_revision:
        raise Conflict("record-moved-on", revision=current.revision if current else 0)
    if current:
        current.is_current = False
        session.flush()
    key = group_key(session, entry.group_id)
    revision = expected_revision + 1

    def sealed(column: str, value: dict[str, Any]) -> bytes:
        place = record_place(entry, column, revision=revision, author_id=entry.person_id, created_at=now)
        return seal_text(key, place, json.dumps(value, ensure_ascii=False, default=str))

    session.add(
        PatientRecord(
            group_id=entry.group_id,
            revision=revision,
            patient=sealed("patient", asdict(patient)),
            fields=sealed("fields", fields),
            author_id=entry.person_id,
            created_at=now,
            is_current=True,
        )
    )
    session.flush()
    audit.record(
        session, person_id=entry.person_id, action="record.save", group_id=entry.group_id, revision=revision
    )
    after_commit(session, partial(ring_group, entry.group_id, 0))
    return revision
