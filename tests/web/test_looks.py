"""Reading the same again: the same bytes without a second reading, for whoever may, with a row in the trail."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from casenet import clock, groups, timeline
from casenet.audit.tables import AuditEvent
from casenet.crypto import ring
from casenet.crypto.keys import forget_rings
from casenet.groups import Permission, arrivals
from casenet.web import pages
from casenet.web import timeline as timeline_door
from tests.cast import Cast
from tests.web.conftest import Phone
from tests.web.test_recalled import CHANGES, content, draft

PhoneOf = Callable[[UUID], Phone]


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/groups/{cast.group}/posts"


@pytest.fixture
def helper(cast: Cast, phone_of: PhoneOf, path: str) -> Phone:
    """The care worker's phone, which has written two posts and read the page."""
    phone = phone_of(cast.ito)
    for words in ("一", "二"):
        assert phone.post(path, draft(words)).status_code == 201
    phone.get(path)
    return phone


def readings(session: Session) -> list[tuple[UUID | None, dict[str, int] | None]]:
    """Who read from where to where, in order."""
    rows = session.scalars(
        select(AuditEvent).where(AuditEvent.action == "posts.read").order_by(AuditEvent.id)
    )
    return [(row.person_id, row.detail) for row in rows]


def anew(phone: Phone, path: str) -> TestResponse:
    """As if this process remembered nothing."""
    arrivals._remembered.clear()  # pyright: ignore[reportPrivateUsage]
    forget_rings()
    return phone.get(path)


def test_the_same_page_again_is_the_same_bytes_by_one_statement_and_is_in_the_trail(
    cast: Cast, helper: Phone, path: str, asked: list[str], session: Session
) -> None:
    first = helper.get(path)
    asked.clear()

    again = helper.get(path)

    assert (again.status_code, again.data) == (200, first.data)
    assert again.content_type == "application/json"
    [statement] = asked
    assert "timeline_revision" not in statement
    assert "INSERT INTO audit_event" in statement
    assert readings(session) == [(cast.ito, {"from": 1, "to": 2})] * 3
    assert anew(helper, path).data == again.data


def test_another_member_gets_it_without_its_being_read_and_the_trail_names_them(
    cast: Cast, helper: Phone, path: str, phone_of: PhoneOf, asked: list[str], session: Session
) -> None:
    doctor = phone_of(cast.tanaka)
    asked.clear()

    assert doctor.get(path).data == helper.get(path).data

    assert not [sql for sql in asked if "timeline_revision" in sql]
    assert readings(session)[1] == (cast.tanaka, {"from": 1, "to": 2})


def posts(phone: Phone, path: str) -> None:
    phone.post(path, draft("三"))


def corrects(phone: Phone, path: str) -> None:
    first = content(phone.get(path))["revisions"][-1]
    sent = phone.post(f"{path}/{first['post_id']}/revisions", {"revision": 2, "text": "一、直し"})
    assert sent.status_code == 201


def acknowledges(phone: Phone, path: str) -> None:
    first = content(phone.get(path))["revisions"][-1]
    assert phone.post(f"{path}/{first['post_id']}/acknowledgement", {}).status_code == 201


@pytest.mark.parametrize("happens", [posts, corrects, acknowledges])
def test_whatever_happens_in_the_group_is_on_the_next_page(
    helper: Phone, path: str, happens: Callable[[Phone, str], None]
) -> None:
    before = helper.get(path)

    happens(helper, path)

    after = helper.get(path)
    assert after.data != before.data
    assert after.data == anew(helper, path).data


def test_a_page_of_another_length_or_place_is_another_page(helper: Phone, path: str) -> None:
    asked = ("", "?limit=1", "?before=2", "?before=2&limit=1")

    for _ in range(2):
        found = [helper.get(path + query) for query in asked]
        assert [[row["text"] for row in content(page)["revisions"]] for page in found] == [
            ["二", "一"],
            ["二"],
            ["一"],
            ["一"],
        ]


@pytest.mark.parametrize(("change", "status"), CHANGES)
@pytest.mark.parametrize("query", ["", "?after=2&marks_after=0"])
def test_whoever_is_recalled_in_vain_sees_nothing_and_is_answered_as_ever(
    cast: Cast,
    helper: Phone,
    path: str,
    session: Session,
    change: Callable[[Session, Cast], None],
    status: int,
    query: str,
) -> None:
    change(session, cast)
    session.commit()
    before = readings(session)

    recalled = helper.get(path + query)
    asked_first = anew(helper, path + query)

    assert (recalled.status_code, recalled.data) == (asked_first.status_code, asked_first.data)
    assert recalled.status_code == (200 if status == 403 else status)  # an observer may read
    if status != 403:
        assert readings(session) == before
        assert "一" not in recalled.text
    if status == 404:
        assert recalled.data == helper.get(f"/groups/{uuid4()}/posts{query}").data


def test_a_look_that_finds_nothing_new_is_one_statement_and_no_reading(
    helper: Phone, path: str, asked: list[str], session: Session
) -> None:
    before = readings(session)
    asked.clear()

    look = helper.get(f"{path}?after=2&marks_after=0")

    assert len(asked) == 1
    assert readings(session) == before
    assert content(look) == {
        "revisions": [],
        "marks": [],
        "people": {},
        "last_sequence": 2,
        "last_mark": 0,
        "has_more": False,
    }
    assert look.data == anew(helper, f"{path}?after=2&marks_after=0").data


@pytest.mark.parametrize(
    "query", ["?after=0", "?after=1&marks_after=0", "?after=2&marks_after=9", "?after=7"]
)
def test_every_other_look_is_read(helper: Phone, path: str, query: str) -> None:
    """Also by a phone that is ahead of us, as after a restored backup."""
    look = helper.get(path + query)

    assert look.status_code == 200
    assert look.data == anew(helper, path + query).data


def test_a_page_goes_with_the_ring_that_opened_it(helper: Phone, path: str, asked: list[str]) -> None:
    """A key that was shredded opens nothing, and what it opened is gone with it."""
    forget_rings()
    asked.clear()

    helper.get(path)

    assert [sql for sql in asked if "timeline_revision" in sql]


def test_a_page_is_kept_with_the_ring_that_opened_it_and_no_other(
    cast: Cast, helper: Phone, path: str, monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    """Between opening and answering the ring may go, and another come that lacks a shredded key."""
    real = timeline_door.cards

    def slow(*args: Any) -> Any:
        forget_rings()
        ring(session, cast.group)
        return real(*args)

    forget_rings()
    monkeypatch.setattr(timeline_door, "cards", slow)

    helper.get(path)

    assert pages.find(cast.group, 50) is None


def test_one_page_of_a_group_is_kept_and_none_that_is_too_large(
    cast: Cast, helper: Phone, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for query in ("?limit=1", "?before=2", "?limit=2", "?after=0"):
        helper.get(path + query)
    assert [limit for limit in (1, 2, 50) if pages.find(cast.group, limit)] == [2]

    forget_rings()
    monkeypatch.setattr(pages, "PAGE_BYTES_MAX", 500)
    helper.get(path)

    assert pages.find(cast.group, 50) is None


def test_whoever_is_in_until_an_hour_is_asked_and_gets_the_same_page(
    cast: Cast, helper: Phone, path: str, phone_of: PhoneOf, session: Session
) -> None:
    groups.admit_for_cover(
        session, cast.group, cast.ogawa, until=clock.now() + timedelta(hours=8), now=clock.now()
    )
    session.commit()
    page, cover = helper.get(path), phone_of(cast.ogawa)

    assert [cover.get(path).data for _ in range(2)] == [page.data] * 2
    assert readings(session)[-2:] == [(cast.ogawa, {"from": 1, "to": 2})] * 2

    session.execute(text("UPDATE membership SET ends_at = now() WHERE ends_at IS NOT NULL"))
    session.commit()

    assert cover.get(path).status_code == 404


def test_a_look_notes_once_a_minute_that_they_were_here(
    cast: Cast, helper: Phone, path: str, session: Session
) -> None:
    for key, known in list(arrivals._remembered.items()):  # pyright: ignore[reportPrivateUsage]
        arrivals._remembered[key] = replace(known, seen_until=clock.now())  # pyright: ignore[reportPrivateUsage]
    seen = text("SELECT last_seen_at FROM session WHERE person_id = :person")
    session.execute(text("UPDATE session SET last_seen_at = last_seen_at - interval '5 minutes'"))
    session.commit()
    before = session.scalar(seen, {"person": cast.ito})

    helper.get(path)
    helper.get(path)

    assert session.scalar(seen, {"person": cast.ito}) > before


def test_nothing_shown_is_nothing_of_any_group(cast: Cast, session: Session) -> None:
    entry = groups.enter(session, cast.ito, cast.group, Permission.READ)

    assert not timeline.UNSHOWN.is_still_all(entry)
