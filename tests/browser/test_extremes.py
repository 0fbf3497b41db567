"""The longest that people write, and nothing at all: what stands on the screen then; and what a start asks for."""

from collections import Counter
from urllib.parse import urlsplit

from playwright.sync_api import expect

from casenet import clock, facilities, groups
from casenet.database import transaction
from casenet.groups import Permission
from casenet.identity import NewPerson
from casenet.ids import new_id
from tests.browser.test_timeline import PATIENT
from tests.cast import report
from tests.house import caller, populate

LONG_NAME = "架空寺・ヴァンデンブルグ・エリザベータ・アレクサンドロヴナ・フォン・ハーゲン架子"
UNBROKEN = "A" * 500
LONGEST = ("血圧は120/70、変わりなし。\n" * 1_000)[:10_000]


def ward_with_a_long_name():
    """The cast, and a home helper of forty letters in the group."""
    cast = populate()
    helper = NewPerson(new_id(), "long", "long@casenet.example", LONG_NAME, "カクウ", "home_helper")
    with transaction() as session:
        now = clock.now()
        facilities.add_staff(session, cast.office, helper, is_administrator=False, by=None, now=now)
        founder = groups.enter(session, cast.tanaka, cast.group, Permission.INVITE)
        groups.add_member(session, founder, helper.id, function="home_help", now=now)
    return cast, helper


def test_the_longest_words_and_names_fit(house, phone):
    cast, helper = ward_with_a_long_name()
    house.start("web")
    writer = caller(house, helper.id)
    for text in (LONGEST, UNBROKEN, "🩺" * 60):
        draft = {"id": str(new_id()), "kind": "report", "text": text}
        assert writer.post(f"/groups/{cast.group}/posts", draft).status_code == 201

    nurse = phone().enter("田中 空子")
    nurse.check("a list with a long name")
    nurse.open_group(PATIENT)
    expect(nurse.post(UNBROKEN[:50])).to_contain_text(LONG_NAME)
    nurse.check("a record of long posts")
    nurse.tap(nurse.post(UNBROKEN[:50]).get_by_role("button", name="返信"))
    nurse.role("textbox", name="見たこと").fill(UNBROKEN)
    nurse.check("an answer to a long post")
    nurse.tab("メンバー")
    expect(nurse.role("button", name=f"{LONG_NAME} さんを外す")).to_be_visible()
    nurse.check("members with a long name")


def test_who_is_in_no_group_is_told_what_comes_next(house, phone):
    cast = populate()
    with transaction() as session:
        lonely = NewPerson(new_id(), "zero", "zero@casenet.example", "零 架一", "レイ カイチ", "home_helper")
        facilities.add_staff(session, cast.office, lonely, is_administrator=False, by=None, now=clock.now())
    house.start("web")

    helper = phone().enter("零 架一")

    expect(helper.text("グループの人に招いてもらうと、ここに患者さんが出ます。")).to_be_visible()
    expect(helper.text("新しいグループを作れます")).to_have_count(0)
    helper.check("no group")


def test_a_start_asks_for_everything_once(house, phone):
    cast = populate()
    house.start("web")
    nurse = phone().enter("田中 空子").open_group(PATIENT)
    draft = report("今朝の血圧は120/70です。")
    body = {"id": str(draft.id), "kind": draft.kind, "text": draft.text}
    assert caller(house, cast.sato).post(f"/groups/{cast.group}/posts", body).status_code == 201
    expect(nurse.post("今朝の血圧は")).to_be_visible()
    asked: Counter[str] = Counter()
    nurse.page.on("request", lambda request: asked.update([urlsplit(request.url).path]))

    with nurse.page.expect_response("**/groups/state"):
        nurse.page.reload()
    expect(nurse.post("今朝の血圧は")).to_be_visible()
    nurse.page.wait_for_load_state("networkidle")

    group = f"/api/v1/groups/{cast.group}"
    assert {path: asked[path] for path in ("/api/v1/me", "/api/v1/groups", group, f"{group}/posts")} == {
        "/api/v1/me": 1,
        "/api/v1/groups": 1,
        group: 1,
        f"{group}/posts": 1,
    }
