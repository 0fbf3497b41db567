from collections.abc import Callable
from json import dumps
from uuid import UUID, uuid4

from casenet.ids import new_id
from tests.cast import Cast
from tests.web.conftest import Phone

PhoneOf = Callable[[UUID], Phone]


def draft(text: str = "血圧 120/70", **more: object) -> dict[str, object]:
    return {"id": str(new_id()), "kind": "report", "text": text} | more


def test_a_post_is_there_once_however_often_it_is_sent(cast: Cast, phone_of: PhoneOf) -> None:
    phone, post = phone_of(cast.tanaka), draft()

    first = phone.post(f"/groups/{cast.group}/posts", post)
    again = phone.post(f"/groups/{cast.group}/posts", post)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    page = phone.get(f"/groups/{cast.group}/posts").json
    assert [row["text"] for row in page["revisions"]] == ["血圧 120/70"]
    assert page["last_sequence"] == 1


def test_a_reconnecting_phone_gets_what_it_lacks_in_order(cast: Cast, phone_of: PhoneOf) -> None:
    phone = phone_of(cast.tanaka)
    for text in ("一", "二", "三"):
        phone.post(f"/groups/{cast.group}/posts", draft(text))

    caught = phone_of(cast.sato).get(f"/groups/{cast.group}/posts?after=1").json

    assert [(row["sequence"], row["text"]) for row in caught["revisions"]] == [(2, "二"), (3, "三")]
    assert caught["people"][str(cast.tanaka)]["name"] == "田中 空子"


def test_a_correction_is_a_new_revision_and_the_old_one_stays(cast: Cast, phone_of: PhoneOf) -> None:
    phone, post = phone_of(cast.tanaka), draft("血圧 120")
    phone.post(f"/groups/{cast.group}/posts", post)
    path = f"/groups/{cast.group}/posts/{post['id']}"

    corrected = phone.post(f"{path}/revisions", {"revision": 2, "text": "血圧 210"})
    repeated = phone.post(f"{path}/revisions", {"revision": 2, "text": "血圧 210"})
    other = phone.post(f"{path}/revisions", {"revision": 2, "text": "血圧 220"})

    assert (corrected.status_code, repeated.status_code, other.status_code) == (201, 200, 409)
    assert [row["text"] for row in phone.get(path).json["revisions"]] == ["血圧 120", "血圧 210"]
    by_another = phone_of(cast.sato).post(f"{path}/revisions", {"revision": 3, "text": "x"})
    assert by_another.status_code == 404


def test_the_outsider_and_the_made_up_group_get_the_same_bytes(cast: Cast, phone_of: PhoneOf) -> None:
    outsider = phone_of(cast.ogawa)

    forbidden = outsider.get(f"/groups/{cast.group}/posts")
    unknown = outsider.get(f"/groups/{uuid4()}/posts")

    assert forbidden.status_code == unknown.status_code == 404
    assert forbidden.data == unknown.data
    assert outsider.post(f"/groups/{cast.group}/posts", draft()).status_code == 404


def test_an_id_of_somebody_elses_post_hands_out_nothing(cast: Cast, phone_of: PhoneOf) -> None:
    post = draft("田中の記録")
    phone_of(cast.tanaka).post(f"/groups/{cast.group}/posts", post)

    taken = phone_of(cast.sato).post(f"/groups/{cast.group}/posts", post | {"text": "別の記録"})

    assert taken.status_code == 409
    assert "田中の記録" not in taken.text
    assert taken.json["code"] == "id-taken"


def test_a_refused_post_says_why_and_changes_nothing(cast: Cast, phone_of: PhoneOf) -> None:
    phone = phone_of(cast.ito)
    path = f"/groups/{cast.group}/posts"

    answers = {
        "instruction": phone.post(path, draft(kind="instruction")),
        "empty": phone.post(path, draft("  ")),
        "kind": phone.post(path, draft(kind="notice")),
        "nul": phone.post(path, draft("a\0b")),
        "reply": phone.post(path, draft(reply_to=str(uuid4()))),
        "extra": phone.post(path, draft(author_id=str(cast.sato))),
        "number": phone.post(path, draft() | {"id": 5}),
        "json in json": phone.post(path, dumps(draft())),
        "urgent": phone.post(path, draft(kind="urgent")),
    }

    assert {name: answer.json["code"] for name, answer in answers.items()} == {
        "instruction": "instruction-not-allowed",
        "empty": "text-empty",
        "kind": "kind-unknown",
        "nul": "input-invalid",
        "reply": "post-unknown",
        "extra": "input-invalid",
        "number": "input-invalid",
        "json in json": "input-invalid",
        "urgent": "urgent-is-a-call",
    }
    assert phone.get(path).json["last_sequence"] == 0
    assert all(answer.content_type == "application/problem+json" for answer in answers.values())


def test_one_tap_acknowledges_once_and_is_shown_with_name(cast: Cast, phone_of: PhoneOf) -> None:
    post = draft()
    phone_of(cast.tanaka).post(f"/groups/{cast.group}/posts", post)
    doctor = phone_of(cast.sato)

    first = doctor.post(f"/groups/{cast.group}/posts/{post['id']}/acknowledgement")
    again = doctor.post(f"/groups/{cast.group}/posts/{post['id']}/acknowledgement")

    assert (first.status_code, again.status_code) == (201, 200)
    page = doctor.get(f"/groups/{cast.group}/posts").json
    assert [(mark["post_id"], mark["person_id"]) for mark in page["marks"]] == [(post["id"], str(cast.sato))]
    assert page["last_mark"] == 1


def test_the_unread_count_counts_others_posts_only(cast: Cast, phone_of: PhoneOf) -> None:
    nurse, doctor = phone_of(cast.tanaka), phone_of(cast.sato)
    for text in ("一", "二"):
        nurse.post(f"/groups/{cast.group}/posts", draft(text))

    before = doctor.get("/groups").json["groups"][0]
    doctor.put(f"/groups/{cast.group}/read", {"sequence": 1})
    after = doctor.get("/groups").json["groups"][0]

    assert (before["unread"], after["unread"]) == (2, 1)
    assert nurse.get("/groups").json["groups"][0]["unread"] == 0
    assert after["last_post"]["excerpt"] == "二"
    assert after["patient"]["name"] == "架空 ハル"


def test_a_change_without_the_csrf_token_or_from_another_site_is_refused(
    cast: Cast, phone_of: PhoneOf
) -> None:
    phone = phone_of(cast.tanaka)
    path = f"/groups/{cast.group}/posts"

    bare = phone.client.post(f"/api/v1{path}", json=draft())
    foreign = phone.post(path, draft(), headers={"Origin": "https://evil.example"})
    cross = phone.post(path, draft(), headers={"Sec-Fetch-Site": "cross-site"})

    assert [answer.json["code"] for answer in (bare, foreign, cross)] == ["csrf", "cross-site", "cross-site"]
    assert phone.get(path).json["last_sequence"] == 0


def test_a_question_awaits_the_others_until_they_say_ryoukai(cast: Cast, phone_of: PhoneOf) -> None:
    nurse, doctor = phone_of(cast.tanaka), phone_of(cast.sato)
    question = {"id": str(new_id()), "kind": "question", "text": "明日の採血は必要ですか。"}
    nurse.post(f"/groups/{cast.group}/posts", question)
    nurse.post(f"/groups/{cast.group}/posts", {"id": str(new_id()), "kind": "report", "text": "報告です。"})

    before = awaiting(doctor, cast.group)
    doctor.post(f"/groups/{cast.group}/posts/{question['id']}/acknowledgement", {})

    assert (before, awaiting(doctor, cast.group), awaiting(nurse, cast.group)) == (1, 0, 0)


def awaiting(phone: Phone, group: UUID) -> int:
    lines = phone.get("/groups").json["groups"]
    return next(line["awaiting"] for line in lines if line["id"] == str(group))


def test_a_body_that_is_not_json_is_refused_as_such(cast: Cast, phone_of: PhoneOf) -> None:
    phone = phone_of(cast.tanaka)

    answer = phone.client.post(
        f"/api/v1/groups/{cast.group}/posts",
        data="kind=report",
        content_type="application/x-www-form-urlencoded",
        headers={"X-CSRF-Token": phone.csrf},
    )

    assert (answer.status_code, answer.json["code"]) == (415, "not-json")
