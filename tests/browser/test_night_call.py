"""Journey b on phones: a home helper calls, the nurse on call takes it in two taps; where life is at risk, 119."""

from playwright.sync_api import expect

from casenet import clock, facilities, groups
from casenet.database import transaction
from casenet.groups import Permission
from casenet.identity import NewPerson
from casenet.ids import new_id
from tests.night import PATIENT, open_ward

HELPER = "久保 架織"


def ward_with_a_helper():
    """The ward of tests.night, and a home helper who belongs to the group."""
    now = clock.now()
    with transaction() as session:
        ward = open_ward(session, now)
        helper = NewPerson(new_id(), "kubo", "kubo@casenet.example", HELPER, "クボ カオリ", "home_helper")
        office = ward.offices["planning"]
        facilities.add_staff(session, office, helper, is_administrator=False, by=None, now=now)
        founder = ward.entry(session, "tanaka", Permission.INVITE)
        groups.add_member(session, founder, helper.id, function="home_help", now=now)
    return ward


def test_a_helper_calls_and_the_nurse_on_call_takes_it_in_two_taps(house, phone):
    ward_with_a_helper()
    house.start("web", "worker", "nightwatch")
    helper, nurse = phone().enter(HELPER), phone().enter("佐藤 架子")

    _call(helper)

    # Two taps, from a list that she had open for something else.
    notice = nurse.role("banner").get_by_role("link", name="緊急連絡・応答待ち")
    expect(notice).to_be_visible()
    nurse.check("groups during a call")
    nurse.tap(notice)
    nurse.tap(nurse.role("button", name="受けました"))
    expect(nurse.role("status").filter(has_text="佐藤 架子 さんが受けました")).to_be_visible()
    expect(helper.role("status").filter(has_text="佐藤 架子 さんが受けました")).to_be_visible()
    nurse.check("a call that was taken")

    _answer(nurse, helper)

    helper.role("link", name="経過を見る").tap()
    told = helper.role("region", name="架空 花子 様の経過")
    for sentence in (
        "佐藤 架子が受けました",
        "佐藤 架子が訪問に向かっています（あと約20分）",
        "佐藤 架子が到着しました",
        "佐藤 架子が終了しました（訪問看護）",
        "酸素を1.5Lに上げ、SpO2は94まで戻りました。",
    ):
        expect(told.get_by_text(sentence)).to_be_visible()
    helper.check("the record of a call")


def _call(helper):
    helper.open_group(PATIENT.name)
    helper.tap(helper.role("link", name="緊急"))
    helper.tap(helper.role("button", name="呼吸が苦しい"))
    expect(helper.role("radio", name="E3")).to_be_checked()
    helper.label("状況（何が起きているか）").fill("横になると息が苦しいと言います。唇の色が悪いです。")
    plan = helper.role("region", name="呼ぶ順番").get_by_role("listitem")
    expect(plan).to_contain_text(["訪問看護の当番", "主治医", "副主治医", "連携先の当番医"])
    helper.check("an urgent call")
    helper.tap(helper.role("button", name="架空 花子 様のことを知らせる"))

    first = helper.role("region", name="呼び出しの様子").get_by_role("listitem").first
    expect(first).to_contain_text("連絡中")
    expect(first).to_contain_text("佐藤 架子")
    expect(helper.role("link", name="佐藤 架子 さんに電話する").first).to_have_attribute(
        "href", "tel:0300000000"
    )
    helper.check("the ladder of a call")


def _answer(nurse, helper):
    nurse.tap(nurse.role("button", name="対応中"))
    nurse.check("how to respond")
    nurse.tap(nurse.role("button", name="20分"))
    expect(helper.role("status").filter(has_text="佐藤 架子 さんが対応しています")).to_be_visible()
    nurse.tap(nurse.role("button", name="到着"))
    expect(helper.role("status").filter(has_text="佐藤 架子 さんが到着しました")).to_be_visible()
    nurse.tap(nurse.role("button", name="終了"))
    nurse.choose("訪問看護", within=nurse.role("dialog", name="どうなりましたか"))
    nurse.label("ひとこと").fill("酸素を1.5Lに上げ、SpO2は94まで戻りました。")
    nurse.check("the end of a call")
    nurse.tap(nurse.role("button", name="終了する"))
    expect(helper.role("status").filter(has_text="終了しました（訪問看護）")).to_be_visible()
    helper.check("a call that is over")


def test_where_life_is_at_risk_119_stands_first(house, phone):
    ward_with_a_helper()
    house.start("web", "worker")
    helper = phone().enter(HELPER).open_group(PATIENT.name)

    helper.tap(helper.role("link", name="緊急"))
    helper.tap(helper.role("button", name="反応がない"))

    expect(helper.role("radio", name="E4")).to_be_checked()
    expect(helper.role("alert")).to_contain_text("先に 119番 に電話してください。")
    ambulance = helper.role("link", name="119番に電話する")
    expect(ambulance).to_have_attribute("href", "tel:119")
    send = helper.role("button", name="架空 花子 様のことを知らせる")
    high, low = ambulance.bounding_box(), send.bounding_box()
    assert high["height"] >= low["height"]
    assert high["y"] + high["height"] <= low["y"]
    helper.check("a call for an ambulance")
    helper.tap(send)

    # Also beside the ladder, which calls everybody at once.
    expect(helper.role("link", name="119番に電話する")).to_be_visible()
    ladder = helper.role("region", name="呼び出しの様子").get_by_role("listitem")
    expect(ladder.filter(has_text="連絡中").filter(has_text="佐藤 架子")).to_be_visible()
    helper.check("the ladder of a call for an ambulance")
