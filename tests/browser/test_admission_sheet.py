"""Journey c on phones: drafted from the record, completed, sent, opened and confirmed by a hospital without account."""

import re

from playwright.sync_api import expect

from casenet import clock, facilities, groups
from casenet.clock import JAPAN
from casenet.database import transaction
from casenet.groups import Permission
from casenet.ids import new_id
from tests.house import caller, populate, wait_until
from tests.parts.sheets.case_a import VALUES

PATIENT = "架空 ハル"
HOSPITAL = "架空記念病院"
# Left for the care manager to ask: so the record is not complete.
UNKNOWN = ("f.keyperson_tel", "x.allergy", "x.allergy_text")


def ward_with_a_record():
    """The cast, a hospital, a kept record of the patient, and a post that says something newer."""
    cast = populate()
    hospital = facilities.NewFacility(new_id(), "hospital", HOSPITAL, tel="03-0000-3300")
    fields = {key: value for key, value in VALUES.items() if key[:4] != "hdr." and key not in UNKNOWN}
    with transaction() as session:
        facilities.add_facility(session, hospital, by=None, now=clock.now())
        editor = groups.enter(session, cast.tanaka, cast.group, Permission.EDIT_RECORD)
        record = groups.record(session, editor)
        groups.save_record(
            session,
            editor,
            patient=record.patient,
            fields=fields,
            expected_revision=record.revision,
            now=clock.now(),
        )
    return cast


def test_a_sheet_is_drafted_completed_sent_and_received(house, phone):
    cast = ward_with_a_record()
    house.start("web", "worker-sheets")
    post = {"id": str(new_id()), "kind": "report", "text": "ふらつきが強く、移動は全介助でした。"}
    assert caller(house, cast.tanaka).post(f"/groups/{cast.group}/posts", post).status_code == 201
    manager = phone().enter("森 設子").open_group(PATIENT)
    manager.tab("シート")
    manager.tap(manager.role("button", name="入院時情報提供書を作る"))
    expect(manager.role("heading", level=1, name="入院時情報提供書")).to_be_visible()
    expect(manager.role("button", name="病院へ送る")).to_be_disabled()
    manager.check("a draft")

    _fill_what_is_missing(manager)
    _hear_of_the_newer_value(manager)
    _take_the_newer_value(manager)
    _wait_for_what_was_typed(manager)
    _send(manager)
    handover = manager.role("region", name="病院への受け渡し")
    expect(handover).to_contain_text("病院はまだ開いていません")
    secrets = handover.get_by_role("status")
    expect(secrets).to_have_count(2)
    link, code = secrets.nth(0).inner_text(), secrets.nth(1).inner_text()
    manager.check("a sheet that was sent")

    ward = phone()
    _receive(ward, link, code)

    expect(handover).to_contain_text("病院が開きました")
    expect(handover).to_contain_text("地域連携室 大野 さんが受け取りました")
    expect(handover).to_contain_text("病院からの評価：一部不足")
    expect(manager.text("受領済み")).to_be_visible()
    expect(handover.get_by_role("status")).to_have_count(0)
    manager.check("a sheet that was received")
    manager.tap(manager.role("link", name="シートの一覧へ"))
    expect(manager.role("main").get_by_role("link", name=HOSPITAL)).to_contain_text("受領済み")
    manager.check("the sheets of a group")


def _hear_of_the_newer_value(manager):
    manager.tap(manager.role("button", name="病院へ送る"))
    dialog = manager.role("dialog", name="病院へ送る")
    expect(dialog).to_contain_text("まだ確かめていない「新しい値」が 1 件あります。")
    manager.tap(dialog.get_by_role("button", name="閉じる"))


def _take_the_newer_value(manager):
    block = manager.role("button", name="身体・生活機能の状況")
    expect(block).to_contain_text("確認 1")
    manager.tap(block)
    moving = manager.role("group", name="移動", exact=True)
    expect(moving.get_by_role("radio", name="一部介助")).to_be_checked()
    expect(manager.text("新しい値")).to_be_visible()
    manager.check("an open block with a newer value")
    manager.tap(manager.role("button", name="これにする"))
    expect(moving.get_by_role("radio", name="全介助")).to_be_checked()
    today = clock.now().astimezone(JAPAN)
    expect(manager.text(f"出典：{today.month}/{today.day} 訪問看護 田中", exact=True)).to_be_visible()
    expect(manager.text(f"出典：{today.month}/{today.day} 患者の記録（訪問看護 田中）").first).to_be_visible()
    expect(block).to_contain_text("記入済み")
    manager.tap(block)


def _fill_what_is_missing(manager):
    today = clock.now().astimezone(JAPAN).date().isoformat()
    head = manager.role("button", name="提出の情報")
    manager.tap(head)
    expect(manager.text("出典：作成した日", exact=True)).to_have_count(2)
    manager.label(re.compile("^入院日")).fill(today)
    manager.choose("書面")
    manager.label(re.compile("^同意を得た日")).fill(today)
    manager.label(re.compile("^同意した方")).fill("ご本人、長女")
    manager.check("the head of a sheet")
    manager.tap(head)
    family = manager.role("button", name="家族構成")
    expect(family).to_contain_text("未記入 1")
    manager.tap(family)
    manager.role("textbox", name=re.compile("^連絡先 TEL 必須|^連絡先 TEL必須")).fill("090-0000-0002")
    expect(family).to_contain_text("記入済み")
    manager.tap(family)
    more = manager.role("button", name="追加情報")
    manager.tap(more)
    manager.choose("なし", within=manager.role("group", name=re.compile("^アレルギー")))
    manager.tap(more)
    expect(manager.role("status").filter(has_text="保存しました")).to_be_visible()
    expect(manager.text("必須の項目があと")).to_have_count(0)
    expect(manager.role("button", name="病院へ送る")).to_be_enabled()


def _wait_for_what_was_typed(manager):
    """Only what the server has goes to a hospital: the last words must not stay behind."""
    sheets, held = "**/api/v1/sheets/*", []
    manager.page.route(
        sheets, lambda route: held.append(route) if route.request.method == "PUT" else route.continue_()
    )
    head = manager.role("button", name="提出の情報")
    manager.tap(head)
    manager.label(re.compile("^同意した方")).fill("長女")
    manager.tap(manager.role("button", name="病院へ送る"))
    dialog = manager.role("dialog", name="病院へ送る")
    manager.choose(HOSPITAL, within=dialog)
    expect(dialog.get_by_role("button", name="入力の保存を待っています")).to_be_disabled()
    wait_until(lambda: manager.page.wait_for_timeout(100) or held, what="the saving of the last words")
    for route in held:
        route.continue_()
    manager.page.unroute(sheets)
    expect(dialog.get_by_role("button", name="この病院へ送る")).to_be_enabled()
    manager.tap(dialog.get_by_role("button", name="閉じる"))
    manager.tap(head)


def _send(manager):
    manager.tap(manager.role("button", name="病院へ送る"))
    dialog = manager.role("dialog", name="病院へ送る")
    expect(dialog).not_to_contain_text("まだ確かめていない")
    manager.choose(HOSPITAL, within=dialog)
    manager.check("sending a sheet")
    manager.tap(dialog.get_by_role("button", name="この病院へ送る"))
    expect(manager.role("region", name="病院への受け渡し")).to_contain_text("病院の受領待ち")


def _receive(ward, link, code):
    ward.page.goto(link)
    ward.check("a hospital's code")
    ward.label("暗証番号").fill(code)
    ward.tap(ward.role("button", name="開く"))
    expect(ward.role("heading", level=1)).to_have_text(f"{PATIENT} 様の入院時情報提供書")
    ward.check("a hospital's document")
    paper = ward.role("link", name="書類を開く（PDF）").get_attribute("href")
    assert ward.context.request.get(f"{ward.origin}{paper}").body().startswith(b"%PDF")
    ward.label("お名前（部署・氏名）").fill("地域連携室 大野")
    ward.choose("一部不足")
    ward.tap(ward.role("button", name="受け取りました"))
    expect(ward.role("status")).to_contain_text("確認済")
    ward.check("a hospital's receipt")
