"""Sheets to hospitals: the form, drafts, release, the paper."""

from collections.abc import Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from casenet import clock, facilities, sheets
from casenet.database import transaction
from casenet.errors import NotAllowed
from casenet.groups import Entry
from casenet.sheets import SheetLine, SheetView, Source
from casenet.sheets.tables import Sheet as SheetRow
from casenet.web import permissions
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.gate import asking, enter_group, off_loop
from casenet.web.groups import expected_version
from casenet.web.sheet_shapes import (
    FormOut,
    FormPath,
    GroupPath,
    PreviewQuery,
    ReleaseIn,
    SheetIn,
    SheetList,
    SheetOut,
    SheetPath,
    ValuesIn,
)

blueprint = Blueprint("sheets", __name__, url_prefix="/api/v1")


@blueprint.get("/forms/<kind>", responses={200: FormOut})
def show_form(path: FormPath) -> Response:
    """The form that new sheets of this kind get."""
    return answer(dict(sheets.form(path.kind).document))


@blueprint.get("/sheets", responses={200: SheetList})
def list_sheets() -> Response:
    """The sheets of every group that the asking person may read."""
    with transaction() as session:
        return answer(_listed(session, sheets.lines_of(session, asking().person_id)))


@blueprint.get("/groups/<uuid:group_id>/sheets", responses={200: SheetList})
def list_group_sheets(path: GroupPath) -> Response:
    """The sheets of one group."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        return answer(_listed(session, sheets.lines(session, (entry,))))


@blueprint.post("/groups/<uuid:group_id>/sheets", responses={201: SheetOut, 200: SheetOut})
def draft_sheet(path: GroupPath, body: SheetIn) -> Response:
    """Draft a sheet from what the team wrote. The same id again answers 200 with the sheet that is there."""
    now = clock.now()
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        sheet, is_new = sheets.draft_sheet(session, entry, body.id, kind=body.kind, now=now)
        if not is_new:  # a repeat shows what stands there now: a reading like any other
            return _shown(session, sheets.view(session, entry, sheet, now=now))
        return _shown(session, sheets.picture(session, entry, sheet, now=now), HTTPStatus.CREATED)


@blueprint.get("/sheets/<uuid:sheet_id>", responses={200: SheetOut})
def show_sheet(path: SheetPath) -> Response:
    """One sheet; a draft also with what newer posts offer."""
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id)
        return _shown(session, sheets.view(session, entry, sheet, now=clock.now()))


@blueprint.put("/sheets/<uuid:sheet_id>", responses={200: SheetOut})
def revise_sheet(path: SheetPath, body: ValuesIn) -> Response:
    """Replace the answers of a draft; only if nobody did since (If-Match)."""
    now = clock.now()
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id, lock=True)
        expected = expected_version()
        reading = sheets.revise_sheet(session, entry, sheet, body.values, expected_version=expected, now=now)
        return _shown(session, sheets.picture(session, entry, sheet, now=now, reading=reading))


@blueprint.post("/sheets/<uuid:sheet_id>/release", responses={200: SheetOut})
def release_sheet(path: SheetPath, body: ReleaseIn) -> Response:
    """Freeze it and have it delivered; `handover` gets link and code within seconds."""
    now = clock.now()
    try:
        with transaction() as session:
            entry, sheet = _enter(session, path.sheet_id, lock=True)
            sheets.release_sheet(session, entry, sheet, body.facility_id, contact=body.contact, now=now)
            return _shown(session, sheets.picture(session, entry, sheet, now=now))
    except NotAllowed as refusal:
        if refusal.code == "consent-missing":
            # What was tried is rolled back; that it was tried stays.
            with transaction() as session:
                sheets.note_refusal(session, *_enter(session, path.sheet_id), body.facility_id)
        raise


@blueprint.post("/sheets/<uuid:sheet_id>/withdrawal", responses={200: SheetOut})
def withdraw_sheet(path: SheetPath) -> Response:
    """Take back a draft, or a released sheet that has not been sent yet."""
    now = clock.now()
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id, lock=True)
        sheets.withdraw_sheet(session, entry, sheet, now=now)
        return _shown(session, sheets.picture(session, entry, sheet, now=now))


@blueprint.post("/sheets/<uuid:sheet_id>/link", responses={200: SheetOut})
def renew_link(path: SheetPath) -> Response:
    """Have a new link and code made: the last were locked, lost or too old. They are dead from now on."""
    now = clock.now()
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id, lock=True)
        sheets.new_link(session, entry, sheet, now=now)
        return _shown(session, sheets.picture(session, entry, sheet, now=now))


@blueprint.get("/sheets/<uuid:sheet_id>/preview.pdf")
def preview_sheet(path: SheetPath, query: PreviewQuery) -> Response:
    """The paper as it looks now; a draft says so on every page."""
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id)
        make = sheets.preview(session, entry, sheet, fax=query.fax, now=clock.now())
    # Some 30 ms of processor: in a thread, or every phone would wait.
    return pdf_answer(off_loop(make))


@blueprint.get("/sheets/<uuid:sheet_id>/document.pdf")
def sheet_document(path: SheetPath) -> Response:
    """The released paper, byte for byte as the hospital gets it."""
    with transaction() as session:
        entry, sheet = _enter(session, path.sheet_id)
        return pdf_answer(sheets.document(session, entry, sheet))


def pdf_answer(content: bytes) -> Response:
    """A PDF to look at; its name tells nothing."""
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = 'inline; filename="sheet.pdf"'
    return response


def _enter(session: Session, sheet_id: UUID, *, lock: bool = False) -> tuple[Entry, SheetRow]:
    """Enter with the permission that the table names for this route."""
    rule = permissions.ROUTES[request.endpoint or ""]
    if rule.permission is None:
        raise LookupError("the table names no permission for this route")
    return sheets.enter_sheet(session, asking().person_id, sheet_id, rule.permission, lock=lock)


def _shown(session: Session, view: SheetView, status: int = HTTPStatus.OK) -> Response:
    names = _receivers(session, [view.line])
    response = answer(
        _line(view.line, names)
        | {
            "form_version": view.form_version,
            "digest": view.digest.hex() if view.digest else None,
            "values": view.values,
            "sources": {key: _source(source) for key, source in view.sources.items()},
            "offers": {
                key: {"value": offer.value, "source": _source(offer.source)}
                for key, offer in view.offers.items()
            },
            "missing": view.missing,
            "handover": asdict(view.handover) if view.handover else None,
            "fee": _fee(view),
        },
        int(status),
    )
    response.set_etag(str(view.line.version))
    return response


def _source(source: Source) -> dict[str, Any]:
    return {key: value for key, value in asdict(source).items() if value is not None}


def _fee(view: SheetView) -> dict[str, Any] | None:
    if view.fee is None:
        return None
    clock_until = view.fee.clock
    return {
        "tier": view.fee.claim.tier,
        "by_letter": view.fee.claim.by_letter,
        "units": view.fee.claim.units,
        "reasons": view.fee.claim.reasons,
        "confirmed": view.fee.confirmed,
        "first_until": clock_until.first_until if clock_until else None,
        "second_until": clock_until.second_until if clock_until else None,
        "first_units": clock_until.first_units if clock_until else 0,
        "second_units": clock_until.second_units if clock_until else 0,
        "unsure": clock_until.unsure if clock_until else True,
    }


def _listed(session: Session, lines: tuple[SheetLine, ...]) -> dict[str, Any]:
    names = _receivers(session, lines)
    return {"sheets": [_line(line, names) for line in lines]}


def _line(line: SheetLine, names: dict[UUID, str]) -> dict[str, Any]:
    told = asdict(line)
    facility_id = told.pop("facility_id")
    receiver = {"id": facility_id, "name": names[facility_id]} if facility_id else None
    return told | {"facility": receiver}


def _receivers(session: Session, lines: Iterable[SheetLine]) -> dict[UUID, str]:
    ids = {line.facility_id for line in lines if line.facility_id}
    return {facility_id: facilities.facility(session, facility_id).name for facility_id in ids}
