"""From an invitation to the first look at the list; signing in; and a post with the keyboard alone."""

import re
import time

import pyotp
from playwright.sync_api import Locator, expect

from casenet import clock, config, identity
from casenet.database import transaction
from tests.browser.phone import Phone
from tests.house import populate, wait_until

PASSWORD = "ゆうがたの散歩道と金木犀の香り"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP_SECONDS, TYPING_SECONDS = 30, 5
TAB_PRESSES_MAX = 40


def code_of(secret: str, *, steps: int = 0) -> str:
    """The authenticator's six digits, with time left to type them. Each counts once: -1 are those just before."""
    wait_until(lambda: time.time() % STEP_SECONDS < STEP_SECONDS - TYPING_SECONDS, what="a fresh code")
    return pyotp.TOTP(secret).at(int(time.time()) + steps * STEP_SECONDS)


def sign_in(phone: Phone, login: str, password: str) -> None:
    """The first of the two steps."""
    phone.label("ログイン名").fill(login)
    phone.label("パスワード").fill(password)
    phone.tap(phone.role("button", name="次へ"))


def test_an_invited_person_enrols_and_signs_in_with_two_factors(house, phone):
    populate()
    house.start("web")
    administrator = phone().enter("佐藤 架子")
    link = _invite(administrator)
    new = phone()
    new.page.goto(link)
    expect(new.text("西 架美 さん（架空在宅クリニック）の登録です。")).to_be_visible()
    new.check("an invitation")
    new.label(re.compile(r"^パスワード\s*13")).fill(PASSWORD)
    new.label("パスワード（確認のためもう一度）").fill(PASSWORD)
    new.tap(new.role("button", name="次へ"))

    secret = new.role("status").inner_text().replace(" ", "")
    new.check("the second factor")
    new.label("6桁の確認コード").fill(code_of(secret, steps=-1))
    new.tap(new.role("button", name="登録を終える"))
    new.tap(new.role("link", name="サインインへ"))

    expect(new.label("ログイン名")).to_be_visible()
    new.check("signing in")
    sign_in(new, "nishi", "まちがえたパスワード")
    expect(new.role("alert")).to_have_text("ログイン名かパスワードが違います。もう一度入れてください。")
    expect(new.label("ログイン名")).to_have_value("nishi")
    new.check("a wrong password")
    new.label("パスワード").fill(PASSWORD)
    wait_until(lambda: _is_let_in(new), what="the end of the pause after a wrong password")
    expect(new.label("6桁の確認コード")).to_be_focused()
    new.check("the six digits")
    new.label("6桁の確認コード").fill(code_of(secret))
    new.tap(new.role("button", name="サインインする"))
    expect(new.text("参加しているグループはまだありません。")).to_be_visible()
    new.check("an empty list of groups")


def _is_let_in(phone: Phone) -> bool:
    """Tap 次へ; whether the digits are asked for now. Until the pause is over, the page says how long to wait."""
    phone.tap(phone.role("button", name="次へ"))
    digits, wait = phone.label("6桁の確認コード"), phone.role("alert").filter(has_text="秒待ってから")
    expect(digits.or_(wait)).to_be_visible()
    return digits.is_visible()


def _invite(administrator: Phone) -> str:
    administrator.tap(administrator.role("link", name="自分"))
    expect(administrator.role("heading", level=1, name="自分")).to_be_visible()
    administrator.check("myself")
    administrator.tap(administrator.role("link", name="架空在宅クリニック の人を管理する"))
    administrator.tap(administrator.role("button", name="人を加える"))
    dialog = administrator.role("dialog", name="人を加える")
    for label, text in (
        ("お名前", "西 架美"),
        ("ふりがな", "ニシ カミ"),
        ("メールアドレス", "nishi@casenet.example"),
        ("ログイン名", "nishi"),
    ):
        dialog.get_by_role("textbox", name=re.compile(f"^{label}")).fill(text)
    dialog.get_by_label("職種").select_option(label="看護師")
    administrator.check("adding a person")
    administrator.tap(dialog.get_by_role("button", name="加えて招待を作る"))
    link = dialog.get_by_role("status").inner_text()
    assert link.startswith(f"{administrator.origin}/invitations/")
    administrator.check("an invitation to hand over")
    return link


def test_a_keyboard_is_enough_to_sign_in_and_send_a_post(house, phone):
    cast = populate()
    with transaction() as session:
        hashed = identity.hash_password(PASSWORD, config.current().pepper)
        identity.enrol_directly(session, cast.tanaka, hashed, SECRET, now=clock.now())
    house.start("web")
    desk = phone()
    desk.page.goto(desk.origin)
    expect(desk.label("ログイン名")).to_be_visible()

    for label, text in (("ログイン名", "tanaka@casenet.example"), ("パスワード", PASSWORD)):
        _tab_to(desk, desk.label(label))
        desk.page.keyboard.insert_text(text)
    desk.page.keyboard.press("Enter")
    expect(desk.label("6桁の確認コード")).to_be_focused()
    desk.page.keyboard.insert_text(code_of(SECRET))
    desk.page.keyboard.press("Enter")
    expect(desk.role("heading", level=1, name="グループ")).to_be_visible()

    _tab_to(desk, desk.role("main").get_by_role("link", name="架空 ハル"))
    desk.page.keyboard.press("Enter")
    expect(desk.role("heading", level=1, name="架空 ハル")).to_be_focused()
    _tab_to(desk, desk.role("button", name="経過を書く"))
    desk.page.keyboard.press("Enter")
    expect(desk.role("textbox", name="見たこと")).to_be_focused()
    desk.page.keyboard.insert_text("内服は飲めています。")
    _tab_to(desk, desk.role("button", name="送る", exact=True))
    desk.page.keyboard.press("Enter")

    expect(desk.post("内服は飲めています。")).to_contain_text("田中 空子")
    expect(desk.text("送信待ち")).to_have_count(0)
    # The composer is closed again, and the keyboard is not lost at the top of the page.
    _tab_to(desk, desk.post("内服は飲めています。").get_by_role("button", name="訂正"))


def _tab_to(phone: Phone, target: Locator) -> None:
    """Press Tab until the target has the focus, and see where the focus is at every step."""
    expect(target).to_be_visible()
    for _ in range(TAB_PRESSES_MAX):
        if target.evaluate("one => one === document.activeElement"):
            return
        phone.page.keyboard.press("Tab")
        unmarked = phone.page.evaluate(
            """() => {
              const one = document.activeElement;
              const around = [one, one.parentElement, one.closest('label')].filter(Boolean);
              const seen = around.some((each) => getComputedStyle(each).outlineStyle !== 'none');
              return seen || one === document.body ? '' : one.outerHTML.slice(0, 120);
            }"""
        )
        assert not unmarked, f"the focus is not seen on {unmarked}"
    raise AssertionError(f"{target} is not reached with the keyboard")
