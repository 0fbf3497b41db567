from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet import clock, identity
from casenet.config import Config
from casenet.ids import new_id
from tests.cast import Cast
from tests.web.conftest import Phone

PhoneOf = Callable[[UUID], Phone]

PASSWORD = "ゆうがたの散歩道と金木犀の香り"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def enrolled(session: Session, cast: Cast, config: Config) -> Cast:
    """佐藤 has a password and a second factor."""
    hashed = identity.hash_password(PASSWORD, config.pepper)
    identity.enrol_directly(session, cast.sato, hashed, SECRET, now=clock.now())
    session.commit()
    return cast


def first_step(client: FlaskClient, login: str = "sato", password: str = PASSWORD) -> int:
    return client.post("/api/v1/session", json={"login": login, "password": password}).status_code


def newcomer_of_the_station() -> dict[str, str]:
    return {
        "id": str(new_id()),
        "login": "kimura",
        "email": "kimura@casenet.example",
        "name": "木村 新",
        "name_kana": "キムラ シン",
        "profession": "nurse",
    }


def code(steps_ago: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(clock.now() - timedelta(seconds=30 * steps_ago))


def test_both_factors_open_a_session_and_one_does_not(app: Flask, enrolled: Cast) -> None:
    client = app.test_client()

    assert first_step(client) == 200
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/groups").status_code == 401
    answer = client.post("/api/v1/session/code", json={"code": code()})

    assert answer.status_code == 200
    assert answer.json["person"]["name"] == "佐藤 架子"
    assert client.get("/api/v1/me").json == answer.json
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_code_opens_once(app: Flask, enrolled: Cast) -> None:
    shown = code()
    first, second = app.test_client(), app.test_client()
    first_step(first)
    first_step(second)

    assert first.post("/api/v1/session/code", json={"code": shown}).status_code == 200
    assert second.post("/api/v1/session/code", json={"code": shown}).status_code == 401


def test_five_wrong_codes_end_the_half_session(app: Flask, enrolled: Cast) -> None:
    client = app.test_client()
    first_step(client)
    for _ in range(5):
        assert client.post("/api/v1/session/code", json={"code": "000000"}).status_code == 401

    answer = client.post("/api/v1/session/code", json={"code": code()})

    assert answer.json["code"] == "not-signed-in"


def test_a_wrong_password_and_an_unknown_login_get_the_same_bytes(app: Flask, enrolled: Cast) -> None:
    client = app.test_client()

    wrong = client.post("/api/v1/session", json={"login": "sato", "password": "wrong-wrong-wrong"})
    unknown = client.post("/api/v1/session", json={"login": "nobody", "password": "wrong-wrong-wrong"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data == unknown.data


def test_guessing_is_slowed_and_the_right_password_elsewhere_still_works(app: Flask, enrolled: Cast) -> None:
    guesser, owner = app.test_client(), app.test_client()
    answers = [first_step(guesser, password=f"guess number {number}") for number in range(20)]

    assert answers.count(401) == 1
    assert answers.count(429) == 19
    from_home = owner.post(
        "/api/v1/session",
        json={"login": "sato", "password": PASSWORD},
        environ_overrides={"REMOTE_ADDR": "198.51.100.7"},
    )
    assert from_home.status_code == 200


def test_who_has_the_password_cannot_try_codes_for_ever(app: Flask, enrolled: Cast) -> None:
    guesser, owner = app.test_client(), app.test_client()
    tried: list[int] = []
    for _ in range(4):
        assert first_step(guesser) == 200
        tried += [guesser.post("/api/v1/session/code", json={"code": "000000"}).status_code for _ in range(5)]
    home = {"REMOTE_ADDR": "198.51.100.7"}
    credentials = {"login": "sato", "password": PASSWORD}
    owner.post("/api/v1/session", json=credentials, environ_overrides=home)
    from_home = owner.post("/api/v1/session/code", json={"code": code()}, environ_overrides=home)

    assert tried.count(401) <= 7
    assert tried[-1] == 429
    assert from_home.status_code == 200


def test_a_guesser_behind_the_same_router_slows_his_neighbours_by_a_minute_at_most(
    app: Flask, enrolled: Cast, session: Session
) -> None:
    client = app.test_client()
    first_step(client, login="nobody")
    session.execute(text("UPDATE guess SET failures = 1000, not_before = now()"))
    session.commit()
    first_step(client, login="somebody")

    answer = client.post("/api/v1/session", json={"login": "sato", "password": PASSWORD})

    assert answer.status_code == 429
    assert answer.json["retry_after_seconds"] <= 61


def test_a_code_typed_in_full_width_is_the_code(app: Flask, enrolled: Cast) -> None:
    client = app.test_client()
    first_step(client)
    wide = code().translate({ord(str(digit)): "０１２３４５６７８９"[digit] for digit in range(10)})

    assert client.post("/api/v1/session/code", json={"code": wide}).status_code == 200


def test_what_is_no_text_is_refused_and_no_accident(app: Flask, enrolled: Cast) -> None:
    client = app.test_client()
    broken = {"data": '{"login": "sato", "password": "\\ud800"}', "content_type": "application/json"}
    assert client.post("/api/v1/session", **broken).status_code == 422

    first_step(client)
    assert client.post("/api/v1/session/code", json={"code": "12345é"}).status_code == 401


def test_a_session_ends_when_idle_and_at_its_last_hour(
    app: Flask, session: Session, cast: Cast, phone_of: PhoneOf
) -> None:
    idle, old = phone_of(cast.sato), phone_of(cast.tanaka)
    move = "UPDATE session SET {column} = now() - interval '{ago}' WHERE person_id = :person"
    session.execute(text(move.format(column="last_seen_at", ago="31 minutes")), {"person": cast.sato})
    session.execute(text(move.format(column="expires_at", ago="1 second")), {"person": cast.tanaka})
    session.commit()

    assert idle.get("/me").status_code == 401
    assert old.get("/me").status_code == 401


def test_signing_out_ends_this_device_only(cast: Cast, phone_of: PhoneOf) -> None:
    phone, tablet = phone_of(cast.sato), phone_of(cast.sato)

    assert phone.delete("/session").status_code == 204

    assert phone.get("/me").status_code == 401
    assert tablet.get("/me").status_code == 200


def test_a_new_person_takes_up_the_invitation_once(app: Flask, cast: Cast, phone_of: PhoneOf) -> None:
    person = newcomer_of_the_station()
    added = phone_of(cast.tanaka).post(f"/facilities/{cast.station}/people", person)
    path = "/api/v1" + added.json["invitation_path"]
    newcomer = app.test_client()

    assert newcomer.get(path).json == {"name": "木村 新", "facility_name": "架空訪問看護ステーション"}
    assert newcomer.post(path, json={"password": "short"}).json["errors"] == [
        {"field": "password", "code": "too-short"}
    ]
    factor = newcomer.post(path, json={"password": PASSWORD}).json
    shown = pyotp.TOTP(factor["totp_secret"]).at(clock.now() - timedelta(seconds=30))
    assert newcomer.post(f"{path}/code", json={"code": shown}).status_code == 204

    assert newcomer.get(path).status_code == 410
    assert first_step(newcomer, login="kimura@CASENET.example") == 200


def test_a_fresh_invitation_is_written_down(cast: Cast, phone_of: PhoneOf, session: Session) -> None:
    person = newcomer_of_the_station()
    for _ in range(2):
        phone_of(cast.tanaka).post(f"/facilities/{cast.station}/people", person)

    rows = session.execute(
        text("SELECT action FROM audit_event WHERE object_id = :person ORDER BY id"), {"person": person["id"]}
    )
    assert list(rows.scalars()) == ["person.add", "person.invite_again"]


def test_only_the_offices_own_administrator_adds_people(cast: Cast, phone_of: PhoneOf) -> None:
    person = {
        "id": str(new_id()),
        "login": "x",
        "email": "x@casenet.example",
        "name": "x",
        "name_kana": "x",
        "profession": "nurse",
    }

    by_other_office = phone_of(cast.sato).post(f"/facilities/{cast.station}/people", person)
    by_colleague = phone_of(cast.ogawa).post(f"/facilities/{cast.station}/people", person)
    unknown = phone_of(cast.ogawa).post(f"/facilities/{new_id()}/people", person)

    assert by_other_office.status_code == by_colleague.status_code == 404
    assert by_other_office.data == unknown.data


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "a@casenet.example\r\nBcc: b@casenet.example"}, 422),
        ({"email": "<"}, 422),
        ({"email": "a@casenet.example, b@casenet.example"}, 422),
        ({"name": " "}, 422),
        ({"name": "\u202e架空"}, 422),
        ({"id": "somebody else's"}, 409),
    ],
)
def test_a_person_who_would_break_something_is_not_added(
    cast: Cast, phone_of: PhoneOf, change: dict[str, str], status: int
) -> None:
    person = newcomer_of_the_station()
    if "id" in change:
        change = {"id": str(cast.ogawa)}

    answer = phone_of(cast.tanaka).post(f"/facilities/{cast.station}/people", person | change)

    assert answer.status_code == status


def test_a_leaver_is_out_everywhere_in_one_act(cast: Cast, phone_of: PhoneOf) -> None:
    helper = phone_of(cast.ito)
    assert helper.get(f"/groups/{cast.group}").status_code == 200

    left = phone_of(cast.mori).delete(f"/facilities/{cast.office}/people/{cast.ito}")

    assert left.status_code == 204
    assert helper.get("/me").status_code == 401
    members = phone_of(cast.tanaka).get(f"/groups/{cast.group}").json["members"]
    assert str(cast.ito) not in {member["person_id"] for member in members}


def test_the_demos_button_does_not_exist_outside_the_demo(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/api/v1/demo/people").status_code == 404
    assert client.post("/api/v1/demo/session", json={}).status_code in (404, 405)


def test_a_lost_phone_ends_both_factors_and_every_session(
    app: Flask, enrolled: Cast, phone_of: PhoneOf
) -> None:
    lost, administrator = phone_of(enrolled.sato), phone_of(enrolled.sato)

    by_other_office = phone_of(enrolled.mori).post(
        f"/facilities/{enrolled.clinic}/people/{enrolled.sato}/invitation"
    )
    again = administrator.post(f"/facilities/{enrolled.clinic}/people/{enrolled.sato}/invitation")

    assert (by_other_office.status_code, again.status_code) == (404, 201)
    assert lost.get("/me").status_code == 401
    assert first_step(app.test_client()) == 401
    path = "/api/v1" + again.json["invitation_path"]
    assert app.test_client().get(path).json["name"] == "佐藤 架子"
