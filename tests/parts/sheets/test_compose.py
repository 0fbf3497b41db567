"""A draft names a source for everything, and posts only ever offer."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from casenet.sheets.compose import Reading, Sentence, Source, compose
from casenet.sheets.forms import form

FORM = form("admission")
NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
CARD, RECORD = Source("card"), Source("record")
NURSE = UUID(int=7)


def post(text, *, sequence=41, ago=timedelta(hours=14)):
    return Sentence(sequence, UUID(int=sequence), NURSE, "訪問看護 田中", NOW - ago, text)


def composed(*posts, **record):
    known = (
        (CARD, {"p.name": "佐野 ハル"}),
        (RECORD, {key.replace("__", "."): v for key, v in record.items()}),
    )
    return compose(FORM, Reading(known, posts, NOW))


def test_every_value_of_a_draft_has_a_source():
    made = composed(p__addr="東京都文京区", p__name="別の人", f__household="alone")

    assert made.values == {"p.name": "佐野 ハル", "p.addr": "東京都文京区", "f.household": "alone"}
    assert made.sources == {"p.name": CARD, "p.addr": RECORD, "f.household": RECORD}


def test_what_the_form_does_not_ask_stays_out():
    assert composed(shoe_size="23").values == {"p.name": "佐野 ハル"}


def test_a_post_never_overwrites_a_value_and_is_offered_beside_it():
    made = composed(post("移動は全介助になりました"), adl__move="partial")

    assert made.values["adl.move"] == "partial"
    offer = made.offers["adl.move"]
    assert (offer.value, offer.source.sequence, offer.source.post_id) == ("full", 41, UUID(int=41))
    assert (offer.source.label, offer.source.person_id) == ("訪問看護 田中", NURSE)


def test_a_post_is_offered_for_an_empty_field_too():
    made = composed(post("移乗：見守り"))

    assert "adl.transfer" not in made.values
    assert made.offers["adl.transfer"].value == "watch"


def test_the_newest_statement_wins_and_one_that_agrees_is_no_offer():
    made = composed(post("食事は見守り", sequence=1), post("食事は一部介助", sequence=2), adl__eat="partial")

    assert "adl.eat" not in made.offers


def test_what_a_call_ended_with_is_offered_and_not_filled_in():
    call = Source("call", NOW, sequence=44)
    made = compose(FORM, Reading(((CARD, {}),), (), NOW, ((call, {"hdr.date_admitted": "2026-11-20"}),)))

    assert made.values == {}
    assert (made.offers["hdr.date_admitted"].value, made.offers["hdr.date_admitted"].source) == (
        "2026-11-20",
        call,
    )


def test_older_posts_describe_an_older_state():
    assert composed(post("移動は全介助", ago=timedelta(days=15))).offers == {}


def test_vital_signs_of_the_last_days_are_offered_as_the_course():
    made = composed(
        post("今日もお元気でした。", sequence=39),
        post("体温37.8、血圧 110/60\n食欲あり", sequence=40, ago=timedelta(hours=20)),
        post(
            "発熱38.6、SpO2 89(RA)、RR 26、ぼんやりしている", sequence=41, ago=timedelta(hours=14, minutes=20)
        ),
    )

    assert made.offers["x.recent_course"].value == (
        "11/20 14:00 体温37.8、血圧 110/60（訪問看護 田中）\n"
        "11/20 19:40 発熱38.6、SpO2 89(RA)、RR 26、ぼんやりしている（訪問看護 田中）"
    )
    assert made.offers["x.recent_course"].source.sequence == 41


def test_no_measured_value_of_the_course_is_cut_in_two():
    long = "定期訪問。BT36.6、P78、SpO2 96%。" + "お茶で落ち着かれました。" * 5 + "水分は朝から300mLです。"
    made = composed(
        *(post(long, sequence=n, ago=timedelta(hours=20 - n)) for n in range(1, 5)),
        post("SpO2 " + "9" * 100, sequence=5, ago=timedelta(hours=10)),
        post("SpO2 91%、" + "息切れ" * 20 + "。" * 40, sequence=6, ago=timedelta(hours=9)),
    )

    course = made.offers["x.recent_course"].value
    assert len(course) <= 600
    assert course.splitlines()[-1].startswith("11/21 01:00 SpO2 91%、")
    assert all(line.endswith("（訪問看護 田中）") for line in course.splitlines())
    assert all("水分" not in line or "300mLです。" in line for line in course.splitlines())
    assert "…（訪問看護 田中）" in course


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("食事形態をミキサーに変更", "meal.form", "blended"),
        ("きざみ食に変更しました", "meal.form", "chopped"),
        ("とろみを開始", "meal.thickener", "yes"),
        ("とろみ不要と言われた", "meal.thickener", "no"),
        ("水分でむせることがある", "oral.swallow", "sometimes"),
        ("仙骨 D3-e1s6i0g3n3p0:13", "b.pressure_ulcer_text", "仙骨 D3-e1s6i0g3n3p0:13"),
        ("昼の薬の飲み忘れがありました", "rx.adherence", "sometimes"),
        ("中途覚醒が続く", "sl.sleep_text", "中途覚醒"),
        ("ペニシリンにアレルギーあり", "x.allergy_text", "ペニシリン"),
        ("喀痰吸引を開始", "tx.list", ["suction"]),
        ("排尿 一部介助", "ex.urine", "partial"),
    ],
)
def test_plain_rules_read_what_plainly_stands_there(text, key, value):
    assert composed(post(text)).offers[key].value == value


@pytest.mark.parametrize(
    "text", ["むせなし", "点滴は中止", "バルーン抜去しました", "胃ろうなし", "体調かわりなし", ""]
)
def test_what_is_denied_is_not_offered(text):
    assert composed(post(text)).offers == {}


def test_a_new_treatment_joins_those_already_known():
    made = composed(post("点滴を実施"), tx__list=["suction"])

    assert made.offers["tx.list"].value == ["suction", "drip"]
