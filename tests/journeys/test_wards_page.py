"""The hospital's page in a real browser: without scripts, with its own forms, accessible, in one browser only."""

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from casenet import clock, facilities
from casenet.database import transaction
from casenet.ids import new_id
from tests.house import caller, populate, wait_until
from tests.journeys.test_admission_sheet import WORKER, drafted, release
from tests.parts.sheets.case_a import VALUES

NAMES = (os.environ.get("CASENET_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "this test needs a Chromium on the PATH: see .ci/chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def handover(house):
    """(link, code) of CASE-A, sent a moment ago."""
    cast = populate()
    hospital = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    with transaction() as session:
        facilities.add_facility(session, hospital, by=None, now=clock.now())
    house.start("web", WORKER)
    manager = caller(house, cast.mori)
    sheet = drafted(manager, cast, VALUES)
    release(manager, sheet, hospital.id)
    path = f"/sheets/{sheet['id']}"
    wait_until(lambda: manager.get(path)["state"] == "sent", what="delivery")
    link = manager.get(path)["handover"]
    return link["link"], link["code"]


def test_a_ward_opens_and_confirms_without_scripts(browser, handover):
    link, code = handover
    ward = browser.new_context(java_script_enabled=False, viewport={"width": 1024, "height": 900}).new_page()

    ward.goto(link)
    ward.get_by_label("暗証番号").fill("999999" if code != "999999" else "888888")
    ward.get_by_role("button", name="開く").click()
    assert "あと4回" in ward.get_by_role("alert").inner_text()
    ward.get_by_label("暗証番号").fill(code)
    ward.get_by_role("button", name="開く").click()

    assert ward.get_by_role("heading", level=1).inner_text() == "佐野 ハル 様の入院時情報提供書"
    ward.get_by_label("お名前").fill("地域連携室 大野")
    ward.get_by_label("一部不足").check()
    ward.get_by_role("button", name="受け取りました").click()
    assert "確認済" in ward.get_by_role("status").inner_text()

    other = browser.new_context().new_page()
    other.goto(link)
    assert other.get_by_role("heading", level=1).inner_text() == "このリンクは使えません"


def test_the_page_is_accessible_and_fits_a_phone(browser, handover):
    link, code = handover
    phone = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    phone.goto(link)
    assert Axe().run(phone).violations_count == 0
    phone.get_by_label("暗証番号").fill(code)
    phone.get_by_role("button", name="開く").click()
    phone.get_by_label("お名前").wait_for()

    assert Axe().run(phone).violations_count == 0
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
