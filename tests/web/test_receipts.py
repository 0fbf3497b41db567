"""The hospital's page: plain HTML, one browser, the same bytes for every link that is none."""

import re

import pytest

from casenet import clock, facilities, groups, sheets
from casenet.groups import Permission
from casenet.ids import new_id
from tests.parts.sheets.case_a import VALUES


@pytest.fixture
def link(session, cast):
    """(token, code) of a sheet that was just sent."""
    now = clock.now()
    hospital = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    facilities.add_facility(session, hospital, by=None, now=now)
    entry = groups.enter(session, cast.mori, cast.group, Permission.SHEET)
    sheet, _ = sheets.draft_sheet(session, entry, new_id(), kind="admission", now=now)
    sheets.revise_sheet(session, entry, sheet, VALUES, expected_version=1, now=now)
    sheets.release_sheet(session, entry, sheet, hospital.id, contact=None, now=now)
    for claim in sheets.claim_due(session, now=now):
        job = sheets.job_of(session, claim)
        sheets.record_delivery(session, job, sheets.render(job), now=now)
    handover = sheets.view(session, entry, sheet, now=now).handover
    session.commit()
    return handover.link.rsplit("/", 1)[1], handover.code


@pytest.fixture
def ward(app):
    return app.test_client()


def open_with(ward, link):
    token, code = link
    return ward.post(f"/handover/{token}/open", data={"code": code})


def test_the_page_asks_for_the_code_and_names_no_patient(ward, link):
    page = ward.get(f"/handover/{link[0]}")

    assert page.status_code == 200
    assert "架空居宅介護支援事業所" in page.text
    assert "佐野" not in page.text
    assert "ハル" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"


def test_the_page_needs_no_script_and_allows_none(ward, link):
    page = ward.get(f"/handover/{link[0]}")

    assert "<script" not in page.text
    assert "style=" not in page.text
    assert not re.search(r"\son\w+=", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert ward.get("/handover/receipts.css").mimetype == "text/css"


def test_a_form_of_our_own_page_may_name_its_origin(ward, link):
    # no-referrer would make browsers send "Origin: null" with the form, which the gate refuses.
    assert ward.get(f"/handover/{link[0]}").headers["Referrer-Policy"] == "same-origin"
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert (
        ward.post(f"/handover/{link[0]}/open", data={"code": link[1]}, headers=elsewhere).status_code == 403
    )


def test_a_wrong_code_says_how_many_tries_are_left(ward, link):
    wrong = "000000" if link[1] != "000000" else "000001"

    answer = ward.post(f"/handover/{link[0]}/open", data={"code": wrong})

    assert answer.status_code == 403
    assert ward.get(f"/handover/{link[0]}/open").status_code == 200, "the address can be opened again"
    assert "あと4回" in answer.text


def test_a_code_typed_in_full_width_is_the_code(ward, link):
    wide = link[1].translate(str.maketrans("0123456789", "０１２３４５６７８９"))

    assert ward.post(f"/handover/{link[0]}/open", data={"code": f" {wide} "}).status_code == 303


def test_the_ward_opens_reads_and_confirms(ward, link):
    token, _ = link
    opened = open_with(ward, link)
    assert opened.status_code == 303
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path=/handover/{token}" in cookie

    page = ward.get(f"/handover/{token}")
    assert "佐野 ハル 様の入院時情報提供書" in page.text
    assert "受け取りました" in page.text
    document = ward.get(f"/handover/{token}/document.pdf")
    assert document.data.startswith(b"%PDF")
    assert "佐野" not in document.headers["Content-Disposition"]

    body = {"name": "退院支援　<b>大野</b>", "completeness": "partly"}  # a Japanese keyboard's blank
    assert ward.post(f"/handover/{token}/receipt", data=body).status_code == 303
    done = ward.get(f"/handover/{token}").text
    assert "確認済" in done
    assert "退院支援　&lt;b&gt;大野&lt;/b&gt; 様" in done
    assert "一部不足" in done
    assert ward.get(f"/handover/{token}/document.pdf").status_code == 200


def test_what_is_missing_in_a_receipt_is_said_and_what_was_typed_is_kept(ward, link):
    open_with(ward, link)

    answer = ward.post(f"/handover/{link[0]}/receipt", data={"name": "大野"})

    assert answer.status_code == 422
    assert "情報の充足を一つ選んでください。" in answer.text
    assert 'value="大野"' in answer.text


def test_a_ward_can_send_it_back(ward, link):
    open_with(ward, link)
    assert ward.post(f"/handover/{link[0]}/return", data={}).status_code == 422

    answer = ward.post(f"/handover/{link[0]}/return", data={"reason": "wrong_hospital"})

    assert "差し戻しました" in answer.text
    assert ward.get(f"/handover/{link[0]}").status_code == 404


def test_another_browser_a_locked_and_a_made_up_link_get_the_same_bytes(app, ward, link):
    token, code = link
    open_with(ward, link)
    other = app.test_client()
    answers = [
        other.get(f"/handover/{token}"),
        other.get("/handover/made-up"),
        other.get(f"/handover/{'x' * 5000}"),
        other.post(f"/handover/{token}/open", data={"code": code}),
        other.post("/handover/made-up/open", data={"code": code}),
        other.get(f"/handover/{token}/document.pdf"),
        other.get("/handover/made-up/document.pdf"),
        other.post(f"/handover/{token}/receipt", data={"name": "だれか", "completeness": "complete"}),
        other.post(f"/handover/{token}/return", data={"reason": "wrong_hospital"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1
    assert "このリンクは使えません" in answers[0].text


def test_five_wrong_codes_lock_the_link_for_the_right_one_too(ward, link):
    wrong = "000000" if link[1] != "000000" else "000001"
    answers = [ward.post(f"/handover/{link[0]}/open", data={"code": wrong}) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 403, 404]
    assert open_with(ward, link).status_code == 404
