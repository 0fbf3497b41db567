"""The phone page in a real Chromium over real processes, with the demo's marked buttons."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.phone import Phone
from tests.house import ROOT, House

NAMES = (os.environ.get("CASENET_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
# Two cores for all processes and two browsers: what takes longer is broken, not busy.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program. Fails, never skips: see .ci/chromium."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "this test needs a Chromium on the PATH: see .ci/chromium"
    assert (ROOT / "static/dist/index.html").exists(), "the phone page is not built: make page"
    return program


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for one test: a browser kept longer would occupy the event loop of other tests."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--lang=ja-JP"])
        yield opened
        opened.close()


@pytest.fixture
def house(house: House) -> House:
    """An installation that shows the demo's marked buttons."""
    house.environ["CASENET_DEMO"] = "1"
    return house


@pytest.fixture
def phone(browser: Browser, house: House) -> Iterator[Callable[[], Phone]]:
    """Makes phones; when the test ends, none of their consoles may have complained."""
    given: list[Phone] = []

    def make() -> Phone:
        given.append(Phone(browser, house))
        return given[-1]

    yield make
    for one in given:
        one.close()
