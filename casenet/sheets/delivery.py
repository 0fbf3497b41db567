"""The worker's side of a link: claim what waits, print it, open the link, remind of missing receipts."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit, leases, notifications
from casenet.errors import Conflict
from casenet.groups import Entry
from casenet.notifications import Subject
from casenet.sheets import printing, rules, sealed
from casenet.sheets.actions import add_handover, tell_group
from casenet.sheets.forms import Form
from casenet.sheets.links import code_hash_of, entry_of, hash_of, locked, note
from casenet.sheets.queries import form_of, newest_revision
from casenet.sheets.tables import Handover, Sheet, SheetDocument

LEASE_SECONDS = 15  # five renderings take half a second; a killed worker's come back after this
BATCH = 5
REMIND_AGAIN = timedelta(hours=24)
REMINDERS_MAX = 3


@dataclass(frozen=True)
class Claim:
    """A link that is ours to make until its lease ends."""

    handover_id: UUID
    fence: int


@dataclass(frozen=True)
class Job:
    """What is to be printed; None as `values` when the sheet's document is there already."""

    claim: Claim
    form: Form
    values: dict[str, object] | None
    how: printing.Print


def claim_due(session: Session, *, now: datetime) -> list[Claim]:
    """Take links that wait for a worker. Commit before working on them."""
    rows = leases.claim(
        session,
        Handover,
        due=Handover.due_at.expression,
        now=now,
        lease_seconds=LEASE_SECONDS,
        limit=BATCH,
        where=[Handover.state == "waiting"],
    )
    return [Claim(row.id, row.fence) for row in rows]


def job_of(session: Session, claim: Claim) -> Job | None:
    """Read what a claimed link needs; None when it was closed meanwhile."""
    handover = session.get(Handover, claim.handover_id)
    if handover is None or handover.state != "waiting" or handover.fence != claim.fence:
        return None
    sheet = session.get_one(Sheet, handover.sheet_id)
    entry = entry_of(session, sheet)
    there = session.get(SheetDocument, sheet.id) is not None
    answers = None if there else sealed.open_answers(session, entry, newest_revision(session, sheet))
    how = printing.Print(
        made_at=sheet.released_at or handover.created_at, footer=printing.footer_of(sheet.id, sheet.version)
    )
    return Job(claim, form_of(sheet), answers.values if answers else None, how)


def render(job: Job) -> bytes | None:
    """Print it, outside any transaction; None when there is nothing to print."""
    return None if job.values is None else printing.pdf(job.form, job.values, job.how)


def record_delivery(session: Session, job: Job, content: bytes | None, *, now: datetime) -> bool:
    """Keep the document and open the link. False when another worker or a withdrawal was faster."""
    found = locked(session, Handover.id == job.claim.handover_id)
    if found is None:
        return False
    sheet, handover = found
    if handover.fence != job.claim.fence or handover.state != "waiting":
        return False
    entry = entry_of(session, sheet)
    if content is not None:
        _keep_document(session, entry, sheet, content, now=now)
    token, code = secrets.token_urlsafe(32), f"{secrets.randbelow(1_000_000):06d}"
    handover.state, handover.due_at, handover.lease_until = "sent", None, None
    handover.token_hash, handover.code_hash = hash_of(token), code_hash_of(handover.id, code)
    handover.sent_at, handover.expires_at = now, now + rules.LINK_VALID
    handover.remind_at = now + rules.REMIND_AFTER
    sealed.seal_opening(session, entry, handover, token, code)
    if sheet.state == "released":
        sheet.state = rules.next_state(sheet.state, "send")
    sheet.updated_at = now
    note(session, sheet, handover, "handover.send")
    tell_group(session, sheet, "sheet.sent", now=now, number=str(handover.number))
    return True


def new_link(session: Session, entry: Entry, sheet: Sheet, *, now: datetime) -> None:
    """Have another link made; the last one is dead from now on. Raises Conflict unless the sheet is sent."""
    if sheet.state != "sent":
        raise Conflict("sheet-state", state=sheet.state)
    last = _live(session, sheet.id)
    if last is not None and last.state == "waiting":
        return
    if last is not None:
        last.state, last.remind_at = "closed", None
        session.flush()
    number = session.scalar(select(func.max(Handover.number)).where(Handover.sheet_id == sheet.id)) or 0
    add_handover(session, sheet, entry.person_id, number=number + 1, now=now)
    audit.record(
        session,
        person_id=entry.person_id,
        action="handover.renew",
        group_id=entry.group_id,
        object_id=sheet.id,
    )


def remind_due(session: Session, *, now: datetime) -> int:
    """Remind the senders of sheets that nobody has confirmed. Returns how many. Needs no key."""
    waiting = (
        select(Handover)
        .where(Handover.remind_at <= now, Handover.state.in_(("sent", "opened")))
        .order_by(Handover.remind_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(waiting).all()
    for handover in rows:
        handover.reminders += 1
        again = handover.reminders < REMINDERS_MAX
        handover.remind_at = now + REMIND_AGAIN if again else None
        sheet = session.get_one(Sheet, handover.sheet_id)
        attempt = handover.number * 10 + handover.reminders
        notifications.queue_pings(
            session,
            Subject("sheet", sheet.id, attempt=attempt, urgent=False),
            notifications.channels_of(session, [handover.created_by]),
            now=now,
            lifetime=REMIND_AGAIN,
            fallback=timedelta(minutes=10),
        )
        reminder = {"number": str(handover.number), "reminder": str(handover.reminders)}
        tell_group(session, sheet, "sheet.unconfirmed", now=now, **reminder)
    return len(rows)


def _live(session: Session, sheet_id: UUID) -> Handover | None:
    query = select(Handover).where(Handover.sheet_id == sheet_id, Handover.state != "closed")
    return session.scalars(query.with_for_update()).first()


def _keep_document(session: Session, entry: Entry, sheet: Sheet, content: bytes, *, now: datetime) -> None:
    session.execute(
        insert(SheetDocument)
        .values(
            sheet_id=sheet.id,
            content=sealed.seal_document(session, entry, sheet, content, now=now),
            sha256=hashlib.sha256(content).digest(),
            author_id=sheet.released_by,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
