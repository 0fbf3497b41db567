import json
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet.ids import new_id
from tests.cast import Cast
from tests.web.conftest import Phone

PhoneOf = Callable[[UUID], Phone]
PATIENT = {
    "name": "架空 ナツ",
    "kana": "カクウ ナツ",
    "birth_date": "1940-02-29",
    "sex": "female",
    "address": "東京都",
}


def test_a_founder_opens_a_group_and_is_its_first_member(cast: Cast, phone_of: PhoneOf) -> None:
    nurse, group = phone_of(cast.tanaka), str(new_id())

    opened = nurse.post("/groups", {"id": group, "patient": PATIENT, "function": "visiting_nurse"})
    again = nurse.post("/groups", {"id": group, "patient": PATIENT, "function": "visiting_nurse"})

    assert opened.status_code == again.status_code == 201
    shown = nurse.get(f"/groups/{group}").json
    assert shown["patient"]["name"] == "架空 ナツ"
    assert shown["patient"]["age"] == 86
    assert [member["function"] for member in shown["members"]] == ["visiting_nurse"]
    assert phone_of(cast.sato).get(f"/groups/{group}").status_code == 404


def test_a_helper_opens_no_group_and_nobody_takes_anothers_id(cast: Cast, phone_of: PhoneOf) -> None:
    by_helper = phone_of(cast.ito).post("/groups", {"id": str(new_id()), "patient": PATIENT})
    taken = phone_of(cast.sato).post("/groups", {"id": str(cast.other_group), "patient": PATIENT})

    assert by_helper.json["code"] == "not-allowed"
    assert taken.json["code"] == "id-taken"


def test_who_has_the_right_invites_and_removes(cast: Cast, phone_of: PhoneOf) -> None:
    doctor, newcomer = phone_of(cast.sato), phone_of(cast.ogawa)

    invited = doctor.post(f"/groups/{cast.group}/members", {"person_id": str(cast.ogawa)})
    assert invited.status_code == 201
    assert newcomer.get(f"/groups/{cast.group}").status_code == 200

    removed = doctor.delete(f"/groups/{cast.group}/members/{cast.ogawa}")
    assert removed.status_code == 204
    assert newcomer.get(f"/groups/{cast.group}").status_code == 404


def test_who_has_no_right_changes_no_membership(cast: Cast, phone_of: PhoneOf) -> None:
    helper = phone_of(cast.ito)

    assert helper.post(f"/groups/{cast.group}/members", {"person_id": str(cast.ogawa)}).status_code == 403
    assert helper.delete(f"/groups/{cast.group}/members/{cast.sato}").status_code == 403
    wrong_function = phone_of(cast.sato).post(
        f"/groups/{cast.group}/members",
        {"person_id": str(cast.ogawa), "function": "attending_physician"},
    )
    assert wrong_function.json["code"] == "function-does-not-fit"
    assert len(phone_of(cast.sato).get(f"/groups/{cast.group}").json["members"]) == 4


def test_the_record_is_saved_only_over_the_revision_that_was_seen(cast: Cast, phone_of: PhoneOf) -> None:
    manager = phone_of(cast.mori)
    record = manager.get(f"/groups/{cast.group}/record")
    seen = record.headers["ETag"]
    change = {"patient": PATIENT, "fields": {"f.household": "alone"}}

    saved = manager.put(f"/groups/{cast.group}/record", change, headers={"If-Match": seen})
    stale = manager.put(f"/groups/{cast.group}/record", change, headers={"If-Match": seen})
    blind = manager.put(f"/groups/{cast.group}/record", change)

    assert (saved.status_code, stale.status_code, blind.status_code) == (200, 409, 422)
    after = manager.get(f"/groups/{cast.group}/record").json
    assert (after["revision"], after["fields"]) == (2, {"f.household": "alone"})
    assert phone_of(cast.ito).put(f"/groups/{cast.group}/record", change).status_code == 403


@pytest.mark.parametrize("value", ["1" + "0" * 30, "[" * 300 + "]" * 300, '"\\ud800"', "[" * 100_000])
def test_nothing_is_kept_in_a_record_that_could_not_be_shown(
    cast: Cast, phone_of: PhoneOf, value: str
) -> None:
    manager = phone_of(cast.mori)
    path = f"/api/v1/groups/{cast.group}/record"
    body = json.dumps({"patient": PATIENT, "fields": {"f.household": "@"}}).replace('"@"', value)
    shown = {"X-CSRF-Token": manager.csrf, "If-Match": '"1"'}

    saved = manager.client.put(path, data=body, content_type="application/json", headers=shown)

    assert saved.status_code == 422
    assert manager.get(f"/groups/{cast.group}/record").status_code == 200


def test_the_list_shows_ones_own_groups_only(cast: Cast, phone_of: PhoneOf) -> None:
    mine = phone_of(cast.sato).get("/groups").json["groups"]
    theirs = phone_of(cast.ogawa).get("/groups").json["groups"]

    assert [group["id"] for group in mine] == [str(cast.group)]
    assert [group["patient"]["name"] for group in theirs] == ["別人 アキ"]


def test_every_read_of_a_patient_leaves_an_audit_row(cast: Cast, phone_of: PhoneOf, session: Session) -> None:

    doctor = phone_of(cast.sato)
    doctor.post(f"/groups/{cast.group}/posts", {"id": str(new_id()), "kind": "report", "text": "一"})
    for path in ("", "/posts", "/record"):
        doctor.get(f"/groups/{cast.group}{path}")

    rows = session.execute(
        text(
            "SELECT action, request_id FROM audit_event"
            " WHERE person_id = :me AND group_id = :group ORDER BY id"
        ),
        {"me": cast.sato, "group": cast.group},
    ).all()
    actions = [row.action for row in rows]
    assert actions == ["post.publish", "patient.read", "posts.read", "record.read"]
    assert all(row.request_id for row in rows)


def test_nobody_leaves_a_group_without_anyone_who_could_let_people_in(cast: Cast, phone_of: PhoneOf) -> None:
    last = phone_of(cast.ogawa)

    refused = last.delete(f"/groups/{cast.other_group}/members/{cast.ogawa}")

    assert (refused.status_code, refused.json["code"]) == (409, "nobody-could-invite")
    assert len(last.get(f"/groups/{cast.other_group}").json["members"]) == 1
