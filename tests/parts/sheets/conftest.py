"""A care manager with a group, a hospital outside, and sheets in every state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from casenet import facilities, groups, sheets, timeline
from casenet.groups import Entry, Permission
from casenet.ids import new_id
from casenet.sheets.tables import Sheet
from tests.cast import Cast, assemble, report
from tests.parts.sheets.case_a import VALUES

# Saturday 21 November 2026, 10:15 in Japan: when CASE-A was sent.
SENT = datetime(2026, 11, 21, 1, 15, tzinfo=UTC)


@dataclass
class Desk:
    """The care manager Mori's desk. `hospital` is outside every group."""

    session: Session
    cast: Cast
    hospital: UUID

    @property
    def entry(self) -> Entry:
        """Mori enters anew each time, as every request does."""
        return groups.enter(self.session, self.cast.mori, self.cast.group, Permission.SHEET)

    def post(self, text: str, *, at: datetime = SENT - timedelta(hours=14)) -> timeline.Posted:
        nurse = groups.enter(self.session, self.cast.tanaka, self.cast.group, Permission.POST)
        return timeline.publish_post(self.session, nurse, report(text), now=at)

    def draft(self, **values: Any) -> Sheet:
        sheet, _ = sheets.draft_sheet(self.session, self.entry, new_id(), kind="admission", now=SENT)
        if values:
            self.revise(sheet, {key.replace("__", "."): value for key, value in values.items()})
        return sheet

    def revise(self, sheet: Sheet, values: dict[str, Any]) -> None:
        sheets.revise_sheet(self.session, self.entry, sheet, values, expected_version=sheet.version, now=SENT)

    def full(self) -> Sheet:
        """CASE-A, ready to be released."""
        sheet = self.draft()
        self.revise(sheet, VALUES)
        return sheet

    def released(self) -> Sheet:
        sheet = self.full()
        self.release(sheet)
        return sheet

    def release(self, sheet: Sheet, *, now: datetime = SENT) -> None:
        sheets.release_sheet(self.session, self.entry, sheet, self.hospital, contact="地域連携室", now=now)

    def work(self, *, now: datetime = SENT) -> list[bool]:
        """What the sheet worker does, once."""
        done: list[bool] = []
        for claim in sheets.claim_due(self.session, now=now):
            job = sheets.job_of(self.session, claim)
            assert job is not None
            done.append(sheets.record_delivery(self.session, job, sheets.render(job), now=now))
        return done

    def sent(self) -> Sheet:
        sheet = self.released()
        assert self.work() == [True]
        return sheet

    def secret(self, sheet: Sheet) -> tuple[str, str]:
        """(token, code) as the sender sees them."""
        link = sheets.view(self.session, self.entry, sheet, now=SENT).handover
        assert link is not None
        assert link.link is not None
        assert link.code is not None
        return link.link.rsplit("/", 1)[1], link.code

    def opened(self, sheet: Sheet, *, now: datetime = SENT) -> tuple[str, str]:
        """(token, browser) after the ward has opened the link."""
        token, code = self.secret(sheet)
        opening = sheets.open_link(self.session, token, code, now=now)
        assert opening is not None
        assert opening.browser is not None
        return token, opening.browser

    def notices(self) -> list[dict[str, Any]]:
        rows = timeline.posts_after(self.session, self.entry, 0, 200)
        return [row.notice for row in rows if row.notice]


@pytest.fixture
def cast(session: Session) -> Cast:
    return assemble(session)


@pytest.fixture
def desk(session: Session, cast: Cast) -> Desk:
    hospital = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    facilities.add_facility(session, hospital, by=None, now=SENT)
    return Desk(session, cast, hospital.id)


@pytest.fixture
def viewed(desk: Desk) -> Callable[[Sheet], sheets.SheetView]:
    return lambda sheet: sheets.view(desk.session, desk.entry, sheet, now=SENT)
