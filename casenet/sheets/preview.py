"""The paper before it is released, and copies for the FAX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from casenet import audit
from casenet.groups import Entry, Permission, may
from casenet.sheets import printing, rules, sealed
from casenet.sheets.queries import form_of, newest_revision
from casenet.sheets.tables import Sheet


def preview(session: Session, entry: Entry, sheet: Sheet, *, fax: bool, now: datetime) -> Callable[[], bytes]:
    """Read the sheet; call what is returned outside the transaction to print it.

    A draft carries 「下書き」 on every page. Who may not write sheets gets it without restricted answers.
    """
    the_form = form_of(sheet)
    answers = sealed.open_answers(session, entry, newest_revision(session, sheet))
    values = rules.visible(the_form, answers.values, may_write=may(entry.role, Permission.SHEET))
    how = printing.Print(
        made_at=sheet.released_at or now,
        footer=printing.footer_of(sheet.id, sheet.version),
        draft=sheet.digest is None,
        fax=fax,
    )
    audit.record(
        session,
        person_id=entry.person_id,
        action="sheet.preview",
        group_id=entry.group_id,
        object_id=sheet.id,
        revision=sheet.version,
    )
    return lambda: printing.pdf(the_form, values, how)
