"""A phone in a person's hand: one browser of 390 px, and what must hold on every screen that it shows.

Elements are found as a screen reader finds them: by role, name and label.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.house import House

THUMB_PIXELS = 44
LINE_PIXELS = 24
AXE = Axe()
CONTRAST = {"runOnly": ["color-contrast"]}  # all that night's colours can change
# Nobody is signed in yet, or not again so soon; and most of these tests start no night watch for the lamp.
_EXPECTED = re.compile(r"status of 401|429 .*/api/v1/session$|/health/late$")

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# What reaches out of the window to the right; and words in a column of single letters, which nobody can read.
_MISFITS = """() => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.hidden');
  const name = (one) => `${one.tagName} ${one.textContent.slice(0, 30)}`;
  const wide = [...document.querySelectorAll('a, button, input, textarea, select, h1, h2, h3, p, label, time')]
    .filter((one) => shown(one) && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => `too wide: ${name(one)}`);
  if (document.documentElement.scrollWidth > innerWidth) wide.push('too wide: the page');
  for (const one of document.querySelectorAll('main, dialog[open]'))
    if (one.scrollWidth > one.clientWidth + 1) wide.push(`too wide: ${one.tagName}`);
  for (const one of document.querySelectorAll('body *')) {
    if (one.childElementCount > 0 || one.textContent.trim().length < 4 || !shown(one)) continue;
    const { width, height } = one.getBoundingClientRect();
    const letter = parseFloat(getComputedStyle(one).fontSize);
    if (width < 2 * letter && height > 4 * letter) wide.push(`squeezed: ${name(one)}`);
  }
  return wide;
}"""
# What a thumb does not hit: less than 44 px either way; a link inside a sentence needs 24 (WCAG 2.2, 2.5.8).
_SMALL = """([thumb, line]) => {
  const target = (one) => (one.matches('[type=radio], [type=checkbox], [type=search]') && one.closest('label')) || one;
  const isInSentence = (one) => one.matches('p a, p .link-button') && [...one.parentElement.childNodes]
    .some((other) => other.nodeType === Node.TEXT_NODE && other.textContent.trim());
  const front = document.querySelector('dialog[open]') ?? document;
  return [...front.querySelectorAll('a[href], button, input, select, textarea, summary, [role=button]')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches('.skip-link'))
    .map((one) => [one, target(one).getBoundingClientRect()])
    .filter(([one, { width, height }]) => Math.min(width, height) < (isInSentence(one) ? line : thumb) - 0.1)
    .map(([one, { width, height }]) => `${one.ariaLabel ?? one.textContent} ${width.toFixed()}x${height.toFixed()}`);
}"""


class Phone:
    """One person's browser. `errors` holds what its console complained of, the sign-in's 401 apart."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.context = browser.new_context(
            viewport={"width": 390, "height": 844},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            has_touch=True,
            is_mobile=True,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.origin = house.origin
        self.errors: list[str] = []
        self.is_away = False
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not self.is_away and not _EXPECTED.search(said):
            self.errors.append(said)

    def __getattr__(self, name: str) -> Callable[..., Locator]:
        """role(), label(), text() … of the page: get_by_role() and its sisters, without the words."""
        return getattr(self.page, f"get_by_{name}")

    def enter(self, name: str) -> "Phone":
        """Sign in with the demo's marked button; the list of groups is open then."""
        self.page.goto(self.origin)
        self.tap(self.role("button", name=name))
        expect(self.role("heading", name="グループ")).to_be_visible()
        return self

    def open_group(self, name: str) -> "Phone":
        """Tap a patient in the list."""
        self.tap(self.page.get_by_role("main").get_by_role("link", name=name))
        expect(self.role("heading", level=1, name=name)).to_be_visible()
        return self

    def tab(self, name: str) -> None:
        """Open one tab of the group."""
        self.tap(self.role("navigation", name="このグループのページ").get_by_role("link", name=name))

    def tap(self, target: Locator) -> None:
        """Touch it; fails when it is smaller than a thumb."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box, f"{target} is not on the screen"
        assert min(box["width"], box["height"]) >= THUMB_PIXELS, f"{target} is too small for a thumb: {box}"
        target.tap()

    def choose(self, name: str, *, within: Locator | None = None) -> None:
        """Touch a radio button or a tick by its words, which belong to it."""
        option = self.role("radio", name=name).or_(self.role("checkbox", name=name))
        label = (within or self.page).locator("label").filter(has=option)
        self.tap(label)
        expect(label.get_by_role("radio").or_(label.get_by_role("checkbox"))).to_be_checked()

    def write(self, text: str, *, kind: str = "報告") -> None:
        """A post, from the closed composer to 送る."""
        self.tap(self.role("button", name="経過を書く"))
        if kind != "報告":
            self.choose(kind)
        self.role("textbox", name="見たこと").fill(text)
        self.tap(self.role("button", name="送る", exact=True))

    def post(self, text: str) -> Locator:
        """The post with these words, wherever it stands."""
        return self.role("article").filter(has_text=text)

    @contextmanager
    def without_signal(self) -> Iterator[None]:
        """No network; what the browser says of that is not held against the page."""
        self.is_away = True
        self.context.set_offline(True)
        yield
        self.context.set_offline(False)

    def back(self) -> None:
        """From here on the console counts again: the page has found the network."""
        expect(self.text("圏外です")).to_have_count(0)
        self.is_away = False

    def check(self, screen: str) -> None:
        """What holds on every screen: no finding by axe in light and dark, nothing too small or too wide."""
        small = self.page.evaluate(_SMALL, [THUMB_PIXELS, LINE_PIXELS])
        assert not small, f"{screen}: {small}"
        _axe(self.page, f"{screen}, light")
        self.page.emulate_media(color_scheme="dark")
        _axe(self.page, f"{screen}, dark", CONTRAST)
        self.page.emulate_media(color_scheme="light")
        self._fits(f"{screen}, 360 px", width=360, letters="")
        self._fits(f"{screen}, 200 %", width=390, letters="200%")
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.evaluate(TWO_FRAMES)

    def _fits(self, where: str, *, width: int, letters: str) -> None:
        self.page.set_viewport_size({"width": width, "height": 844})
        self.page.evaluate("size => { document.documentElement.style.fontSize = size }", letters)
        self.page.evaluate(TWO_FRAMES)
        misfits = self.page.evaluate(_MISFITS)
        self.page.evaluate("document.documentElement.style.fontSize = ''")
        assert not misfits, f"{where}: {misfits}"

    def close(self) -> None:
        """Put it away; fails when the console complained."""
        self.context.close()
        assert not self.errors, self.errors


def _axe(page: Page, screen: str, options: dict[str, object] | None = None) -> None:
    found = AXE.run(page, options=options)
    assert found.violations_count == 0, f"{screen}\n{found.generate_report()}"
