"""Draft, edit, release, withdraw: with the database, the seals and the timeline."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from casenet import groups, sheets, timeline
from casenet.crypto import SealBroken
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.groups import Permission
from casenet.ids import new_id
from casenet.sheets import rules, sealed
from casenet.sheets.queries import newest_revision
from casenet.sheets.tables import Handover, SheetRevision
from tests.parts.sheets.case_a import VALUES
from tests.parts.sheets.conftest import SENT


def test_a_draft_is_filled_from_card_office_and_members(desk, viewed):
    view = viewed(desk.draft())

    assert view.values["p.name"] == "架空 ハル"
    assert view.values["p.age"] == 88
    assert view.values["hdr.cm_name"] == "森 設子"
    assert view.values["hdr.office_name"] == "架空居宅介護支援事業所"
    assert view.values["dr.name"] == "佐藤 架子"
    assert view.values["hdr.date_written"] == "2026-11-21"
    assert set(view.sources) == set(view.values)
    assert view.sources["p.name"].label == "患者カード"


def test_a_draft_takes_the_record_and_names_who_kept_it(desk, viewed):
    editor = groups.enter(desk.session, desk.cast.tanaka, desk.cast.group, Permission.EDIT_RECORD)
    record = groups.record(desk.session, editor)
    fields = {"adl.move": "partial", "p.name": "別の名", "shoe_size": "23", "p.sex": "?"}
    groups.save_record(
        desk.session,
        editor,
        patient=record.patient,
        fields=fields,
        expected_revision=record.revision,
        now=SENT,
    )

    view = viewed(desk.draft())

    assert view.values["adl.move"] == "partial"
    assert view.sources["adl.move"].person_id == desk.cast.tanaka
    assert view.values["p.name"] == "架空 ハル", "who the patient is comes from the card alone"
    assert view.values["p.sex"] == "female"


def test_a_newer_post_is_offered_and_taking_it_names_the_post(desk, viewed):
    posted = desk.post("移動は全介助になりました。")
    sheet = desk.draft()

    offer = viewed(sheet).offers["adl.move"]
    desk.revise(sheet, viewed(sheet).values | {"adl.move": offer.value})

    view = viewed(sheet)
    assert offer.source.label == "訪問看護 田中"
    assert view.sources["adl.move"].post_id == posted.post_id
    assert "adl.move" not in view.offers


def test_the_admission_that_ended_a_call_is_offered_with_day_and_time(desk, viewed):
    notice = {"code": "alert.resolved", "outcome": "admission", "alert_id": str(new_id())}
    at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    timeline.publish_notice(desk.session, desk.cast.group, new_id(), notice, now=at)

    offers = viewed(desk.draft()).offers

    assert (offers["hdr.date_admitted"].value, offers["hdr.time_admitted"].value) == ("2026-11-20", "21:30")
    assert offers["hdr.date_admitted"].source.label == "緊急呼出の記録"


def test_what_somebody_types_has_their_name_as_source_and_the_rest_keeps_its_own(desk, viewed):
    sheet = desk.draft()
    desk.revise(sheet, viewed(sheet).values | {"w.interests": "編み物"})

    sources = viewed(sheet).sources
    assert (sources["w.interests"].label, sources["w.interests"].person_id) == ("手入力", desk.cast.mori)
    assert sources["p.name"].label == "患者カード"


def test_the_same_id_again_is_the_same_sheet(desk):
    sheet = desk.draft()

    again, is_new = sheets.draft_sheet(desk.session, desk.entry, sheet.id, kind="admission", now=SENT)

    assert again is sheet
    assert not is_new


def test_somebody_elses_id_is_refused(desk):
    sheet = desk.draft()
    physician = groups.enter(desk.session, desk.cast.sato, desk.cast.group, Permission.READ)

    with pytest.raises(Conflict):
        sheets.draft_sheet(desk.session, physician, sheet.id, kind="admission", now=SENT)


def test_an_unknown_kind_is_refused(desk):
    with pytest.raises(Invalid):
        sheets.draft_sheet(desk.session, desk.entry, new_id(), kind="love-letter", now=SENT)


def test_the_second_writer_of_one_version_is_refused_and_nothing_is_lost(desk, viewed):
    sheet = desk.draft()
    values = viewed(sheet).values
    seen = sheet.version
    desk.revise(sheet, values | {"w.interests": "編み物"})

    with pytest.raises(Conflict):
        sheets.revise_sheet(desk.session, desk.entry, sheet, values, expected_version=seen, now=SENT)

    assert viewed(sheet).values["w.interests"] == "編み物"


def test_every_version_stays_readable(desk):
    sheet = desk.draft()
    desk.revise(sheet, {"w.interests": "編み物"})
    desk.revise(sheet, {"w.interests": "ラジオ"})

    rows = desk.session.scalars(
        select(SheetRevision).where(SheetRevision.sheet_id == sheet.id).order_by(SheetRevision.revision)
    ).all()
    told = [sealed.open_answers(desk.session, desk.entry, row).values.get("w.interests") for row in rows]
    assert told == [None, "編み物", "ラジオ"]


def test_the_same_answers_again_make_no_version(desk):
    sheet = desk.draft()
    desk.revise(sheet, {"w.interests": "編み物"})
    seen = sheet.version

    desk.revise(sheet, {"w.interests": "編み物", "w.life_history": ""})

    assert sheet.version == seen


def test_answers_do_not_open_as_another_version(desk):
    sheet = desk.draft()
    desk.revise(sheet, {"w.interests": "編み物"})
    first = desk.session.get_one(SheetRevision, (sheet.id, 1))
    moved = SheetRevision(
        sheet_id=sheet.id,
        revision=2,
        values=first.values,
        author_id=first.author_id,
        created_at=first.created_at,
    )

    with pytest.raises(SealBroken):
        sealed.open_answers(desk.session, desk.entry, moved)


def test_no_answer_stands_in_the_database_in_the_clear(desk):
    desk.full()

    for table in ("sheet", "sheet_revision"):
        rows = desk.session.execute(text(f"select t::text from {table} t")).scalars().all()
        assert rows
        for row in rows:
            assert "編み物".encode().hex() not in row
            assert "佐野" not in row


def test_release_writes_hospital_and_day_freezes_and_hashes(desk, viewed):
    sheet = desk.full()
    desk.release(sheet)

    view = viewed(sheet)
    assert (view.line.state, view.line.facility_id) == ("released", desk.hospital)
    assert view.values["hdr.hospital_name"] == "架空記念病院"
    assert view.values["hdr.hospital_contact"] == "地域連携室"
    assert view.values["hdr.date_provided"] == "2026-11-21"
    answers = sealed.open_answers(desk.session, desk.entry, newest_revision(desk.session, sheet))
    assert sheet.digest == rules.digest(sheets.form("admission"), answers.values)


def test_a_sheet_that_lacks_something_is_not_released_and_stays_a_draft(desk):
    sheet = desk.full()
    desk.revise(
        sheet, {key: value for key, value in VALUES.items() if key not in ("p.carelevel", "x.allergy")}
    )

    with pytest.raises(Invalid) as caught:
        desk.release(sheet)

    assert caught.value.fields == {"p.carelevel": "missing", "x.allergy": "missing"}
    assert sheet.state == "draft"


def test_without_a_recorded_consent_nothing_leaves_the_group(desk):
    sheet = desk.full()
    desk.revise(sheet, {key: value for key, value in VALUES.items() if not key.startswith("hdr.consent")})

    with pytest.raises(NotAllowed) as caught:
        desk.release(sheet)

    assert caught.value.code == "consent-missing"
    assert not desk.session.scalars(select(Handover)).all()


@pytest.mark.parametrize("place", ["office", "nowhere"])
def test_a_sheet_goes_to_a_hospital_only(desk, place):
    sheet = desk.full()
    receiver = desk.cast.office if place == "office" else new_id()

    with pytest.raises(Invalid):
        sheets.release_sheet(desk.session, desk.entry, sheet, receiver, contact=None, now=SENT)


def test_a_released_sheet_cannot_be_edited_or_released_again(desk):
    sheet = desk.released()

    with pytest.raises(Conflict):
        desk.revise(sheet, VALUES)
    with pytest.raises(Conflict):
        desk.release(sheet)


def test_the_database_itself_holds_a_released_sheet(desk):
    sheet = desk.released()

    with pytest.raises(DBAPIError, match="does not change"):
        desk.session.execute(text("update sheet set digest = 'x' where id = :id"), {"id": sheet.id})


@pytest.mark.parametrize("table", ["sheet_revision", "sheet_document"])
@pytest.mark.parametrize("act", ["update {} set created_at = now()", "delete from {}"])
def test_the_application_may_not_change_what_was_written(desk, table, act):
    with pytest.raises(DBAPIError, match="permission denied"):
        desk.session.execute(text(act.format(table)))


def test_a_draft_and_a_waiting_sheet_can_be_withdrawn_and_no_worker_takes_them(desk):
    draft, released = desk.draft(), desk.released()

    for sheet in (draft, released):
        sheets.withdraw_sheet(desk.session, desk.entry, sheet, now=SENT)

    assert (draft.state, released.state) == ("withdrawn", "withdrawn")
    assert sheets.claim_due(desk.session, now=SENT + timedelta(hours=1)) == []


def test_a_sent_sheet_cannot_be_withdrawn(desk):
    sheet = desk.sent()

    with pytest.raises(Conflict):
        sheets.withdraw_sheet(desk.session, desk.entry, sheet, now=SENT)


def test_release_and_delivery_stand_in_the_timeline_with_codes_only(desk):
    sheet = desk.sent()

    assert [notice["code"] for notice in desk.notices()] == ["sheet.released", "sheet.sent"]
    for notice in desk.notices():
        assert notice["sheet_id"] == str(sheet.id)
        assert set(notice) <= {"code", "sheet_id", "kind", "facility_id", "person_id", "number"}


def test_the_release_is_a_disclosure_in_the_audit_trail(desk):
    sheet = desk.released()

    row = desk.session.execute(
        text("select person_id, detail from audit_event where action = 'sheet.release' and object_id = :id"),
        {"id": sheet.id},
    ).one()
    assert row.person_id == desk.cast.mori
    assert row.detail == {"facility_id": str(desk.hospital), "purpose": "admission", "consent": "written"}


def test_outside_the_group_a_sheet_does_not_exist(desk):
    sheet = desk.full()

    for sheet_id in (sheet.id, new_id()):
        with pytest.raises(NotFound):
            sheets.enter_sheet(desk.session, desk.cast.ogawa, sheet_id, Permission.SHEET_READ)


def test_a_nurse_reads_a_sheet_without_the_suspicion_of_abuse_and_cannot_write_it(desk):
    sheet = desk.draft()
    desk.revise(sheet, VALUES | {"o.abuse": "yes", "o.abuse_text": "腕のあざ"})

    entry, found = sheets.enter_sheet(desk.session, desk.cast.tanaka, sheet.id, Permission.SHEET_READ)
    values = sheets.view(desk.session, entry, found, now=SENT).values

    assert "o.abuse" not in values
    assert "o.abuse_text" not in values
    assert values["p.name"] == "佐野 ハル"
    with pytest.raises(NotAllowed):
        sheets.enter_sheet(desk.session, desk.cast.tanaka, sheet.id, Permission.SHEET)


def test_lists_hold_the_sheets_of_ones_own_groups(desk):
    sheet = desk.sent()

    lines = sheets.lines_of(desk.session, desk.cast.mori)

    assert [(line.id, line.state, line.sent_at) for line in lines] == [(sheet.id, "sent", SENT)]
    assert sheets.lines_of(desk.session, desk.cast.ogawa) == ()


def test_case_a_sent_on_saturday_is_worth_the_first_tier(desk, viewed):
    fee = viewed(desk.sent()).fee

    assert fee is not None
    assert (fee.claim.tier, fee.claim.units, fee.confirmed) == ("first", 250, False)
