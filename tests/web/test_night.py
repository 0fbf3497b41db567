"""Urgent calls, rosters, pings and browsers through the door."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.orm import Session

import casenet.config
from casenet import clock, notifications
from casenet.crypto import keys
from casenet.escalation.tables import Alert
from casenet.ids import new_id
from casenet.notifications import tokens
from casenet.web.night_numbers import NightNumbers
from tests.night import Browser, Ward, open_ward
from tests.web.conftest import Phone

PhoneOf = Callable[[UUID], Phone]


@pytest.fixture
def ward(session: Session) -> Ward:
    ward = open_ward(session, clock.now())
    session.commit()
    return ward


def call(level: str = "E3", **more: Any) -> dict[str, Any]:
    ids = {"id": str(new_id()), "post_id": str(new_id())}
    return ids | {"level": level, "signs": ["fever"], "situation": "高熱です"} | more


def raised(phone: Phone, ward: Ward, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = phone.post(f"/groups/{ward.group_id}/alerts", body or call())
    assert answer.status_code == 201, answer.json
    assert answer.json
    return answer.json


def test_an_alert_shows_what_is_the_matter_and_who_is_being_asked(ward: Ward, phone_of: PhoneOf) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)

    assert alert["state"] == "open"
    assert alert["text"] == "【症状】発熱\n【状況】高熱です"
    assert alert["patient"]["name"] == "架空 花子"
    assert [
        (step["target"], step["state"], [p["name"] for p in step["people"]]) for step in alert["steps"]
    ] == [
        ("home_nursing_on_call", "running", ["佐藤 架子"]),
        ("attending_physician", "waiting", ["田中 架一"]),
        ("deputy_physician", "waiting", ["鈴木 架二"]),
        ("partner_physician_on_duty", "waiting", ["森 架三"]),
    ]
    assert alert["steps"][0]["people"][0]["tel"] == "03-0000-0000"
    assert [event["kind"] for event in alert["events"]] == ["raised", "step"]


def test_false_calls_hide_no_graver_one_and_none_of_another_group(
    ward: Ward, phone_of: PhoneOf, session: Session
) -> None:
    doctor, nurse = phone_of(ward.people["tanaka"]), phone_of(ward.people["sato"])
    other, patient = str(new_id()), {"kana": "カ", "birth_date": "1940-01-01", "sex": "male", "address": ""}
    doctor.post("/groups", {"id": other, "patient": patient | {"name": "別人"}})
    elsewhere = doctor.post(f"/groups/{other}/alerts", call("E3")).json["id"]
    grave = raised(nurse, ward, call("E4"))["id"]
    raised(nurse, ward, call("E1"))
    # A hundred more of the last one, as a phone that was lent out could send them.
    columns = [row.name for row in Alert.__table__.columns if row.name != "id"]
    copied = f"INSERT INTO alert (id, {', '.join(columns)}) SELECT gen_random_uuid(), {', '.join(columns)} "
    session.execute(text(copied + "FROM alert, generate_series(1, 100) WHERE level = 'E1'"))
    session.commit()

    listed = [alert["id"] for alert in doctor.get("/alerts?open=true").json["alerts"]]
    state = doctor.get("/groups/state").json["open_alerts"]

    assert {elsewhere, grave} <= set(listed)
    assert set(state) == {elsewhere, grave}


def test_the_same_call_again_answers_200_with_the_same_alert(ward: Ward, phone_of: PhoneOf) -> None:
    phone, body = phone_of(ward.people["abe"]), call()
    first = raised(phone, ward, body)

    again = phone.post(f"/groups/{ward.group_id}/alerts", body)

    assert again.status_code == 200
    assert again.json
    assert again.json["id"] == first["id"]
    assert again.json["version"] == first["version"]


def test_one_tap_each_from_acknowledged_to_the_end(ward: Ward, phone_of: PhoneOf) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    doctor, path = phone_of(ward.people["tanaka"]), f"/alerts/{alert['id']}"

    states = [
        doctor.post(f"{path}/acknowledgement").json,
        doctor.post(f"{path}/response", {"how": "visit", "eta_minutes": 30}).json,
        doctor.post(f"{path}/arrival").json,
        doctor.post(f"{path}/resolution", {"outcome": "physician_visit", "note": "解熱しました"}).json,
    ]

    assert [s and s["state"] for s in states] == ["acknowledged", "responding", "arrived", "resolved"]
    assert states[-1]
    assert states[-1]["outcome"] == "physician_visit"
    assert phone_of(ward.people["abe"]).get("/alerts?open=true").json == {"alerts": []}
    told = phone_of(ward.people["abe"]).get("/alerts?open=false").json
    assert told
    assert [line["state"] for line in told["alerts"]] == ["resolved"]


def test_the_second_to_tap_is_told_who_has_it(ward: Ward, phone_of: PhoneOf) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    path = f"/alerts/{alert['id']}/acknowledgement"
    assert phone_of(ward.people["sato"]).post(path).status_code == 200

    second = phone_of(ward.people["tanaka"]).post(path)

    assert second.status_code == 409
    assert second.json
    assert second.json["code"] == "already-answered"
    assert second.json["answered_by"] == str(ward.people["sato"])


def test_a_call_is_answered_to_its_end_while_the_key_is_away(
    ward: Ward, phone_of: PhoneOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    nurse = phone_of(ward.people["sato"])
    monkeypatch.delenv("KEK_FILE")
    casenet.config.current.cache_clear()
    keys.forget_rings()

    listed = nurse.get("/alerts?open=true")
    taken = nurse.post(f"/alerts/{alert['id']}/acknowledgement")
    ended = nurse.post(f"/alerts/{alert['id']}/resolution", {"outcome": "phone_guidance"})

    assert listed.json["alerts"][0]["patient"] is None
    assert (taken.status_code, taken.json["state"], taken.json["text"]) == (200, "acknowledged", None)
    assert (ended.status_code, ended.json["state"]) == (200, "resolved")
    assert nurse.get(f"/groups/{ward.group_id}/posts").json["code"] == "key-unavailable"
    keys.forget_rings()


def test_the_outsider_and_a_made_up_id_get_the_same_bytes(ward: Ward, phone_of: PhoneOf) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    outsider = phone_of(ward.people["kato"])

    for name, body in {
        "": None,
        "/acknowledgement": {},
        "/response": {},
        "/arrival": {},
        "/resolution": {"outcome": "false_alarm"},
        "/cancellation": {"reason": "x"},
    }.items():
        answers = [
            outsider.get(f"/alerts/{one}") if body is None else outsider.post(f"/alerts/{one}{name}", body)
            for one in (alert["id"], new_id())
        ]
        assert [a.status_code for a in answers] == [404, 404]
        assert answers[0].data == answers[1].data
    for one in (ward.group_id, new_id()):
        assert outsider.post(f"/groups/{one}/alerts", call()).status_code == 404
        assert outsider.get(f"/groups/{one}/chain").status_code == 404
        assert outsider.get(f"/groups/{one}/policy").status_code == 404
    assert outsider.get("/alerts").json == {"alerts": []}


@pytest.mark.parametrize(
    "body",
    [
        call(level="E9"),
        call(level=3),
        call(situation=""),
        call(signs=["unheard_of"]),
        call(signs=["fever"] * 21),
        call(extra="x"),
        call(id=7),
    ],
)
def test_a_call_of_the_wrong_shape_changes_nothing(
    ward: Ward, phone_of: PhoneOf, session: Session, body: dict[str, Any]
) -> None:
    answer = phone_of(ward.people["abe"]).post(f"/groups/{ward.group_id}/alerts", body)

    assert answer.status_code == 422
    assert session.scalar(text("select count(*) from alert")) == 0


def test_nobody_keeps_an_alert_open_by_taking_the_ids_of_its_end(ward: Ward, phone_of: PhoneOf) -> None:
    helper, nurse = phone_of(ward.people["abe"]), phone_of(ward.people["sato"])
    alert = raised(nurse, ward)
    names = ("reason", "note", *(f"event-{n}" for n in range(1, 9)))
    planted = [
        helper.post(
            f"/groups/{ward.group_id}/posts",
            {"id": str(uuid5(UUID(alert["id"]), name)), "kind": "report", "text": "x"},
        )
        for name in names
    ]

    ended = nurse.post(f"/alerts/{alert['id']}/cancellation", {"reason": "間違い"})

    assert {answer.status_code for answer in planted} == {422}
    assert (ended.status_code, ended.json["state"]) == (200, "cancelled")


def test_the_chain_is_shown_before_anybody_is_called(ward: Ward, phone_of: PhoneOf) -> None:
    chain = phone_of(ward.people["sato"]).get(f"/groups/{ward.group_id}/chain?level=E2").json

    assert chain
    # The nurse on call looks at her own patient: her backup would be asked, not she.
    assert [[p["name"] for p in step["people"]] for step in chain["steps"]] == [
        ["伊藤 架美"],
        ["田中 架一"],
        ["鈴木 架二"],
        ["森 架三"],
    ]
    assert [step["wait_seconds"] for step in chain["steps"]] == [600, 900, 900, 600]


def test_a_policy_is_set_by_who_may_and_only_over_what_they_saw(ward: Ward, phone_of: PhoneOf) -> None:
    path, steps = f"/groups/{ward.group_id}/policy", {"steps": [{"target": "deputy_physician"}]}
    doctor = phone_of(ward.people["tanaka"])
    default = doctor.get(path)
    assert default.json
    assert default.json["revision"] == 0
    assert len(default.json["steps"]) == 4

    assert doctor.put(path, steps).status_code == 422
    saved = doctor.put(path, steps, headers={"If-Match": '"0"'})
    assert saved.json == {"revision": 1, "steps": [{"target": "deputy_physician", "facility_id": None}]}
    assert doctor.put(path, steps, headers={"If-Match": '"0"'}).status_code == 409
    unknown = {"steps": [{"target": "physician_on_duty", "facility_id": str(new_id())}]}
    assert doctor.put(path, unknown, headers={"If-Match": '"1"'}).status_code == 404


def token_of(session: Session, ward: Ward, alert_id: str, name: str) -> str:
    pings = notifications.pings_about(session, "alert", UUID(alert_id))
    ping = next(p for p in pings if p.person_id == ward.people[name] and p.channel == "email")
    return tokens.token_of(ping.id)


def test_nobody_leaps_ahead_of_a_policy_that_was_never_set(ward: Ward, phone_of: PhoneOf) -> None:
    doctor = phone_of(ward.people["tanaka"])
    path, policy = f"/groups/{ward.group_id}/policy", {"steps": [{"target": "attending_physician"}]}

    leap = doctor.put(path, policy, headers={"If-Match": '"999999999"'})
    first = doctor.put(path, policy, headers={"If-Match": '"0"'})

    assert (leap.status_code, leap.json["code"], leap.json["revision"]) == (409, "policy-moved-on", 0)
    assert (first.status_code, first.json["revision"]) == (200, 1)


def test_a_notification_answers_without_a_session_and_shows_nothing(
    ward: Ward, phone_of: PhoneOf, session: Session, app: Any
) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    token = token_of(session, ward, alert["id"], "sato")
    locked = app.test_client()

    first = locked.post(f"/api/v1/pings/{token}/acknowledgement")
    again = locked.post(f"/api/v1/pings/{token}/acknowledgement")

    assert (first.status_code, first.json) == (200, {"state": "acknowledged"})
    assert (again.status_code, again.json) == (200, {"state": "acknowledged"})
    seen = phone_of(ward.people["abe"]).get(f"/alerts/{alert['id']}").json
    assert seen
    assert seen["answered_by"] == str(ward.people["sato"])
    assert seen["next_step_at"] is not None


def test_a_notification_answers_once_and_not_again_when_the_answer_has_lapsed(
    ward: Ward, phone_of: PhoneOf, session: Session
) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    ping = session.scalars(
        text("SELECT id FROM ping WHERE about_id = :alert"), {"alert": alert["id"]}
    ).first()
    path = f"/pings/{tokens.token_of(ping)}/acknowledgement"
    client = phone_of(ward.people["abe"])

    first, again = client.post(path), client.post(path)
    session.execute(text("UPDATE ping SET token_used_at = token_used_at - interval '3 minutes'"))
    session.commit()
    later = client.post(path)

    assert (first.status_code, again.status_code) == (200, 200)
    assert (later.status_code, later.json["code"]) == (410, "token-used")


def test_a_token_says_not_who_was_faster_and_an_unknown_one_opens_nothing(
    ward: Ward, phone_of: PhoneOf, session: Session, app: Any
) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    token = token_of(session, ward, alert["id"], "sato")
    phone_of(ward.people["tanaka"]).post(f"/alerts/{alert['id']}/acknowledgement")

    late = app.test_client().post(f"/api/v1/pings/{token}/acknowledgement")
    unknown = app.test_client().post("/api/v1/pings/unknown/acknowledgement")

    assert late.status_code == 409
    assert late.json
    assert "answered_by" not in late.json
    assert unknown.status_code == 404


def test_who_was_let_out_answers_no_more_with_an_old_notification(
    ward: Ward, phone_of: PhoneOf, session: Session, app: Any
) -> None:
    manager = phone_of(ward.people["abe"])
    alert = raised(manager, ward)
    token = token_of(session, ward, alert["id"], "sato")
    assert manager.delete(f"/groups/{ward.group_id}/members/{ward.people['sato']}").status_code == 204

    late = app.test_client().post(f"/api/v1/pings/{token}/acknowledgement")
    unknown = app.test_client().post("/api/v1/pings/unknown/acknowledgement")

    assert (late.status_code, late.data) == (404, unknown.data)
    assert manager.get(f"/alerts/{alert['id']}").json["state"] == "open"


def test_a_receipt_is_taken_and_can_be_repeated(
    ward: Ward, phone_of: PhoneOf, session: Session, app: Any
) -> None:
    alert = raised(phone_of(ward.people["abe"]), ward)
    token = token_of(session, ward, alert["id"], "sato")

    for _ in range(2):
        assert app.test_client().post(f"/api/v1/pings/{token}/receipt").status_code == 204

    seen = phone_of(ward.people["abe"]).get(f"/alerts/{alert['id']}").json
    assert seen
    assert seen["state"] == "open"
    assert [e["kind"] for e in seen["events"]].count("ping.delivered") == 1


def test_my_browsers_are_mine_alone(ward: Ward, phone_of: PhoneOf) -> None:
    mine, other = phone_of(ward.people["sato"]), phone_of(ward.people["abe"])
    body = {"endpoint": "https://fcm.googleapis.com/fcm/send/x", "keys": Browser.new().keys()}
    local = body | {"endpoint": "http://127.0.0.1:9/push/1"}
    refused = mine.post("/push-subscriptions", body)
    added = mine.post("/push-subscriptions", local)

    # The tests' installation lists a receiver of its own and no real push service.
    assert refused.status_code == 422
    assert added.status_code == 201
    assert added.json
    listed = mine.get("/push-subscriptions").json
    assert listed
    assert [one["endpoint_host"] for one in listed["subscriptions"]] == ["127.0.0.1"]
    assert other.delete(f"/push-subscriptions/{added.json['id']}").status_code == 404
    tested, again = mine.post("/push-subscriptions/test"), mine.post("/push-subscriptions/test")
    assert (tested.status_code, again.status_code) == (202, 202)
    assert tested.json == again.json
    assert mine.delete(f"/push-subscriptions/{added.json['id']}").status_code == 204


def test_the_plan_is_made_by_the_office_and_shows_its_gaps(ward: Ward, phone_of: PhoneOf) -> None:
    head, nurse = phone_of(ward.people["sato"]), phone_of(ward.people["ito"])
    station, now = ward.offices["station"], clock.now()
    shift = {
        "id": str(new_id()),
        "duty": "home_nursing_on_call",
        "person_id": str(ward.people["ito"]),
        "starts_at": (now + timedelta(hours=20)).isoformat(),
        "ends_at": (now + timedelta(hours=30)).isoformat(),
    }
    path = f"/facilities/{station}/shifts"

    assert nurse.post(path, shift).status_code == 403
    assert phone_of(ward.people["kato"]).post(path, shift).status_code == 404
    assert [head.post(path, shift).status_code for _ in range(2)] == [201, 201]
    doctor = shift | {"id": str(new_id()), "person_id": str(ward.people["tanaka"])}
    assert head.post(path, doctor).status_code == 422

    span = {"from": now.isoformat(), "to": (now + timedelta(hours=30)).isoformat()}
    plan = nurse.get("/duty", query_string=span).json
    assert plan
    assert len(plan["shifts"]) == 3
    assert [gap["duty"] for gap in plan["gaps"]] == ["home_nursing_on_call"]
    on_call = nurse.get("/duty/now").json
    assert on_call
    assert [(p["rank"], p["person_id"]) for p in on_call["on_call"]] == [
        ("first", str(ward.people["sato"])),
        ("backup", str(ward.people["ito"])),
    ]
    assert head.delete(f"{path}/{shift['id']}").status_code == 204


def test_a_week_after_the_last_day_of_time_is_no_period(ward: Ward, phone_of: PhoneOf) -> None:
    assert phone_of(ward.people["ito"]).get("/duty?from=9999-12-31T00:00:00Z").status_code == 422


def test_a_change_of_plan_is_heard_at_once(ward: Ward, phone_of: PhoneOf) -> None:
    head, now = phone_of(ward.people["sato"]), clock.now()
    swap = {
        "id": str(new_id()),
        "duty": "home_nursing_on_call",
        "absent_person_id": str(ward.people["sato"]),
        "person_id": str(ward.people["ito"]),
        "starts_at": (now - timedelta(minutes=1)).isoformat(),
        "ends_at": (now + timedelta(hours=3)).isoformat(),
    }

    assert head.post(f"/facilities/{ward.offices['station']}/overrides", swap).status_code == 201

    alert = raised(phone_of(ward.people["abe"]), ward)
    assert [p["name"] for p in alert["steps"][0]["people"]] == ["伊藤 架美"]


def test_the_night_can_be_read_in_numbers(ward: Ward, phone_of: PhoneOf, session: Session) -> None:
    raised(phone_of(ward.people["abe"]), ward)

    registry = CollectorRegistry()
    registry.register(NightNumbers())

    assert registry.get_sample_value("casenet_alerts_open", {"level": "E3", "state": "open"}) == 1
    assert registry.get_sample_value("casenet_alerts_overdue") == 0
    pending = {"channel": "email", "state": "pending"}
    assert registry.get_sample_value("casenet_pings_day", pending) == 1
