"""Draft, edit, release and withdraw a sheet: what the team does with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit, facilities, groups, timeline
from casenet.clock import JAPAN
from casenet.database import after_commit, notify
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.facilities import FacilityView
from casenet.groups import Entry, Permission
from casenet.ids import new_id
from casenet.realtime import ring_person
from casenet.sheets import compose, rules
from casenet.sheets.compose import Offer, Reading, Source
from casenet.sheets.forms import CURRENT, Form, form
from casenet.sheets.gather import by_hand, by_sending, gather
from casenet.sheets.queries import form_of, newest_revision
from casenet.sheets.sealed import Answers, open_answers, seal_answers
from casenet.sheets.tables import Handover, Sheet, SheetRevision

CHANNEL = "sheets_due"  # PostgreSQL NOTIFY: something waits for the sheet worker
RECEIVERS = ("hospital", "clinic")  # clinics with beds receive sheets too
CONTACT_CHARS_MAX = 100


def draft_sheet(
    session: Session, entry: Entry, sheet_id: UUID, *, kind: str, now: datetime
) -> tuple[Sheet, bool]:
    """Begin a sheet, filled from what the team already wrote. The same id by the same person: the same sheet.

    Returns (sheet, whether it is new). Raises NotFound for a kind that is none, Conflict for a foreign id.
    """
    if kind not in CURRENT:
        raise Invalid("kind-unknown", {"kind": "unknown"})
    the_form = form(kind)
    # The same request twice at once: the second waits here for the first, and then finds its sheet.
    added = session.scalar(
        insert(Sheet)
        .values(
            id=sheet_id,
            group_id=entry.group_id,
            kind=kind,
            form_version=the_form.version,
            state="draft",
            version=0,
            created_by=entry.person_id,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Sheet.id)
    )
    sheet = session.get_one(Sheet, sheet_id)
    if added is None:
        if sheet.created_by != entry.person_id or sheet.group_id != entry.group_id:
            raise Conflict("id-taken")
        return sheet, False
    made = compose.compose(the_form, gather(session, entry, now=now))
    values, sources = _fitting(the_form, made.values), made.sources
    _keep(session, entry, sheet, Answers(values, {key: sources[key] for key in values}), now=now)
    _note(session, entry, sheet, "sheet.draft")
    return sheet, True


def revise_sheet(
    session: Session,
    entry: Entry,
    sheet: Sheet,
    values: Mapping[str, Any],
    *,
    expected_version: int,
    now: datetime,
) -> Reading:
    """Replace the answers of a draft. `sheet` was entered with its row locked.

    expected_version  What the writer saw. Raises Conflict when another writer was faster or it is no draft,
                      Invalid for values that do not fit the form.
    Returns  what it read for the offers, so that the answer to the writer need not read it again.
    """
    if sheet.state != "draft":
        raise Conflict("sheet-state", state=sheet.state)
    if sheet.version != expected_version:
        raise Conflict("sheet-moved-on", version=sheet.version)
    the_form = form_of(sheet)
    kept = rules.check_values(the_form, values)
    before = open_answers(session, entry, newest_revision(session, sheet))
    reading = gather(session, entry, now=now)
    if kept == before.values:
        return reading
    offers = compose.offers(the_form, before.values, reading)
    hand = by_hand(entry.person_id, now)
    sources = {key: _source_of(key, value, before, offers, hand) for key, value in kept.items()}
    _keep(session, entry, sheet, Answers(kept, sources), now=now)
    _note(session, entry, sheet, "sheet.revise")
    return reading


def release_sheet(
    session: Session,
    entry: Entry,
    sheet: Sheet,
    facility_id: UUID,
    *,
    contact: str | None,
    now: datetime,
) -> None:
    """Freeze a draft and have it delivered to a hospital. `sheet` was entered with its row locked.

    The paper names the hospital that it goes to and the day on which it goes; both are written now.
    Raises Conflict when it is no draft, NotAllowed without a recorded consent, Invalid naming what is
    missing.
    """
    state = rules.next_state(sheet.state, "release")
    receiver = _receiver(session, facility_id)
    the_form = form_of(sheet)
    answers = open_answers(session, entry, newest_revision(session, sheet))
    values = rules.check_values(the_form, answers.values | _of_sending(receiver, contact, now))
    if "hdr.consent_basis" not in values:
        raise NotAllowed("consent-missing")
    if lacking := rules.missing(the_form, values):
        raise Invalid("sheet-incomplete", dict.fromkeys(lacking, "missing"))
    if values != answers.values:
        sending = by_sending(entry.person_id, now)
        sources = {
            key: answers.sources[key] if answers.values.get(key) == value else sending
            for key, value in values.items()
        }
        _keep(session, entry, sheet, Answers(values, sources), now=now)
    sheet.state, sheet.facility_id, sheet.digest = state, receiver.id, rules.digest(the_form, values)
    sheet.released_by, sheet.released_at, sheet.updated_at = entry.person_id, now, now
    session.flush()
    add_handover(session, sheet, entry.person_id, number=1, now=now)
    # Who gets it, for what, on which consent: the record of a disclosure outside the group.
    disclosed = {
        "facility_id": str(receiver.id),
        "purpose": "admission",
        "consent": values["hdr.consent_basis"],
    }
    _note(session, entry, sheet, "sheet.release", disclosed)
    tell_group(session, sheet, "sheet.released", now=now, person_id=str(entry.person_id))


def note_refusal(session: Session, entry: Entry, sheet: Sheet, facility_id: UUID) -> None:
    """Put a refused disclosure into the audit trail; in a transaction of its own, as the act was rolled back."""
    audit.record(
        session,
        person_id=entry.person_id,
        action="sheet.release",
        group_id=entry.group_id,
        object_id=sheet.id,
        revision=sheet.version,
        decision="denied",
        detail={"facility_id": str(facility_id), "purpose": "admission", "reason": "consent-missing"},
    )


def withdraw_sheet(session: Session, entry: Entry, sheet: Sheet, *, now: datetime) -> None:
    """Take back a draft, or a released sheet that no worker has sent yet. Raises Conflict afterwards."""
    was_released = sheet.state == "released"
    sheet.state, sheet.updated_at = rules.next_state(sheet.state, "withdraw"), now
    waiting = select(Handover).where(Handover.sheet_id == sheet.id, Handover.state == "waiting")
    for handover in session.scalars(waiting.with_for_update()):
        handover.state, handover.due_at = "closed", None
    _note(session, entry, sheet, "sheet.withdraw")
    if was_released:
        tell_group(session, sheet, "sheet.withdrawn", now=now, person_id=str(entry.person_id))


def add_handover(session: Session, sheet: Sheet, person_id: UUID, *, number: int, now: datetime) -> None:
    """A link that a worker is to make as soon as it can."""
    session.add(
        Handover(
            id=new_id(),
            sheet_id=sheet.id,
            number=number,
            state="waiting",
            due_at=now,
            fence=0,
            created_by=person_id,
            created_at=now,
            tries=0,
            reminders=0,
        )
    )
    notify(session, CHANNEL)


def tell_group(session: Session, sheet: Sheet, code: str, *, now: datetime, **facts: str) -> None:
    """Write what happened into the timeline, once for each code and link, and wake the writers' phones."""
    notice = {"code": code, "sheet_id": str(sheet.id), "kind": sheet.kind, **facts}
    if sheet.facility_id:
        notice["facility_id"] = str(sheet.facility_id)
    notice_id = uuid5(sheet.id, f"{code}:{facts.get('number', '')}:{facts.get('reminder', '')}")
    timeline.publish_notice(session, sheet.group_id, notice_id, notice, now=now)
    ring_writers(session, sheet)


def ring_writers(session: Session, sheet: Sheet) -> None:
    """After commit: those who write sheets in this group look at this one again."""
    for member in groups.members(session, sheet.group_id):
        if groups.may(member.role, Permission.SHEET):
            after_commit(session, partial(ring_person, member.person_id, f"sheet:{sheet.id}"))


def _receiver(session: Session, facility_id: UUID) -> FacilityView:
    try:
        found = facilities.facility(session, facility_id)
    except NotFound:
        raise Invalid("facility-unknown", {"facility_id": "unknown"}) from None
    if found.kind not in RECEIVERS:
        raise Invalid("facility-receives-no-sheets", {"facility_id": "not-a-hospital"})
    return found


def _of_sending(receiver: FacilityView, contact: str | None, now: datetime) -> dict[str, Any]:
    told = {
        "hdr.hospital_name": receiver.name[:CONTACT_CHARS_MAX],
        "hdr.date_provided": now.astimezone(JAPAN).date().isoformat(),
    }
    return told | ({"hdr.hospital_contact": contact} if contact else {})


def _fitting(the_form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that fit their fields: an old record must not make drafting impossible."""
    try:
        return rules.check_values(the_form, values)
    except Invalid as refusal:
        return rules.check_values(the_form, {k: v for k, v in values.items() if k not in refusal.fields})


def _source_of(key: str, value: Any, before: Answers, offers: Mapping[str, Offer], hand: Source) -> Source:
    if key in before.values and before.values[key] == value:
        return before.sources[key]
    if key in offers and offers[key].value == value:
        return offers[key].source
    return hand


def _keep(session: Session, entry: Entry, sheet: Sheet, answers: Answers, *, now: datetime) -> None:
    sheet.version, sheet.updated_at = sheet.version + 1, now
    row = SheetRevision(sheet_id=sheet.id, revision=sheet.version, author_id=entry.person_id, created_at=now)
    seal_answers(session, entry, row, answers)
    session.add(row)
    session.flush()


def _note(
    session: Session, entry: Entry, sheet: Sheet, action: str, detail: dict[str, Any] | None = None
) -> None:
    audit.record(
        session,
        person_id=entry.person_id,
        action=action,
        group_id=entry.group_id,
        object_id=sheet.id,
        revision=sheet.version,
        detail=detail,
    )
    ring_writers(session, sheet)
