"""What both sides of a link share: finding it, its secrets, its trail."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from casenet import audit, config
from casenet.groups import Entry, entry_for_system
from casenet.sheets.tables import Handover, Sheet


def by_token(
    session: Session, token: str, now: datetime, *, lock: bool = False
) -> tuple[Sheet, Handover] | None:
    """The living link of this token. Locks sheet, then link: the order everywhere."""
    here = Handover.token_hash == hash_of(token)
    if lock:
        found = locked(session, here)
    else:
        row = session.execute(
            select(Sheet, Handover).join(Handover, Handover.sheet_id == Sheet.id).where(here)
        ).first()
        found = (row[0], row[1]) if row else None
    if found is None or found[1].state in ("waiting", "closed"):
        return None
    return found if (found[1].expires_at or now) > now else None


def locked(session: Session, which: ColumnElement[bool]) -> tuple[Sheet, Handover] | None:
    """One link and its sheet, both locked; None for no such link."""
    sheet_id = session.scalar(select(Handover.sheet_id).where(which))
    if sheet_id is None:
        return None
    sheet = session.scalars(
        select(Sheet).where(Sheet.id == sheet_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    query = select(Handover).where(which).with_for_update()
    return sheet, session.scalars(query.execution_options(populate_existing=True)).one()


def entry_of(session: Session, sheet: Sheet) -> Entry:
    """An entry in the name of whoever released the sheet."""
    return entry_for_system(session, sheet.group_id, sheet.released_by or sheet.created_by)


def is_bound(handover: Handover, browser: str | None) -> bool:
    """True when this is the browser that opened the link."""
    return bool(browser and handover.browser_hash) and hmac.compare_digest(
        handover.browser_hash or b"", hash_of(browser or "")
    )


def hash_of(secret: str) -> bytes:
    """What the database keeps of a secret of 256 bits."""
    return hashlib.sha256(secret.encode()).digest()


def code_hash_of(handover_id: UUID, code: str) -> bytes:
    """What the database keeps of six digits: nothing without the installation's pepper."""
    return hmac.digest(config.current().pepper, b"handover\0" + handover_id.bytes + code.encode(), "sha256")


def note(
    session: Session, sheet: Sheet, handover: Handover, action: str, *, denied: bool = False, **facts: str
) -> None:
    """Put a disclosure into the audit trail with its recipient; no person of ours is behind it."""
    audit.record(
        session,
        person_id=None,
        action=action,
        group_id=sheet.group_id,
        object_id=handover.id,
        revision=sheet.version,
        decision="denied" if denied else "allowed",
        detail={"sheet_id": str(sheet.id), "facility_id": str(sheet.facility_id), **facts},
    )
