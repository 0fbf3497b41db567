"""Sheets at the web door: the contract's shapes, versions, rights, the paper."""

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select, text

from casenet import clock, facilities, sheets
from casenet.audit.tables import AuditEvent
from casenet.ids import new_id
from tests.parts.sheets.case_a import VALUES


@pytest.fixture
def hospital(session):
    found = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    facilities.add_facility(session, found, by=None, now=clock.now())
    session.commit()
    return found.id


@pytest.fixture
def mori(cast, phone_of):
    return phone_of(cast.mori)


def drafted(mori, cast):
    sheet_id = new_id()
    answer = mori.post(f"/groups/{cast.group}/sheets", {"id": str(sheet_id), "kind": "admission"})
    assert answer.status_code == 201
    return answer.json


def filled(mori, cast):
    sheet = drafted(mori, cast)
    answer = put(mori, sheet, VALUES)
    assert answer.status_code == 200
    return answer.json


def put(phone, sheet, values, version=None):
    tag = f'"{version or sheet["version"]}"'
    return phone.put(f"/sheets/{sheet['id']}", {"values": values}, headers={"If-Match": tag})


def test_the_form_is_served_as_data(mori):
    form = mori.get("/forms/admission").json

    assert form["form_version"] == "2024.1"
    assert [block["number"] for block in form["blocks"]] == [None, *range(1, 10), None]
    field = form["blocks"][1]["fields"][3]
    assert (field["key"], field["options"][1]) == ("p.sex", {"code": "female", "label": "女"})
    assert mori.get("/forms/love-letter").status_code == 404


def test_a_draft_has_the_shape_of_the_contract(mori, cast):
    sheet = drafted(mori, cast)

    assert set(sheet) == {
        "id", "group_id", "kind", "form_version", "state", "version", "values", "sources", "offers",
        "missing", "handover", "updated_at", "created_by", "facility", "released_at", "sent_at",
        "received_at", "digest", "fee",
    }  # fmt: skip
    assert (sheet["state"], sheet["version"], sheet["handover"]) == ("draft", 1, None)
    assert sheet["values"]["p.name"] == "架空 ハル"
    assert sheet["sources"]["p.name"]["label"] == "患者カード"
    assert "p.carelevel" in sheet["missing"]


def test_the_same_draft_again_answers_200_with_the_same_sheet(mori, cast):
    body = {"id": str(new_id()), "kind": "admission"}
    path = f"/groups/{cast.group}/sheets"

    first, again = mori.post(path, body), mori.post(path, body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["version"] == again.json["version"] == 1


def test_a_draft_sent_again_is_a_reading_and_is_written_down(mori, cast, session):
    body = {"id": str(new_id()), "kind": "admission"}
    for _ in range(2):
        mori.post(f"/groups/{cast.group}/sheets", body)

    rows = session.execute(
        text("SELECT action FROM audit_event WHERE object_id = :sheet ORDER BY id"), {"sheet": body["id"]}
    )
    assert list(rows.scalars()) == ["sheet.draft", "sheet.read"]


def test_an_edit_names_the_version_it_saw(mori, cast):
    sheet = drafted(mori, cast)

    saved = put(mori, sheet, VALUES)
    assert (saved.status_code, saved.json["version"], saved.json["missing"]) == (200, 2, [])
    assert saved.headers["ETag"] == '"2"'
    stale = put(mori, sheet, VALUES | {"w.interests": "将棋"})
    assert (stale.status_code, stale.json["code"], stale.json["version"]) == (409, "sheet-moved-on", 2)
    assert mori.put(f"/sheets/{sheet['id']}", {"values": {}}).status_code == 422


def test_bad_values_are_named_and_never_echoed(mori, cast):
    sheet = drafted(mori, cast)

    answer = put(mori, sheet, {"p.birth": "いつか", "p.age": 500, "p.nickname": "ひみつ", "p.name": "\ud800"})

    assert answer.status_code == 422
    assert {(e["field"], e["code"]) for e in answer.json["errors"]} == {
        ("p.birth", "not-a-date"),
        ("p.age", "out-of-range"),
        ("p.nickname", "unknown-field"),
        ("p.name", "control-character"),
    }
    assert "ひみつ" not in answer.text


def test_release_without_consent_is_refused_and_without_the_rest_names_it(mori, cast, hospital, session):
    sheet = filled(mori, cast)
    body = {"facility_id": str(hospital)}
    no_consent = {key: value for key, value in VALUES.items() if not key.startswith("hdr.consent")}
    sheet = put(mori, sheet, no_consent).json

    refused = mori.post(f"/sheets/{sheet['id']}/release", body)
    assert (refused.status_code, refused.json["code"]) == (403, "consent-missing")
    trail = select(AuditEvent).where(AuditEvent.action == "sheet.release", AuditEvent.decision == "denied")
    assert [row.person_id for row in session.scalars(trail)] == [cast.mori]

    put(mori, sheet, {key: value for key, value in VALUES.items() if key != "p.carelevel"})
    lacking = mori.post(f"/sheets/{sheet['id']}/release", body)
    assert (lacking.status_code, lacking.json["errors"]) == (
        422,
        [{"field": "p.carelevel", "code": "missing"}],
    )


def test_a_released_sheet_is_frozen_and_listed(mori, cast, hospital):
    sheet = filled(mori, cast)

    released = mori.post(
        f"/sheets/{sheet['id']}/release", {"facility_id": str(hospital), "contact": "連携室"}
    )

    assert released.status_code == 200
    assert (released.json["state"], released.json["facility"]["name"]) == ("released", "架空記念病院")
    assert len(released.json["digest"]) == 64
    assert put(mori, released.json, VALUES).status_code == 409
    listed = mori.get("/sheets").json["sheets"]
    assert [line["id"] for line in listed] == [sheet["id"]]
    assert listed == mori.get(f"/groups/{cast.group}/sheets").json["sheets"]
    assert "values" not in listed[0]


def test_a_withdrawn_sheet_stays_and_changes_no_more(mori, cast):
    sheet = drafted(mori, cast)

    assert mori.post(f"/sheets/{sheet['id']}/withdrawal").json["state"] == "withdrawn"
    assert mori.post(f"/sheets/{sheet['id']}/withdrawal").status_code == 409


def test_the_preview_is_the_paper_with_draft_across_it(mori, cast):
    sheet = filled(mori, cast)

    answer = mori.get(f"/sheets/{sheet['id']}/preview.pdf")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    told = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    assert "佐野" in told
    assert "下書" in told
    fax = mori.get(f"/sheets/{sheet['id']}/preview.pdf?fax=true").data
    assert "佐野 ハル" not in "".join(page.extract_text() for page in PdfReader(io.BytesIO(fax)).pages)


def test_the_document_is_there_after_the_worker_and_not_before(mori, cast, hospital, session):
    sheet = filled(mori, cast)
    mori.post(f"/sheets/{sheet['id']}/release", {"facility_id": str(hospital)})
    assert mori.get(f"/sheets/{sheet['id']}/document.pdf").status_code == 404

    work(session)

    assert mori.get(f"/sheets/{sheet['id']}/document.pdf").data.startswith(b"%PDF")
    link = mori.get(f"/sheets/{sheet['id']}").json["handover"]
    assert link["link"].startswith("http://127.0.0.1:8000/handover/")
    assert len(link["code"]) == 6
    renewed = mori.post(f"/sheets/{sheet['id']}/link").json["handover"]
    assert (renewed["number"], renewed["state"], renewed["link"]) == (2, "waiting", None)


def work(session):
    for claim in sheets.claim_due(session, now=clock.now()):
        job = sheets.job_of(session, claim)
        sheets.record_delivery(session, job, sheets.render(job), now=clock.now())
    session.commit()


def test_a_nurse_reads_without_what_is_restricted_and_writes_nothing(mori, cast, phone_of):
    sheet = filled(mori, cast)
    nurse = phone_of(cast.tanaka)

    shown = nurse.get(f"/sheets/{sheet['id']}")

    assert shown.status_code == 200
    assert "o.abuse" not in shown.json["values"]
    assert put(nurse, sheet, VALUES).status_code == 403
    assert nurse.post(f"/sheets/{sheet['id']}/release", {"facility_id": str(new_id())}).status_code == 403
    assert nurse.get(f"/sheets/{sheet['id']}/document.pdf").status_code == 403
    assert nurse.get(f"/sheets/{sheet['id']}/preview.pdf").status_code == 200


def test_a_digest_confirms_no_guess_at_what_is_restricted(mori, cast, hospital, phone_of):
    sheet = filled(mori, cast)
    released = mori.post(f"/sheets/{sheet['id']}/release", {"facility_id": str(hospital)})

    assert released.json["digest"]
    assert phone_of(cast.tanaka).get(f"/sheets/{sheet['id']}").json["digest"] is None


def test_a_helper_and_an_outsider_get_what_a_made_up_sheet_gets(mori, cast, phone_of):
    sheet = filled(mori, cast)
    paths = ["", "/preview.pdf", "/document.pdf"]

    outsider = phone_of(cast.ogawa)
    for path in paths:
        seen, made_up = (
            outsider.get(f"/sheets/{sheet['id']}{path}"),
            outsider.get(f"/sheets/{new_id()}{path}"),
        )
        assert (seen.status_code, seen.data) == (404, made_up.data)
    assert put(outsider, sheet, VALUES).data == put(outsider, {"id": new_id(), "version": 1}, VALUES).data
    assert phone_of(cast.ito).get(f"/sheets/{sheet['id']}").status_code == 403
