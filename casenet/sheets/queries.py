"""Reads about sheets, for those inside the group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casenet import audit, config
from casenet.clock import JAPAN
from casenet.errors import NotFound
from casenet.groups import Entry, Permission, enter, entries_of, may
from casenet.sheets import compose, fees, gather, rules, sealed
from casenet.sheets.compose import Offer, Reading, Source
from casenet.sheets.fees import Claim, Clock
from casenet.sheets.forms import Form, form
from casenet.sheets.tables import Handover, Sheet, SheetDocument, SheetRevision


@dataclass(frozen=True)
class HandoverView:
    """The present link of a sheet. link, code: shown to those who may write sheets, until it is confirmed."""

    number: int
    state: str
    link: str | None
    code: str | None
    sent_at: datetime | None
    expires_at: datetime | None
    opened_at: datetime | None
    received_at: datetime | None
    received_by: str | None
    completeness: str | None


@dataclass(frozen=True)
class FeeView:
    """入院時情報連携加算 as it stands: `claim` for the day of sending, else for today."""

    claim: Claim
    clock: Clock | None
    confirmed: bool


@dataclass(frozen=True)
class SheetLine:
    """A sheet in a list; opens no seal."""

    id: UUID
    group_id: UUID
    kind: str
    state: str
    version: int
    facility_id: UUID | None
    created_by: UUID
    updated_at: datetime
    released_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None


@dataclass(frozen=True)
class SheetView:
    """A sheet, opened."""

    line: SheetLine
    form_version: str
    digest: bytes | None
    values: dict[str, Any]
    sources: dict[str, Source]
    offers: dict[str, Offer]
    missing: tuple[str, ...]
    handover: HandoverView | None
    fee: FeeView | None


def enter_sheet(
    session: Session, person_id: UUID, sheet_id: UUID, permission: Permission, *, lock: bool = False
) -> tuple[Entry, Sheet]:
    """Find a sheet and be allowed, in one call. Raises NotFound, and NotAllowed for the wrong role."""
    group_id = session.scalar(select(Sheet.group_id).where(Sheet.id == sheet_id))
    if group_id is None:
        raise NotFound
    entry = enter(session, person_id, group_id, permission)
    query = select(Sheet).where(Sheet.id == sheet_id)
    return entry, session.scalars(query.with_for_update() if lock else query).one()


def view(session: Session, entry: Entry, sheet: Sheet, *, now: datetime) -> SheetView:
    """The sheet with its newest answers; a draft also with what posts offer. Leaves an audit row."""
    audit.record(
        session,
        person_id=entry.person_id,
        action="sheet.read",
        group_id=entry.group_id,
        object_id=sheet.id,
        revision=sheet.version,
    )
    return picture(session, entry, sheet, now=now)


def picture(
    session: Session, entry: Entry, sheet: Sheet, *, now: datetime, reading: Reading | None = None
) -> SheetView:
    """As view, for the answer to the one who has just changed it; `reading` when it was just read."""
    the_form, writes = form_of(sheet), may(entry.role, Permission.SHEET)
    answers = sealed.open_answers(session, entry, newest_revision(session, sheet))
    offers: dict[str, Offer] = {}
    if sheet.state == "draft" and writes:
        reading = reading or gather.gather(session, entry, now=now)
        offers = compose.offers(the_form, answers.values, reading)
    shown = rules.visible(the_form, answers.values, may_write=writes)
    links = handovers(session, sheet.id)
    return SheetView(
        line=_line(sheet, links),
        form_version=sheet.form_version,
        # Unsalted: beside all other answers it would confirm a guess at the restricted ones.
        digest=sheet.digest if writes else None,
        values=shown,
        sources={key: source for key, source in answers.sources.items() if key in shown},
        offers=offers,
        missing=rules.missing_by_hand(the_form, answers.values) if sheet.state == "draft" else (),
        handover=_handover(session, entry, links[-1], writes=writes) if links else None,
        fee=_fee(answers.values, links, now=now),
    )


def newest_revision(session: Session, sheet: Sheet) -> SheetRevision:
    """The row that holds the sheet's present answers."""
    return session.get_one(SheetRevision, (sheet.id, sheet.version))


def revisions(session: Session, sheet_id: UUID) -> tuple[tuple[int, UUID, datetime], ...]:
    """(revision, author, instant) of every revision, oldest first."""
    rows = session.execute(
        select(SheetRevision.revision, SheetRevision.author_id, SheetRevision.created_at)
        .where(SheetRevision.sheet_id == sheet_id)
        .order_by(SheetRevision.revision)
    )
    return tuple((row[0], row[1], row[2]) for row in rows)


def handovers(session: Session, sheet_id: UUID) -> list[Handover]:
    """Every link of a sheet, oldest first."""
    query = select(Handover).where(Handover.sheet_id == sheet_id).order_by(Handover.number)
    return list(session.scalars(query))


def lines(session: Session, entries: tuple[Entry, ...]) -> tuple[SheetLine, ...]:
    """The sheets of these groups, newest change first."""
    ids = [entry.group_id for entry in entries if may(entry.role, Permission.SHEET_READ)]
    query = (
        select(Sheet).where(Sheet.group_id.in_(ids)).order_by(Sheet.updated_at.desc(), Sheet.id).limit(200)
    )
    sheets = session.scalars(query).all()
    links: dict[UUID, list[Handover]] = {sheet.id: [] for sheet in sheets}
    every = select(Handover).where(Handover.sheet_id.in_(links)).order_by(Handover.number)
    for link in session.scalars(every):
        links[link.sheet_id].append(link)
    return tuple(_line(sheet, links[sheet.id]) for sheet in sheets)


def lines_of(session: Session, person_id: UUID) -> tuple[SheetLine, ...]:
    """The sheets of every group that this person may read."""
    return lines(session, entries_of(session, person_id))


def document(session: Session, entry: Entry, sheet: Sheet) -> bytes:
    """The released PDF. Raises NotFound until it is rendered. Leaves an audit row."""
    row = session.get(SheetDocument, sheet.id)
    if row is None:
        raise NotFound
    audit.record(
        session,
        person_id=entry.person_id,
        action="sheet.document",
        group_id=entry.group_id,
        object_id=sheet.id,
    )
    return sealed.open_document(session, entry, row)


def overdue(session: Session, before: datetime) -> int:
    """How many links wait for a worker since before that instant."""
    query = select(func.count()).where(Handover.state == "waiting", Handover.due_at < before)
    return session.scalar(query) or 0


def link_of(token: str) -> str:
    """The address that the hospital opens."""
    return f"{config.current().public_origin}/handover/{token}"


def form_of(sheet: Sheet) -> Form:
    """The form that this sheet was drafted with."""
    return form(sheet.kind, sheet.form_version)


def _line(sheet: Sheet, links: list[Handover]) -> SheetLine:
    return SheetLine(
        sheet.id,
        sheet.group_id,
        sheet.kind,
        sheet.state,
        sheet.version,
        sheet.facility_id,
        sheet.created_by,
        sheet.updated_at,
        sheet.released_at,
        next((link.sent_at for link in links if link.sent_at), None),
        next((link.received_at for link in links if link.received_at), None),
    )


def _handover(session: Session, entry: Entry, link: Handover, *, writes: bool) -> HandoverView:
    secret = (
        sealed.open_opening(session, entry, link) if writes and link.state in ("sent", "opened") else None
    )
    return HandoverView(
        number=link.number,
        state=link.state,
        link=link_of(secret[0]) if secret else None,
        code=secret[1] if secret else None,
        sent_at=link.sent_at,
        expires_at=link.expires_at,
        opened_at=link.opened_at,
        received_at=link.received_at,
        received_by=sealed.open_receiver(session, entry, link),
        completeness=link.completeness,
    )


def _fee(values: dict[str, Any], links: list[Handover], *, now: datetime) -> FeeView | None:
    if "hdr.date_admitted" not in values:
        return None
    admitted_on = date.fromisoformat(values["hdr.date_admitted"])
    told = values.get("hdr.time_admitted")
    admitted_at = time.fromisoformat(told) if told else None
    sent_at = next((link.sent_at for link in links if link.sent_at), None)
    provided_on = (sent_at or now).astimezone(JAPAN).date()
    hours = fees.usual_hours()
    return FeeView(
        fees.claim(admitted_on, admitted_at, provided_on, hours),
        fees.clock(admitted_on, admitted_at, hours),
        any(link.received_at for link in links),
    )
