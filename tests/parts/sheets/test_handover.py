"""The link: made once, opened once, by one browser, with six digits."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from casenet import sheets
from casenet.errors import Conflict, Invalid
from casenet.ids import new_id
from casenet.sheets.tables import Handover, SheetDocument
from tests.parts.sheets.conftest import SENT

LATER = SENT + timedelta(minutes=25)


def look(desk, token, browser=None, now=LATER):
    return sheets.look(desk.session, token, browser, now=now)


def confirm(desk, token, browser, **changes):
    told = {"name": "退院支援 大野", "completeness": "complete", "now": LATER} | changes
    return sheets.confirm_receipt(desk.session, token, browser, **told)


def test_a_worker_prints_seals_and_opens_the_link(desk, viewed):
    sheet = desk.sent()

    view = viewed(sheet)
    assert view.line.state == "sent"
    assert view.handover is not None
    assert view.handover.expires_at == SENT + timedelta(hours=72)
    assert sheets.document(desk.session, desk.entry, sheet).startswith(b"%PDF")


def test_neither_paper_nor_secrets_stand_in_the_clear(desk):
    sheet = desk.sent()
    token, code = desk.secret(sheet)

    link = desk.session.scalars(select(Handover)).one()
    paper = desk.session.get_one(SheetDocument, sheet.id)
    assert b"%PDF" not in paper.content
    for stored in (link.token_hash, link.code_hash, link.opening):
        assert token.encode() not in stored
        assert code.encode() not in stored


def test_a_claim_belongs_to_one_worker_until_its_lease_ends(desk):
    desk.released()

    first = sheets.claim_due(desk.session, now=SENT)
    assert len(first) == 1
    assert sheets.claim_due(desk.session, now=SENT + timedelta(seconds=14)) == []
    assert len(sheets.claim_due(desk.session, now=SENT + timedelta(seconds=16))) == 1


def test_a_worker_that_overslept_its_lease_delivers_nothing(desk):
    sheet = desk.released()
    slept = sheets.job_of(desk.session, sheets.claim_due(desk.session, now=SENT)[0])
    taken_over = desk.work(now=SENT + timedelta(minutes=1))

    assert taken_over == [True]
    assert not sheets.record_delivery(desk.session, slept, sheets.render(slept), now=LATER)
    assert len(desk.session.scalars(select(SheetDocument)).all()) == 1
    assert sheet.state == "sent"


def test_a_sheet_withdrawn_while_it_is_printed_is_not_delivered(desk):
    sheet = desk.released()
    job = sheets.job_of(desk.session, sheets.claim_due(desk.session, now=SENT)[0])
    sheets.withdraw_sheet(desk.session, desk.entry, sheet, now=SENT)

    assert not sheets.record_delivery(desk.session, job, sheets.render(job), now=SENT)
    assert sheet.state == "withdrawn"


def test_what_waits_too_long_is_counted(desk):
    desk.released()

    assert sheets.overdue(desk.session, SENT) == 0
    assert sheets.overdue(desk.session, SENT + timedelta(seconds=1)) == 1


def test_before_the_code_the_page_names_offices_and_no_patient(desk):
    token, _ = desk.secret(desk.sent())

    ward = look(desk, token)

    assert ward is not None
    assert not ward.opened
    assert ward.patient is None
    assert (ward.sender.name, ward.receiver.name) == ("架空居宅介護支援事業所", "架空記念病院")


def test_the_right_code_binds_the_first_browser_and_nobody_else_gets_in(desk):
    sheet = desk.sent()
    token, code = desk.secret(sheet)
    token, browser = desk.opened(sheet)

    assert look(desk, token, browser).patient == "佐野 ハル"
    assert sheets.read_document(desk.session, token, browser, now=LATER).startswith(b"%PDF")
    for other in (None, "", "x", browser + "x"):
        assert look(desk, token, other) is None
        assert sheets.read_document(desk.session, token, other, now=LATER) is None
        assert confirm(desk, token, other) is False
    assert sheets.open_link(desk.session, token, code, now=LATER) is None, "the code opens once"


def test_the_hospital_gets_byte_for_byte_what_the_sender_keeps(desk):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)

    got = sheets.read_document(desk.session, token, browser, now=LATER)

    assert got == sheets.document(desk.session, desk.entry, sheet)


def test_without_the_code_no_document_is_given(desk):
    token, _ = desk.secret(desk.sent())

    assert sheets.read_document(desk.session, token, None, now=LATER) is None
    assert confirm(desk, token, None) is False


def test_five_wrong_codes_kill_the_link_and_the_group_is_told(desk):
    sheet = desk.sent()
    token, code = desk.secret(sheet)
    wrong = "000000" if code != "000000" else "000001"

    left = [sheets.open_link(desk.session, token, wrong, now=LATER) for _ in range(5)]

    assert [opening.tries_left for opening in left[:4]] == [4, 3, 2, 1]
    assert left[4] is None
    assert sheets.open_link(desk.session, token, code, now=LATER) is None
    assert look(desk, token) is None
    assert desk.notices()[-1]["code"] == "sheet.locked"
    denied = "select count(*) from audit_event where action = 'handover.refuse' and decision = 'denied'"
    assert desk.session.scalar(text(denied)) == 5


def test_after_three_days_the_link_is_dead_also_for_the_bound_browser(desk):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)
    late = SENT + timedelta(hours=72)

    assert look(desk, token, browser, now=late - timedelta(seconds=1)) is not None
    assert look(desk, token, browser, now=late) is None
    assert sheets.read_document(desk.session, token, browser, now=late) is None


def test_a_made_up_link_is_nothing(desk):
    desk.sent()

    assert look(desk, "made-up") is None
    assert sheets.open_link(desk.session, "made-up", "123456", now=LATER) is None


def test_the_receipt_reaches_sheet_timeline_and_fee(desk, viewed):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)

    assert confirm(desk, token, browser)

    view = viewed(sheet)
    assert view.line.state == "received"
    assert (view.handover.received_by, view.handover.completeness) == ("退院支援 大野", "complete")
    assert view.handover.received_at == LATER
    assert view.handover.code is None, "what opened it is shown no longer"
    assert desk.session.scalars(select(Handover.opening)).all() == [None], "nor kept"
    assert view.fee.confirmed
    assert desk.notices()[-1] | {"sheet_id": "", "facility_id": ""} == {
        "code": "sheet.received",
        "kind": "admission",
        "number": "1",
        "completeness": "complete",
        "sheet_id": "",
        "facility_id": "",
    }


def test_the_first_confirmation_stands(desk, viewed):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)
    confirm(desk, token, browser)

    assert confirm(desk, token, browser, name="別の人", completeness="insufficient")

    assert viewed(sheet).handover.received_by == "退院支援 大野"
    assert [notice["code"] for notice in desk.notices()].count("sheet.received") == 1


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "  "}, {"name": "missing"}),
        ({"name": "あ" * 61}, {"name": "too-long"}),
        ({"name": "大野\n"}, {"name": "too-long"}),
        ({"completeness": "perfect"}, {"completeness": "missing"}),
    ],
)
def test_a_receipt_wants_a_name_and_one_of_three_ratings(desk, changes, fields):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)

    with pytest.raises(Invalid) as caught:
        confirm(desk, token, browser, **changes)

    assert caught.value.fields == fields
    assert sheet.state == "sent"


def test_a_hospital_can_send_it_back_and_the_link_is_dead(desk):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)

    assert sheets.send_back(desk.session, token, browser, reason="wrong_hospital", now=LATER)

    assert sheet.state == "returned"
    assert look(desk, token, browser) is None
    assert desk.notices()[-1]["reason"] == "wrong_hospital"


def test_every_step_of_the_hospital_is_a_disclosure_with_its_recipient(desk):
    sheet = desk.sent()
    token, browser = desk.opened(sheet)
    look(desk, token, browser)
    sheets.read_document(desk.session, token, browser, now=LATER)
    confirm(desk, token, browser)

    rows = desk.session.execute(
        text("select action, person_id, detail from audit_event where action like 'handover.%' order by id")
    ).all()
    assert [row.action for row in rows] == [
        "handover.send",
        "handover.open",
        "handover.read",
        "handover.document",
        "handover.receive",
    ]
    assert {row.detail["facility_id"] for row in rows} == {str(desk.hospital)}
    assert {row.person_id for row in rows} == {None}


def test_a_new_link_kills_the_old_one_and_prints_nothing_again(desk, viewed):
    sheet = desk.sent()
    old, _ = desk.secret(sheet)
    paper = sheets.document(desk.session, desk.entry, sheet)
    sheets.new_link(desk.session, desk.entry, sheet, now=LATER)
    assert desk.work(now=LATER) == [True]

    token, _ = desk.secret(sheet)
    assert token != old
    assert look(desk, old) is None
    assert look(desk, token) is not None
    assert sheets.document(desk.session, desk.entry, sheet) == paper
    assert viewed(sheet).handover.number == 2


def test_a_draft_has_no_link_to_renew(desk):
    with pytest.raises(Conflict):
        sheets.new_link(desk.session, desk.entry, desk.draft(), now=SENT)


def test_a_missing_receipt_is_reminded_of_three_times_and_not_after_it_came(desk):
    sheet = desk.sent()
    at = SENT + timedelta(hours=2)

    assert sheets.remind_due(desk.session, now=at - timedelta(seconds=1)) == 0
    assert [sheets.remind_due(desk.session, now=at + timedelta(days=day)) for day in range(5)] == [
        1,
        1,
        1,
        0,
        0,
    ]
    pings = desk.session.execute(text("select about, about_id, person_id, urgent from ping")).all()
    assert {tuple(ping) for ping in pings} == {("sheet", sheet.id, desk.cast.mori, False)}
    assert [n["code"] for n in desk.notices()].count("sheet.unconfirmed") == 3


def test_a_confirmed_sheet_is_not_reminded_of(desk):
    sheet = desk.sent()
    confirm(desk, *desk.opened(sheet))

    assert sheets.remind_due(desk.session, now=SENT + timedelta(days=1)) == 0


def test_a_job_of_a_link_that_is_gone_is_none(desk):
    desk.released()
    claim = sheets.claim_due(desk.session, now=SENT)[0]

    assert sheets.job_of(desk.session, type(claim)(new_id(), claim.fence)) is None
    assert sheets.job_of(desk.session, type(claim)(claim.handover_id, claim.fence + 1)) is None
