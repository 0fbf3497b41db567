"""Journey c with real processes: from a draft to the hospital's receipt, also over a worker that is killed."""

import io
import re

import pytest
import requests
from pypdf import PdfReader
from sqlalchemy import text

from casenet import clock, facilities
from casenet.database import transaction
from casenet.ids import new_id
from tests.house import caller, populate, wait_until
from tests.parts.sheets.case_a import VALUES

WORKER = "worker-sheets"


@pytest.fixture
def cast(house):
    return populate()


@pytest.fixture
def hospital(cast):
    found = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    with transaction() as session:
        facilities.add_facility(session, found, by=None, now=clock.now())
    return found.id


def ask(phone, method, path, body=None, **headers):
    answer = phone.send(method, path, body, **headers)
    assert answer.ok, answer.text
    return answer.json()


def drafted(phone, cast, values):
    sheet = ask(phone, "POST", f"/groups/{cast.group}/sheets", {"id": str(new_id()), "kind": "admission"})
    return ask(phone, "PUT", f"/sheets/{sheet['id']}", {"values": values}, **{"If-Match": '"1"'})


def release(phone, sheet, hospital):
    return ask(phone, "POST", f"/sheets/{sheet['id']}/release", {"facility_id": str(hospital)})


def rows(query):
    with transaction() as session:
        return session.execute(text(query)).all()


def test_a_sheet_goes_from_the_desk_to_the_ward_and_back(house, cast, hospital):
    house.start("web", WORKER)
    nurse, manager = caller(house, cast.tanaka), caller(house, cast.mori)
    post = {"id": str(new_id()), "kind": "report", "text": "発熱38.6、SpO2 89、移動は全介助でした。"}
    assert nurse.post(f"/groups/{cast.group}/posts", post).status_code == 201

    # The care manager drafts, takes what a post offers, fills the rest, sees it on paper.
    sheet = drafted(manager, cast, VALUES)
    offer = sheet["offers"]["adl.move"]
    assert (offer["value"], offer["source"]["post_id"]) == ("full", post["id"])
    values = sheet["values"] | {"adl.move": offer["value"]}
    sheet = ask(manager, "PUT", f"/sheets/{sheet['id']}", {"values": values}, **{"If-Match": '"2"'})
    assert sheet["sources"]["adl.move"]["post_id"] == post["id"]
    paper = manager.http.get(f"{house.origin}/api/v1/sheets/{sheet['id']}/preview.pdf", timeout=15)
    assert paper.content.startswith(b"%PDF")

    # Released; the worker hears it from PostgreSQL, without beat.
    assert release(manager, sheet, hospital)["state"] == "released"
    sent = wait_until(
        lambda: found if (found := manager.get(f"/sheets/{sheet['id']}"))["state"] == "sent" else None
    )
    link, code = sent["handover"]["link"], sent["handover"]["code"]

    # The ward opens it, reads it, confirms it. Another browser with the same link and code does not.
    ward, other = requests.Session(), requests.Session()
    assert "佐野" not in ward.get(link, timeout=15).text
    assert "佐野 ハル 様" in ward.post(f"{link}/open", data={"code": code}, timeout=15).text
    assert other.post(f"{link}/open", data={"code": code}, timeout=15).status_code == 404
    assert other.get(f"{link}/document.pdf", timeout=15).status_code == 404
    document = ward.get(f"{link}/document.pdf", timeout=15).content
    told = re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages))
    for value in (
        "佐野ハル",
        "昭和13年4月12日生",
        "✓全介助",
        "✓要介護3",
        "アピキサバン他7剤",
        "架空記念病院",
    ):
        assert value in told
    receipt = {"name": "退院支援 大野", "completeness": "partly"}
    assert "確認済" in ward.post(f"{link}/receipt", data=receipt, timeout=15).text

    # Everybody knows.
    done = manager.get(f"/sheets/{sheet['id']}")
    assert (done["state"], done["handover"]["completeness"], done["fee"]["confirmed"]) == (
        "received",
        "partly",
        True,
    )
    log = nurse.get(f"/groups/{cast.group}/posts?after=0")["revisions"]
    assert [row["notice"]["code"] for row in log if row["notice"]] == [
        "sheet.released",
        "sheet.sent",
        "sheet.received",
    ]
    # Nothing of the patient stands in a log.
    for process in ("web", WORKER):
        assert "佐野" not in house.log(process)
        assert code not in house.log(process)
        assert link.rsplit("/", 1)[1] not in house.log(process)


def test_a_worker_killed_half_way_loses_nothing_and_issues_nothing_twice(house, cast, hospital):
    house.start("web")
    manager = caller(house, cast.mori)
    ids = set()
    for _ in range(5):
        sheet = drafted(manager, cast, VALUES)
        release(manager, sheet, hospital)
        ids.add(sheet["id"])

    # Killed as soon as it holds all five and has not finished them.
    house.start(WORKER)
    claimed = "select state from handover where fence = 1"
    wait_until(lambda: len(rows(claimed)) == 5, what="a claim")
    house.kill(WORKER)
    left = [row.state for row in rows(claimed)].count("waiting")
    assert left, "the worker was killed too late to show anything"

    house.start(WORKER, "beat")
    wait_until(lambda: not rows("select 1 from handover where state <> 'sent'"), seconds=60, what="delivery")

    # A commit that was already on its way when the worker died may still have counted.
    assert len(rows("select 1 from handover where fence = 2")) in (left - 1, left)
    assert {str(row.sheet_id) for row in rows("select sheet_id from sheet_document")} == ids
    sent = rows("select notice from timeline_revision where notice->>'code' = 'sheet.sent'")
    assert sorted(row.notice["sheet_id"] for row in sent) == sorted(ids)
