"""The duty roster on a phone: a shift over night, wrong times, a substitute for some hours, a gap and its filling."""

from datetime import timedelta

from playwright.sync_api import expect

from casenet import clock
from casenet.clock import JAPAN
from tests.browser.phone import Phone
from tests.house import populate

NIGHT = "18:00 〜 "
TREMBLING_MILLISECONDS = 500


def day(days: int) -> str:
    """A date as an input takes it, so many days from now in Japan."""
    return (clock.now().astimezone(JAPAN) + timedelta(days=days)).date().isoformat()


def test_an_administrator_plans_a_night_and_a_substitute_with_one_thumb(house, phone):
    populate()
    house.start("web")
    nurse = phone().enter("田中 空子")
    nurse.tap(nurse.role("link", name="当番"))
    expect(nurse.text("架空訪問看護ステーション には、当番の予定がありません。")).to_be_visible()
    expect(nurse.text("いま当番の人がいません。")).to_have_count(0)
    nurse.check("no roster")

    _plan_a_night(nurse)
    own = nurse.role("listitem").filter(has_text="田中 空子")
    expect(own).to_contain_text("あなた")
    expect(own).to_contain_text(NIGHT)
    expect(nurse.role("status").filter(has_text="田中 空子 さんを入れました")).to_be_visible()

    _let_somebody_stand_in(nurse, own)
    expect(nurse.role("listitem").filter(has_text="田中 空子 さんの代わり")).to_contain_text("20:00 〜 22:00")
    # Who was replaced is not on call in these hours, and the list says so.
    expect(own.filter(has_text="18:00 〜 20:00")).to_have_count(1)
    expect(own.filter(has_text="22:00 〜 ")).to_have_count(1)
    nurse.check("a roster with a substitute")

    _take_out_and_fill(nurse)
    expect(nurse.role("region", name="当番がいない時間").get_by_text("20:00")).to_have_count(0)


def _plan_a_night(nurse: Phone) -> None:
    nurse.tap(nurse.role("button", name="当番を入れる"))
    dialog = nurse.role("dialog", name="当番を入れる")
    # A clinic's duties are not offered to a nursing station.
    expect(nurse.label("当番の種類").get_by_role("option")).to_have_text(["訪問看護の当番"])
    nurse.label("だれ").select_option("田中 空子（看護師）")
    nurse.label("始まり").fill(f"{day(-9)}T18:00")
    expect(nurse.label("終わり")).to_have_value(f"{day(-8)}T09:00")
    nurse.tap(dialog.get_by_role("button", name="入れる"))
    expect(dialog.get_by_role("alert")).to_have_text("もう過ぎた時間です。日付を確かめてください。")

    nurse.label("始まり").fill(f"{day(1)}T18:00")
    nurse.label("終わり").fill(f"{day(1)}T09:00")
    expect(dialog.get_by_role("status")).to_contain_text("夜をまたぐときは、翌日の日付です。")
    nurse.check("a shift that ends before it begins")
    nurse.label("終わり").fill(f"{day(2)}T09:00")
    expect(dialog.get_by_role("status")).to_contain_text("（15時間）")
    nurse.tap(dialog.get_by_role("button", name="入れる"))
    expect(dialog).to_have_count(0)


def _let_somebody_stand_in(nurse: Phone, own) -> None:
    nurse.tap(own.get_by_role("button", name="田中 空子 さんの当番を変える"))
    nurse.check("what can be done with a turn")
    nurse.tap(nurse.role("button", name="代わりを立てる"))
    dialog = nurse.role("dialog", name="代わりを立てる")
    nurse.label("だれ").select_option("小川 外子（看護師）")
    nurse.label("始まり").fill(f"{day(4)}T20:00")
    nurse.label("終わり").fill(f"{day(4)}T22:00")
    expect(dialog.get_by_role("status")).to_contain_text("と重なっていません。")
    nurse.label("始まり").fill(f"{day(1)}T20:00")
    nurse.label("終わり").fill(f"{day(1)}T22:00")
    nurse.tap(dialog.get_by_role("button", name="代わりにする"))
    expect(dialog).to_have_count(0)


def _take_out_and_fill(nurse: Phone) -> None:
    nurse.tap(nurse.role("button", name="小川 外子 さんの当番を変える"))
    nurse.tap(nurse.role("button", name="当番から外す"))
    nurse.check("taking somebody out of a turn")
    nurse.page.wait_for_timeout(
        TREMBLING_MILLISECONDS
    )  # sooner, the same spot is pressed by a trembling finger
    nurse.tap(nurse.role("dialog", name="当番から外す").get_by_role("button", name="当番から外す"))
    gap = nurse.role("region", name="当番がいない時間").get_by_role("listitem").filter(has_text="20:00")
    expect(gap).to_contain_text("22:00 まで")
    nurse.check("a gap")
    nurse.tap(gap.get_by_role("button", name="この時間に入れる"))
    expect(nurse.label("始まり")).to_have_value(f"{day(1)}T20:00")
    expect(nurse.label("終わり")).to_have_value(f"{day(1)}T22:00")
    nurse.label("だれ").select_option("小川 外子（看護師）")
    nurse.tap(nurse.role("dialog").get_by_role("button", name="入れる"))
    expect(nurse.role("dialog")).to_have_count(0)
