"""Where the sealed values of a sheet belong, and their JSON inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.orm import Session

from casenet.crypto import Place, group_key, open_bytes, open_text, ring, seal_bytes, seal_text
from casenet.groups import Entry
from casenet.sheets.compose import Source
from casenet.sheets.tables import Handover, Sheet, SheetDocument, SheetRevision


@dataclass(frozen=True)
class Answers:
    """What one revision holds: values by key, and where each came from."""

    values: dict[str, Any]
    sources: dict[str, Source]


def seal_answers(session: Session, entry: Entry, revision: SheetRevision, answers: Answers) -> None:
    """Put the answers into the revision, whose other columns are already set."""
    told = {
        "values": answers.values,
        "sources": {key: asdict(source) for key, source in answers.sources.items()},
    }
    text = json.dumps(told, ensure_ascii=False, default=_plain)
    revision.values = seal_text(group_key(session, entry.group_id), _of_revision(entry, revision), text)


def open_answers(session: Session, entry: Entry, revision: SheetRevision) -> Answers:
    """The answers of a revision. Raises SealBroken."""
    text = open_text(ring(session, entry.group_id), _of_revision(entry, revision), revision.values)
    told = cast("dict[str, Any]", json.loads(text))
    return Answers(told["values"], {key: _source(raw) for key, raw in told["sources"].items()})


def seal_document(session: Session, entry: Entry, sheet: Sheet, content: bytes, *, now: datetime) -> bytes:
    """The PDF, sealed as the document of this sheet made at `now` for whoever released it."""
    place = _of_document(entry, sheet.id, sheet.released_by or sheet.created_by, now)
    return seal_bytes(group_key(session, entry.group_id), place, content)


def open_document(session: Session, entry: Entry, document: SheetDocument) -> bytes:
    """The PDF. Raises SealBroken."""
    place = _of_document(entry, document.sheet_id, document.author_id, document.created_at)
    return open_bytes(ring(session, entry.group_id), place, document.content)


def seal_opening(session: Session, entry: Entry, handover: Handover, token: str, code: str) -> None:
    """Keep token and code so that the sender can read them out again."""
    text = json.dumps({"token": token, "code": code})
    place = _of_handover(entry, handover, "opening")
    handover.opening = seal_text(group_key(session, entry.group_id), place, text)


def open_opening(session: Session, entry: Entry, handover: Handover) -> tuple[str, str] | None:
    """(token, code) of a link; None before it was made."""
    if handover.opening is None:
        return None
    place = _of_handover(entry, handover, "opening")
    told = json.loads(open_text(ring(session, entry.group_id), place, handover.opening))
    return told["token"], told["code"]


def seal_receiver(session: Session, entry: Entry, handover: Handover, name: str) -> None:
    """Keep the name of whoever confirmed."""
    place = _of_handover(entry, handover, "received_by")
    handover.received_by = seal_text(group_key(session, entry.group_id), place, name)


def open_receiver(session: Session, entry: Entry, handover: Handover) -> str | None:
    """Who confirmed; None while nobody has."""
    if handover.received_by is None:
        return None
    place = _of_handover(entry, handover, "received_by")
    return open_text(ring(session, entry.group_id), place, handover.received_by)


def _of_revision(entry: Entry, row: SheetRevision) -> Place:
    return Place(
        "sheet_revision",
        "values",
        entry.org_id,
        entry.group_id,
        row.sheet_id,
        row.revision,
        row.author_id,
        row.created_at,
    )


def _of_document(entry: Entry, sheet_id: UUID, author_id: UUID, created_at: datetime) -> Place:
    return Place(
        "sheet_document", "content", entry.org_id, entry.group_id, sheet_id, 1, author_id, created_at
    )


def _of_handover(entry: Entry, row: Handover, column: str) -> Place:
    return Place(
        "handover",
        column,
        entry.org_id,
        entry.group_id,
        row.id,
        row.number,
        row.created_by,
        row.created_at,
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _source(raw: Mapping[str, Any]) -> Source:
    def told(key: str, read: Any) -> Any:
        return read(raw[key]) if raw.get(key) is not None else None

    return Source(
        label=raw["label"],
        at=told("at", datetime.fromisoformat),
        person_id=told("person_id", UUID),
        sequence=told("sequence", int),
        post_id=told("post_id", UUID),
    )
