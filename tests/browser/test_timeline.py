"""Journey a on phones: written, read live, understood, corrected; without signal; and no longer a member."""

from playwright.sync_api import expect

from casenet.ids import new_id
from tests.browser.phone import TWO_FRAMES
from tests.house import caller, populate, wait_until

PATIENT = "架空 ハル"


def test_a_report_is_read_live_understood_and_corrected(house, phone):
    populate()
    house.start("web")
    nurse, doctor = phone().enter("田中 空子"), phone().enter("佐藤 架子")
    nurse.check("groups")
    nurse.open_group(PATIENT)
    doctor.open_group(PATIENT)
    expect(nurse.text("まだ記録がありません。最初の報告を書いてください。")).to_be_visible()
    nurse.check("an empty record")

    nurse.write("夜間に37.8度。クーリングをして、朝は36.9度に下がりました。")

    seen = doctor.post("夜間に37.8度")
    expect(seen).to_contain_text("看護師")
    expect(seen).to_contain_text("田中 空子")
    expect(nurse.text("送信待ち")).to_have_count(0)
    doctor.check("a record")

    doctor.tap(seen.get_by_role("button", name="了解"))
    expect(seen.get_by_role("button", name="了解済み")).to_be_visible()
    expect(nurse.post("夜間に37.8度").get_by_role("button", name="了解：佐藤")).to_be_visible()

    nurse.post("夜間に37.8度").get_by_role("button", name="訂正").tap()
    field = nurse.role("textbox", name="見たこと")
    expect(field).to_have_value("夜間に37.8度。クーリングをして、朝は36.9度に下がりました。")
    nurse.check("a correction")
    field.fill("夜間に38.7度。クーリングをして、朝は36.9度に下がりました。")
    nurse.tap(nurse.role("button", name="訂正を送る"))

    corrected = doctor.post("夜間に38.7度")
    corrected.get_by_role("button", name="訂正あり").tap()
    history = doctor.role("dialog", name="訂正の記録")
    expect(history.get_by_role("listitem").nth(0)).to_contain_text("38.7度")
    expect(history.get_by_role("listitem").nth(1)).to_contain_text("37.8度")
    doctor.check("the history of a post")
    doctor.tap(history.get_by_role("button", name="閉じる"))
    expect(doctor.post("夜間に37.8度")).to_have_count(0)


def test_a_question_is_answered_and_its_answer_quotes_it(house, phone):
    populate()
    house.start("web")
    nurse, doctor = (
        phone().enter("田中 空子").open_group(PATIENT),
        phone().enter("佐藤 架子").open_group(PATIENT),
    )

    nurse.write("カロナールは続けてよいですか。", kind="質問")
    doctor.post("カロナールは").get_by_role("button", name="返信").tap()
    expect(doctor.text("田中 空子 さんへ返信")).to_be_visible()
    doctor.choose("指示")
    doctor.role("textbox", name="見たこと").fill("38度を超えたときだけ、1日3回まで。")
    doctor.tap(doctor.role("button", name="送る", exact=True))

    answer = nurse.post("38度を超えたときだけ")
    expect(answer).to_contain_text("指示")
    expect(answer.get_by_role("button", name="カロナールは続けてよいですか。")).to_be_visible()
    nurse.check("a record with a question and an instruction")


def test_what_is_written_without_signal_is_sent_once_also_after_a_reload(house, phone):
    cast = populate()
    house.start("web")
    nurse = phone().enter("田中 空子").open_group(PATIENT)
    doctor = caller(house, cast.sato)
    nurse.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wait_until(
        lambda: nurse.page.evaluate("caches.keys().then(keys => keys.length > 0)"), what="the kept page"
    )

    with nurse.without_signal():
        nurse.write("地下の部屋で訪問。血圧 128/74、むくみはありません。")
        expect(nurse.post("地下の部屋で訪問").get_by_text("送信待ち")).to_be_visible()
        nurse.page.reload()
        expect(nurse.post("地下の部屋で訪問").get_by_text("送信待ち")).to_be_visible()
        expect(nurse.text("圏外です")).to_be_visible()
        nurse.check("a record without signal")
        assert doctor.get(f"/groups/{cast.group}/posts?after=0")["revisions"] == []

    nurse.back()
    expect(nurse.text("送信待ち")).to_have_count(0)
    expect(nurse.post("地下の部屋で訪問")).to_have_count(1)
    texts = [row["text"] for row in doctor.get(f"/groups/{cast.group}/posts?after=0")["revisions"]]
    assert texts == ["地下の部屋で訪問。血圧 128/74、むくみはありません。"]


def test_a_phone_that_was_away_catches_up_without_hole_or_double(house, phone):
    cast = populate()
    house.start("web")
    nurse = caller(house, cast.tanaka)

    def write(number: int) -> None:
        draft = {"id": str(new_id()), "kind": "report", "text": f"訪問{number}回目の記録"}
        assert nurse.post(f"/groups/{cast.group}/posts", draft).status_code == 201

    doctor = phone().enter("佐藤 架子").open_group(PATIENT)
    write(1)
    expect(doctor.post("訪問1回目")).to_be_visible()

    with doctor.without_signal():
        for number in range(2, 7):
            write(number)
        expect(doctor.text("圏外です")).to_be_visible()
        expect(doctor.post("回目の記録")).to_have_count(1)

    doctor.back()
    write(7)
    # High enough that the whole record is drawn at once.
    doctor.page.set_viewport_size({"width": 390, "height": 2000})
    expect(doctor.post("回目の記録")).to_contain_text([f"訪問{number}回目の記録" for number in range(1, 8)])
    expect(doctor.post("回目の記録")).to_have_count(7)


def test_what_is_new_stands_under_its_line(house, phone):
    cast = populate()
    house.start("web")
    doctor = _who_has_read_one(house, phone, cast)
    _write(caller(house, cast.tanaka), cast.group, posts=4)
    # It stays new, however often she looks.
    doctor.page.route("**/api/v1/groups/*/read", lambda route: route.fulfill(status=204))

    # Somewhere among these heights the four posts are a little more than the window holds.
    for height in range(880, 1020, 20):
        doctor.page.set_viewport_size({"width": 390, "height": height})
        doctor.open_group(PATIENT)
        line = doctor.text("前回のあなたの閲覧から 4件")
        expect(line).to_be_visible()
        doctor.page.evaluate(TWO_FRAMES)
        tabs = doctor.role("navigation", name="このグループのページ").bounding_box()
        assert line.bounding_box()["y"] >= tabs["y"] + tabs["height"], f"hidden at a height of {height}"
        doctor.tap(doctor.role("link", name="グループの一覧へ"))


def test_a_record_that_fits_its_window_is_read_without_scrolling(house, phone):
    cast = populate()
    house.start("web")
    doctor = _who_has_read_one(house, phone, cast)
    _write(caller(house, cast.tanaka), cast.group, posts=2)

    doctor.open_group(PATIENT)

    expect(doctor.text("前回のあなたの閲覧から 2件")).to_be_visible()
    expect(doctor.role("button", name="いちばん新しい投稿へ")).to_have_count(0)
    _wait_for_reading(house, cast, sequence=3)


def _who_has_read_one(house, phone, cast):
    """The doctor's phone at the list, after the first post of the group."""
    _write(caller(house, cast.tanaka), cast.group, posts=1)
    doctor = phone().enter("佐藤 架子").open_group(PATIENT)
    _wait_for_reading(house, cast, sequence=1)
    doctor.tap(doctor.role("link", name="グループの一覧へ"))
    return doctor


def _wait_for_reading(house, cast, *, sequence: int) -> None:
    group, doctor = f"/groups/{cast.group}", caller(house, cast.sato)
    wait_until(lambda: doctor.get(group)["read_sequence"] == sequence, what="the record being read")


def _write(nurse, group_id, *, posts: int) -> None:
    for _ in range(posts):
        body = {
            "id": str(new_id()),
            "kind": "report",
            "text": "変わりありません。\n食事は全部召し上がりました。",
        }
        assert nurse.post(f"/groups/{group_id}/posts", body).status_code == 201


def test_a_removed_member_is_shown_nothing_more(house, phone):
    populate()
    house.start("web")
    nurse, helper = (
        phone().enter("田中 空子").open_group(PATIENT),
        phone().enter("伊藤 仮一").open_group(PATIENT),
    )
    nurse.write("薬は朝と夕に変わりました。")
    expect(helper.post("薬は朝と夕に")).to_be_visible()
    helper.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    address = helper.page.url

    nurse.tab("メンバー")
    expect(nurse.text("伊藤 仮一")).to_be_visible()
    nurse.check("members")
    nurse.tap(nurse.role("button", name="伊藤 仮一 さんを外す"))
    nurse.check("removing a member")
    helper.is_away = True  # its questions about the group are refused from now on, and that is right
    nurse.tap(nurse.role("dialog").get_by_role("button", name="外す", exact=True))

    expect(helper.role("alert")).to_contain_text("見つかりません")
    expect(helper.post("薬は朝と夕に")).to_have_count(0)
    nurse.tab("経過")
    nurse.write("今夜から、夜の薬は中止です。")
    expect(nurse.post("今夜から")).to_be_visible()
    expect(nurse.text("送信待ち")).to_have_count(0)
    assert "今夜から" not in helper.page.content()
    helper.tap(helper.role("button", name="グループの一覧へ"))
    expect(helper.text("参加しているグループはまだありません。")).to_be_visible()

    # Nor does the phone itself bring anything back.
    with helper.without_signal():
        helper.page.goto(address)
        helper.page.reload()
        expect(helper.role("alert").or_(helper.role("article")).first).to_be_visible()
        assert "薬は朝と夕に" not in helper.page.content()
        assert PATIENT not in helper.page.content()
