"""Which push addresses are acceptable, and how often a ping is tried."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casenet.config import PUSH_HOSTS
from casenet.notifications.rules import are_push_keys, is_public, later_channels, next_try, read_endpoint
from tests.night import Browser

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/QAbc",
        "https://db5p.notify.windows.com/w/?token=x%2by",
        "https://fcm.googleapis.com:443/x",
        "https://FCM.googleapis.com/x",
    ],
)
def test_the_push_services_of_todays_browsers_are_known(address: str) -> None:
    endpoint = read_endpoint(address, PUSH_HOSTS)

    assert endpoint
    assert endpoint.tls
    assert endpoint.port == 443


@pytest.mark.parametrize(
    "address",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://fcm.googleapis.com/x#y",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://notify.windows.com.evil.example/x",
        "https://evilnotify.windows.com/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:9000/x",
        "http://[::1]:9000/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "file:///etc/passwd",
        "gopher://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:99999/x",
        "https://fcm.googleapis.com/\r\nHost: evil",
        "https://ｆcm.googleapis.com/x",
        "https://fcm.googleapis.com/\0",
        "\x01https://fcm.googleapis.com/x",
        "https://.notify.windows.com/x",
        "https://a..notify.windows.com/x",
        "https:///x",
        "x" * 2000,
        "",
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(address: str) -> None:
    assert read_endpoint(address, PUSH_HOSTS) is None


def test_a_receiver_on_this_machine_must_be_listed_by_its_address() -> None:
    assert read_endpoint("http://127.0.0.1:9000/x", ["127.0.0.1:9000"])
    assert read_endpoint("http://127.0.0.1:9001/x", ["127.0.0.1:9000"]) is None
    assert read_endpoint("http://127.0.0.1:9001/x", ["127.0.0.1"])
    assert read_endpoint("http://localhost:9000/x", ["localhost:9000"]) is None


@given(st.text())
def test_whatever_is_written_there_is_read_without_an_accident(address: str) -> None:
    assert read_endpoint(address, PUSH_HOSTS) is None


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1",
     "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_an_address_outside_is_public() -> None:
    assert is_public("142.250.196.106")


def test_after_three_repeats_it_is_the_next_channels_turn() -> None:
    assert [next_try(tries, NOW) for tries in (1, 2, 3)] == [NOW + timedelta(seconds=15)] * 3
    assert next_try(4, NOW) is None
    assert next_try(1, NOW, after_seconds=3600) == NOW + timedelta(seconds=60)


def test_e_mail_stands_in_for_push() -> None:
    from casenet.notifications.rules import Channel

    assert later_channels(Channel.WEB_PUSH) == (Channel.EMAIL,)
    assert later_channels(Channel.EMAIL) == ()


def test_only_a_point_on_the_curve_is_a_push_key() -> None:
    browser = Browser.new()
    beside = browser.p256dh[:-1] + bytes([browser.p256dh[-1] ^ 1])

    assert are_push_keys(browser.p256dh, browser.auth)
    assert not are_push_keys(beside, browser.auth)
    assert not are_push_keys(b"\x04" + bytes(64), browser.auth)
    assert not are_push_keys(browser.p256dh, b"short")
