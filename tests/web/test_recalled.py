"""A post by somebody who was here a moment ago: one statement, and the same answers as ever."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from casenet import clock, groups, identity
from casenet.audit.tables import AuditEvent
from casenet.crypto import KeyMissing
from casenet.crypto.keys import forget_rings
from casenet.groups import Permission, arrivals
from casenet.identity.tables import SessionRow
from casenet.ids import new_id
from tests.cast import Cast
from tests.web.conftest import Phone

PhoneOf = Callable[[UUID], Phone]


def draft(words: str = "血圧 120/70", **more: object) -> dict[str, object]:
    return {"id": str(new_id()), "kind": "report", "text": words} | more


@pytest.fixture
def helper(cast: Cast, phone_of: PhoneOf) -> Phone:
    """The care worker's phone, which has just read the timeline."""
    phone = phone_of(cast.ito)
    assert phone.get(f"/groups/{cast.group}/posts").status_code == 200
    return phone


def removed(session: Session, cast: Cast) -> None:
    entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
    groups.remove_member(session, entry, cast.ito, now=clock.now())


def suspended(session: Session, cast: Cast) -> None:
    identity.suspend(session, cast.ito, by=cast.mori, now=clock.now())


def only_reading(session: Session, cast: Cast) -> None:
    session.execute(
        text("UPDATE membership SET role = 'observer' WHERE person_id = :person"), {"person": cast.ito}
    )


CHANGES = [(removed, 404), (suspended, 401), (only_reading, 403)]
BODIES: dict[str, Callable[[], dict[str, object]]] = {
    "a post": draft,
    "a reply to nothing": lambda: draft(reply_to=str(new_id())),
    "a kind for others": lambda: draft(kind="instruction"),
    "an empty text": lambda: draft("　"),
}


def content(response: TestResponse) -> dict[str, Any]:
    assert response.json is not None
    return response.json


def answered(response: TestResponse) -> tuple[int, bytes]:
    return response.status_code, response.data


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize(("change", "status"), CHANGES)
def test_whoever_is_recalled_in_vain_is_answered_as_if_nobody_had_been(
    cast: Cast,
    helper: Phone,
    session: Session,
    change: Callable[[Session, Cast], None],
    status: int,
    body: Callable[[], dict[str, object]],
) -> None:
    change(session, cast)
    session.commit()
    sent, path = body(), f"/groups/{cast.group}/posts"

    recalled = answered(helper.post(path, sent))
    arrivals._remembered.clear()  # pyright: ignore[reportPrivateUsage]
    asked_first = answered(helper.post(path, sent))

    assert recalled == asked_first
    assert recalled[0] == status
    if change is removed:
        assert recalled == answered(helper.post(f"/groups/{uuid4()}/posts", sent))


def test_whoever_was_suspended_learns_at_most_what_is_wrong_with_what_they_sent(
    cast: Cast, helper: Phone, session: Session
) -> None:
    """Shapes are looked at before anything is asked; they say nothing about the group."""
    suspended(session, cast)
    session.commit()

    answers = [helper.post(f"/groups/{cast.group}/posts", body) for body in ([1], draft(kind="urgent"))]

    assert [(each.status_code, content(each)["code"]) for each in answers] == [
        (422, "input-invalid"),
        (422, "urgent-is-a-call"),
    ]


def test_the_next_post_is_one_statement_that_asks_for_itself(
    cast: Cast, helper: Phone, asked: list[str]
) -> None:
    helper.post(f"/groups/{cast.group}/posts", draft("一"))  # the group's key is opened with the first one
    asked.clear()

    posted = helper.post(f"/groups/{cast.group}/posts", draft("二"))

    assert (posted.status_code, content(posted)["sequence"]) == (201, 2)
    [statement] = asked
    assert "UPDATE patient_group" in statement
    assert "session.token_hash" in statement
    assert "patient_group.team_revision = " in statement


def test_recalled_in_vain_costs_one_statement_and_is_remembered_anew(
    cast: Cast, helper: Phone, session: Session, asked: list[str]
) -> None:
    path, post = f"/groups/{cast.group}/posts", draft()
    helper.post(path, post)

    def cost(body: dict[str, object]) -> int:
        asked.clear()
        helper.post(path, body)
        return len(asked)

    again, reply = cost(post), cost(draft(reply_to=post["id"]))
    groups.leave_all(session, cast.mori, by=cast.sato, now=clock.now())
    session.commit()
    changed, next_one = cost(draft()), cost(draft())

    assert again == 4  # in vain, asked, in vain once more, the post that is there
    assert reply == 3  # asked, the post that it replies to, written
    assert (changed, next_one) == (3, 1)


def test_whoever_was_removed_does_not_learn_that_the_groups_key_is_away(
    cast: Cast, helper: Phone, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key file is gone: members are told, nobody else."""
    removed(session, cast)
    session.commit()
    forget_rings()
    monkeypatch.setattr("casenet.timeline.actions.group_key", _no_key)

    assert helper.post(f"/groups/{cast.group}/posts", draft()).status_code == 404


def _no_key(*_: object) -> None:
    raise KeyMissing


def test_the_trail_names_the_session_whether_it_was_asked_before_or_not(
    cast: Cast, phone_of: PhoneOf, session: Session
) -> None:
    """Two sessions of one person, each with a first post and one by the shorter way."""
    phones = [phone_of(cast.ito) for _ in range(2)]
    for phone in (*phones, *phones):
        assert phone.post(f"/groups/{cast.group}/posts", draft()).status_code == 201
    assert phones[0].get(f"/groups/{cast.group}/posts").status_code == 200

    written = session.scalars(
        select(AuditEvent.session_id).where(AuditEvent.action == "post.publish").order_by(AuditEvent.id)
    ).all()
    read = session.scalars(select(AuditEvent.session_id).where(AuditEvent.action == "posts.read")).all()
    sessions = session.scalars(select(SessionRow.id).where(SessionRow.person_id == cast.ito)).all()

    assert set(written) == set(sessions)
    assert written[:2] == written[2:]
    assert set(read) == {written[0]}


def test_whoever_comes_for_the_first_time_is_asked_before(
    cast: Cast, phone_of: PhoneOf, asked: list[str]
) -> None:
    phone = phone_of(cast.ito)

    assert phone.post(f"/groups/{cast.group}/posts", draft()).status_code == 201

    assert [sql for sql in asked if "session.token_hash" in sql and not sql.startswith("WITH")]


def test_the_same_post_again_is_the_same_post_and_leaves_no_gap(cast: Cast, helper: Phone) -> None:
    post = draft()

    first, again = (helper.post(f"/groups/{cast.group}/posts", post) for _ in range(2))
    after = helper.post(f"/groups/{cast.group}/posts", draft())

    assert (first.status_code, again.status_code, after.status_code) == (201, 200, 201)
    assert first.json == again.json
    assert content(after)["sequence"] == 2


def test_a_reply_to_a_post_that_is_not_there_is_refused_and_one_to_a_post_is_kept(
    cast: Cast, helper: Phone
) -> None:
    post, path = draft(), f"/groups/{cast.group}/posts"

    refused = helper.post(path, draft(reply_to=str(new_id())))
    answers = [helper.post(path, each) for each in (post, draft(reply_to=post["id"]))]

    assert (refused.status_code, content(refused)["code"]) == (422, "post-unknown")
    assert [each.status_code for each in answers] == [201, 201]
    assert content(helper.get(path))["revisions"][0]["reply_to"] == post["id"]


def test_an_id_of_somebody_elses_post_stays_theirs(cast: Cast, helper: Phone, phone_of: PhoneOf) -> None:
    post = draft()
    phone_of(cast.tanaka).post(f"/groups/{cast.group}/posts", post)

    taken = helper.post(f"/groups/{cast.group}/posts", post)

    assert (taken.status_code, content(taken)["code"]) == (409, "id-taken")


def test_a_forged_change_is_refused_although_its_cookie_is_recalled(
    cast: Cast, helper: Phone, app: Flask
) -> None:
    path = f"/api/v1/groups/{cast.group}/posts"

    without = helper.client.post(path, json=draft())
    strange = helper.client.post(path, json=draft(), headers={"X-CSRF-Token": "x" * 64})
    elsewhere = helper.client.post(
        path, json=draft(), headers={"X-CSRF-Token": helper.csrf, "Sec-Fetch-Site": "cross-site"}
    )

    assert [each.status_code for each in (without, strange, elsewhere)] == [403, 403, 403]
    assert content(helper.get(f"/groups/{cast.group}/posts"))["last_sequence"] == 0
