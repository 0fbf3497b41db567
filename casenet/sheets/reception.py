"""The hospital's side of a link.

The hospital has no account. Whoever holds the link must also say six digits that travelled another way; the
first browser that does is bound to the link, and every other is told the same as a made-up link.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from casenet import facilities
from casenet.errors import Invalid
from casenet.facilities import FacilityView
from casenet.sheets import rules, sealed
from casenet.sheets.actions import tell_group
from casenet.sheets.links import by_token, code_hash_of, entry_of, hash_of, is_bound, note
from casenet.sheets.queries import newest_revision
from casenet.sheets.tables import SheetDocument

NAME_CHARS_MAX = 60
RETURN_REASONS = ("wrong_hospital", "not_admitted", "unreadable")


@dataclass(frozen=True)
class Ward:
    """What the hospital's page shows. opened: this browser is the one bound to the link."""

    sender: FacilityView | None
    receiver: FacilityView
    sent_at: datetime
    expires_at: datetime
    opened: bool
    patient: str | None
    received_at: datetime | None
    received_by: str | None
    completeness: str | None


@dataclass(frozen=True)
class Opening:
    """What came of a code. browser: the secret for the cookie when it was right; tries_left else."""

    browser: str | None
    tries_left: int


def look(session: Session, token: str, browser: str | None, *, now: datetime) -> Ward | None:
    """What this browser may see behind this link; None for unknown, dead, or another browser's, all alike."""
    found = by_token(session, token, now)
    if found is None:
        return None
    sheet, handover = found
    opened = is_bound(handover, browser)
    if handover.state != "sent" and not opened:
        return None
    entry = entry_of(session, sheet)
    patient = None
    if opened:
        answers = sealed.open_answers(session, entry, newest_revision(session, sheet))
        patient = str(answers.values.get("p.name", ""))
        note(session, sheet, handover, "handover.read")
    office = facilities.facility_of(session, sheet.released_by) if sheet.released_by else None
    return Ward(
        sender=office,
        receiver=facilities.facility(session, sheet.facility_id or UUID(int=0)),
        sent_at=handover.sent_at or now,
        expires_at=handover.expires_at or now,
        opened=opened,
        patient=patient,
        received_at=handover.received_at,
        received_by=sealed.open_receiver(session, entry, handover) if opened else None,
        completeness=handover.completeness,
    )


def open_link(session: Session, token: str, code: str, *, now: datetime) -> Opening | None:
    """Try a code. Wrong tries are counted in this transaction: commit it also when the answer is a refusal.

    None for a link that is unknown, dead or already opened elsewhere.
    """
    found = by_token(session, token, now, lock=True)
    if found is None or found[1].state != "sent":
        return None
    sheet, handover = found
    if not hmac.compare_digest(handover.code_hash or b"", code_hash_of(handover.id, code)):
        handover.tries += 1
        note(session, sheet, handover, "handover.refuse", denied=True)
        if handover.tries >= rules.TRIES_MAX:
            handover.state, handover.opening = "closed", None
            tell_group(session, sheet, "sheet.locked", now=now, number=str(handover.number))
            return None
        return Opening(None, rules.TRIES_MAX - handover.tries)
    browser = secrets.token_urlsafe(32)
    handover.state, handover.opened_at, handover.browser_hash = "opened", now, hash_of(browser)
    note(session, sheet, handover, "handover.open")
    return Opening(browser, rules.TRIES_MAX - handover.tries)


def read_document(session: Session, token: str, browser: str | None, *, now: datetime) -> bytes | None:
    """The PDF for the bound browser; None for everybody else."""
    found = by_token(session, token, now)
    if found is None or not is_bound(found[1], browser):
        return None
    sheet, handover = found
    document = session.get_one(SheetDocument, sheet.id)
    note(session, sheet, handover, "handover.document")
    return sealed.open_document(session, entry_of(session, sheet), document)


def confirm_receipt(
    session: Session, token: str, browser: str | None, *, name: str, completeness: str, now: datetime
) -> bool:
    """Note who received it and how complete it was; the first time counts. False for any other browser.

    Raises Invalid for an empty or endless name and for a rating that is none of the three.
    """
    found = by_token(session, token, now, lock=True)
    if found is None or not is_bound(found[1], browser):
        return False
    sheet, handover = found
    if handover.state == "received":
        return True
    faults: dict[str, str] = {}
    if not name.strip() or len(name) > NAME_CHARS_MAX or rules.has_control(name) or "\n" in name:
        faults["name"] = "missing" if not name.strip() else "too-long"
    if completeness not in rules.COMPLETENESS:
        faults["completeness"] = "missing"
    if faults:
        raise Invalid("receipt", faults)
    sheet.state, sheet.updated_at = rules.next_state(sheet.state, "receive"), now
    handover.state, handover.received_at, handover.completeness = "received", now, completeness
    handover.remind_at, handover.opening = None, None
    sealed.seal_receiver(session, entry_of(session, sheet), handover, name.strip())
    note(session, sheet, handover, "handover.receive", completeness=completeness)
    told = {"number": str(handover.number), "completeness": completeness}
    tell_group(session, sheet, "sheet.received", now=now, **told)
    return True


def send_back(session: Session, token: str, browser: str | None, *, reason: str, now: datetime) -> bool:
    """The hospital gives it back, for one of RETURN_REASONS. The link is dead from now on."""
    found = by_token(session, token, now, lock=True)
    if found is None or not is_bound(found[1], browser) or found[1].state != "opened":
        return False
    if reason not in RETURN_REASONS:
        raise Invalid("return", {"reason": "missing"})
    sheet, handover = found
    sheet.state, sheet.updated_at = rules.next_state(sheet.state, "return"), now
    handover.state, handover.remind_at, handover.opening = "closed", None, None
    note(session, sheet, handover, "handover.return", reason=reason)
    tell_group(session, sheet, "sheet.returned", now=now, number=str(handover.number), reason=reason)
    return True
