"""What leaves the building, received by a push service and a mail server that stand outside."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from casenet import clock
from casenet.config import Config
from casenet.notifications import Channel, Letter, Subscription, deliver
from casenet.notifications.channels import web_push
from casenet.notifications.letters import Fate, Outcome
from tests.night import Browser
from tests.receivers import MailService, PushService, make_certificate

ALERT = UUID("01900000-0000-7000-8000-000000000007")
TOKEN = "A" * 43


@pytest.fixture
def push(config: Config) -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def mail(config: Config) -> Iterator[MailService]:
    with MailService() as service:
        yield service


def letter(channel: Channel, *subscriptions: Subscription) -> Letter:
    return Letter(
        ping_id=UUID(int=1),
        channel=channel,
        about="alert",
        about_id=ALERT,
        person_id=UUID(int=2),
        urgent=True,
        token=TOKEN,
        ttl_seconds=300,
        email="sato@casenet.example",
        subscriptions=subscriptions,
    )


def phone(push: PushService, name: str = "phone", number: int = 3) -> Subscription:
    browser = push.browser(name)
    return Subscription(UUID(int=number), push.endpoint(name), browser.p256dh, browser.auth, clock.now())


def test_a_push_opens_on_the_phone_and_says_nothing_about_anybody(push: PushService, config: Config) -> None:
    assert deliver(letter(Channel.WEB_PUSH, phone(push)), config) == Outcome.sent()

    (pushed,) = push.received
    assert pushed.message == {
        "web_push": 8030,
        "notification": {
            "title": "CaseNet",
            "body": "緊急連絡があります",
            "lang": "ja",
            "tag": f"alert-{ALERT}",
            "navigate": f"{config.public_origin}/#/alerts/{ALERT}",
            "silent": False,
        },
        "kind": "alert",
        "alert_id": str(ALERT),
        "ping_token": TOKEN,
    }
    assert (pushed.headers["TTL"], pushed.headers["Urgency"]) == ("300", "high")
    assert pushed.headers["Topic"] == ALERT.hex
    assert pushed.claims["sub"] == config.vapid_subject
    assert 0 < pushed.claims["exp"] - clock.now().timestamp() <= 24 * 3600


def test_every_push_has_the_same_size(push: PushService, config: Config) -> None:
    for about in ("alert", "sheet", "test"):
        deliver(replace(letter(Channel.WEB_PUSH, phone(push)), about=about), config)

    assert len({pushed.size for pushed in push.received}) == 1
    assert push.received[0].size < 4096


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (404, {}, Fate.GIVE_UP),
        (410, {}, Fate.GIVE_UP),
        (403, {}, Fate.GIVE_UP),
        (413, {}, Fate.GIVE_UP),
        (429, {"Retry-After": "7"}, Fate.RETRY),
        (500, {}, Fate.RETRY),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, Fate.RETRY),
    ],
)
def test_the_push_services_answer_is_understood(
    push: PushService, config: Config, status: int, headers: dict[str, str], expected: Fate
) -> None:
    push.answers["phone"] = [(status, headers)]

    outcome = deliver(letter(Channel.WEB_PUSH, phone(push)), config)

    assert outcome.fate is expected
    assert outcome.gone == ((UUID(int=3),) if status in (404, 410) else ())
    assert outcome.after_seconds == (7 if status == 429 else None)


def test_a_redirect_is_not_followed(push: PushService, config: Config) -> None:
    push.answers["phone"] = [(302, {"Location": f"http://{push.host}/elsewhere"})]

    assert deliver(letter(Channel.WEB_PUSH, phone(push)), config) == Outcome.give_up("push-302")
    assert push.received == []


def test_one_living_phone_is_enough_and_the_dead_one_is_named(push: PushService, config: Config) -> None:
    push.answers["old"] = [(410, {})]
    old, new = phone(push, "old", 4), phone(push, "new", 5)

    outcome = deliver(letter(Channel.WEB_PUSH, old, new), config)

    assert (outcome.fate, outcome.gone) == (Fate.SENT, (old.id,))
    assert [pushed.browser for pushed in push.received] == ["new"]


def test_an_address_that_is_not_listed_any_more_is_not_called(push: PushService, config: Config) -> None:
    strict = replace(config, push_hosts=("fcm.googleapis.com",))

    assert deliver(letter(Channel.WEB_PUSH, phone(push)), strict).reason == "push-endpoint-refused"
    assert push.received == []


def test_a_listed_name_that_leads_inside_is_not_called(push: PushService, config: Config) -> None:
    # "localhost" stands for any listed name whose look-up answers with an address of our own network.
    browser = Browser.new()
    inside = Subscription(UUID(int=3), "https://localhost/x", browser.p256dh, browser.auth, clock.now())
    listed = replace(config, push_hosts=("localhost",))

    outcome = deliver(letter(Channel.WEB_PUSH, inside), listed)

    assert outcome == Outcome.give_up("push-address-refused")


def test_over_tls_the_certificate_is_checked(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with PushService(certificate=certificate) as push:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        stranger = deliver(letter(Channel.WEB_PUSH, phone(push)), config)
        assert push.received == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = deliver(letter(Channel.WEB_PUSH, phone(push)), config)

    assert (stranger.fate, stranger.reason) == (Fate.RETRY, "push-SSLCertVerificationError")
    assert trusted == Outcome.sent()
    assert len(push.received) == 1


def test_a_push_service_that_is_not_there_is_tried_again(push: PushService, config: Config) -> None:
    subscription = phone(push)
    push.server.shutdown()
    push.server.server_close()

    outcome = deliver(letter(Channel.WEB_PUSH, subscription), config)

    assert (outcome.fate, outcome.reason) == (Fate.RETRY, "push-ConnectionRefusedError")


def test_a_mail_says_where_to_look_and_nothing_else(mail: MailService, config: Config) -> None:
    settings = replace(config, smtp_url=mail.url)

    assert deliver(letter(Channel.EMAIL), settings) == Outcome.sent()

    (received,) = mail.received
    assert received["Subject"] == "【CaseNet】緊急連絡があります"
    assert received["To"] == "sato@casenet.example"
    assert received["Message-ID"] == f"<{UUID(int=1)}@127.0.0.1>"
    body = received.get_content()
    assert config.public_origin in body
    for secret in (str(ALERT), ALERT.hex, TOKEN, "架空", "佐藤"):
        assert secret not in received.as_string()
        assert secret not in body


@pytest.mark.parametrize(
    ("refusal", "fate"), [("550 no such user", Fate.GIVE_UP), ("451 try later", Fate.RETRY)]
)
def test_a_mail_servers_refusal_is_understood(
    mail: MailService, config: Config, refusal: str, fate: Fate
) -> None:
    mail.refusals.append(refusal)

    assert deliver(letter(Channel.EMAIL), replace(config, smtp_url=mail.url)).fate is fate


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "<", '"', "a@["])
def test_an_address_that_is_none_fails_for_good(mail: MailService, config: Config, address: str) -> None:
    odd = replace(letter(Channel.EMAIL), email=address)

    outcome = deliver(odd, replace(config, smtp_url=mail.url))

    assert (outcome.fate, outcome.reason) == (Fate.GIVE_UP, "smtp-address")
    assert not mail.received


def test_a_mail_server_that_is_not_there_is_tried_again(config: Config) -> None:
    outcome = deliver(letter(Channel.EMAIL), replace(config, smtp_url="smtp://127.0.0.1:1"))

    assert (outcome.fate, outcome.reason) == (Fate.RETRY, "smtp-ConnectionRefusedError")


def test_ringing_open_apps_never_fails(config: Config) -> None:
    assert deliver(letter(Channel.IN_APP), config) == Outcome.sent()


def test_every_message_has_a_salt_and_a_key_pair_of_its_own() -> None:
    browser = Browser.new()
    sub = Subscription(UUID(int=3), "", browser.p256dh, browser.auth, clock.now())

    first, second = (web_push.seal_for(sub, b"When I grow up, I want to be a watermelon") for _ in range(2))

    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]
