"""Rounds of the night's work over committed rows, with a push service and a mail server outside."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

import casenet.config
from casenet import clock, escalation, notifications
from casenet.config import DATABASE_PROBES, Config
from casenet.database import glance, transaction
from casenet.escalation import AlertView, Level
from tests.night import Ward, open_ward, subscribe
from tests.receivers import MailService, PushService
from workers import rounds


@pytest.fixture
def push() -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def mail(database: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailService]:
    with MailService() as service:
        monkeypatch.setenv("SMTP_URL", service.url)
        casenet.config.current.cache_clear()
        yield service


@pytest.fixture
def ward(database: Config) -> Ward:
    with transaction() as session:
        return open_ward(session, clock.now())


def with_phone(ward: Ward, push: PushService, *names: str) -> None:
    with transaction() as session:
        for name in names:
            subscribe(session, ward.people[name], push.browser(name), push.endpoint(name), clock.now())


def raised(ward: Ward, level: Level = Level.E3, now: datetime | None = None) -> AlertView:
    with transaction() as session:
        entry = ward.entry(session, "abe")
        alert, _ = escalation.raise_alert(session, entry, ward.call(level), now=now or clock.now())
        return alert


def let_pass(alert_id: UUID, wait: timedelta) -> None:
    """Move an alert's deadline into the past, as if the wait were over."""
    with transaction() as session:
        session.execute(
            text("update alert set next_step_at = next_step_at - :wait where id = :id"),
            {"wait": wait, "id": alert_id},
        )


def states(alert: AlertView) -> dict[tuple[str, str], str]:
    with transaction() as session:
        pings = notifications.pings_about(session, "alert", alert.id)
    return {(str(p.step_no), p.channel): p.state for p in pings}


def test_one_round_brings_the_push_to_the_phone(ward: Ward, push: PushService, mail: MailService) -> None:
    with_phone(ward, push, "sato")
    alert = raised(ward)

    assert rounds.send_pings() == 2

    assert [(p.browser, p.message["alert_id"]) for p in push.received] == [("sato", str(alert.id))]
    assert states(alert) == {("1", "in_app"): "sent", ("1", "web_push"): "sent", ("1", "email"): "pending"}
    assert mail.received == []
    assert rounds.send_pings() == 0


def test_a_dead_phone_is_forgotten_and_the_mail_goes_at_once(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    with_phone(ward, push, "sato")
    push.answers["sato"] = [(410, {})]
    alert = raised(ward)

    rounds.send_pings()

    assert states(alert)["1", "web_push"] == "failed"
    assert [received["To"] for received in mail.received] == ["sato@casenet.example"]
    with transaction() as session:
        assert notifications.subscriptions_of(session, ward.people["sato"]) == ()


def test_when_nobody_of_a_step_can_be_reached_the_next_is_asked_at_once(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    mail.refusals.append("550 no such user")
    alert = raised(ward)

    rounds.send_pings()
    assert rounds.move_alerts() == 1
    rounds.send_pings()

    assert [received["To"] for received in mail.received] == ["tanaka@casenet.example"]
    with transaction() as session:
        kinds = [event.kind for event in escalation.events(session, alert.id)]
    assert kinds == ["raised", "step", "hastened", "step"]


def test_nightwatch_waits_two_seconds_and_then_does_it(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    two = timedelta(seconds=2)
    alert = raised(ward)
    assert (rounds.move_alerts(two), rounds.send_pings(two)) == (0, 0)

    let_pass(alert.id, timedelta(minutes=5, seconds=3))
    with transaction() as session:
        session.execute(text("update ping set due_at = due_at - interval '3 seconds'"))

    assert rounds.move_alerts(two) == 1
    assert rounds.send_pings(two) == 2


def test_an_alert_that_cannot_be_moved_holds_nobody_up(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    broken, healthy = raised(ward), raised(ward)
    for alert in (broken, healthy):
        let_pass(alert.id, timedelta(minutes=6))
    with transaction() as session:
        session.execute(
            text('update alert set plan = \'[{"target": "unheard-of"}]\' where id = :id'), {"id": broken.id}
        )

    assert rounds.move_alerts() == 1

    with transaction() as session:
        late = escalation.overdue(session, clock.now() + timedelta(minutes=2))
        assert broken.id in late
        assert escalation.alert(session, healthy.id).position.steps_run == 2


def test_what_is_late_is_seen(ward: Ward, push: PushService, mail: MailService) -> None:
    alert = raised(ward)
    later = clock.now() + timedelta(minutes=6, seconds=1)

    with transaction() as session:
        assert escalation.overdue(session, clock.now()) == ()
        assert escalation.overdue(session, later) == (alert.id,)
        assert notifications.overdue(session, clock.now(), timedelta(seconds=60)) == 0
        assert notifications.overdue(session, later, timedelta(seconds=60)) == 2


def test_a_round_leaves_its_heartbeat(ward: Ward) -> None:
    before = clock.now() - timedelta(seconds=5)

    rounds.beat("nightwatch")
    rounds.beat("nightwatch")

    with transaction() as session:
        beats = escalation.heartbeats(session)
    assert set(beats) == {"nightwatch"}
    assert beats["nightwatch"] > before


def test_fifty_alerts_at_once_are_all_sent_in_one_round(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    with_phone(ward, push, "sato")
    alerts = [raised(ward) for _ in range(50)]

    assert rounds.send_pings() == 100

    assert {p.message["alert_id"] for p in push.received} == {str(alert.id) for alert in alerts}
    assert len(push.received) == 50


def test_a_mail_server_that_hangs_holds_up_no_push(ward: Ward, push: PushService, mail: MailService) -> None:
    mail.wait_seconds = 5
    for _ in range(20):
        raised(ward)
    started = time.monotonic()
    rounds.send_pings()
    assert time.monotonic() - started < 3
    assert mail.received == []

    with_phone(ward, push, "sato")
    urgent = raised(ward)
    rounds.send_pings()

    assert [p.message["alert_id"] for p in push.received] == [str(urgent.id)]
    assert time.monotonic() - started < 6
    mail.wait_seconds = 0
    ends = time.monotonic() + 20
    while len(mail.received) < rounds.MAIL_SENDERS and time.monotonic() < ends:
        time.sleep(0.05)
    assert len(mail.received) >= rounds.MAIL_SENDERS


def test_a_machine_that_has_no_thread_left_loses_no_sender(
    ward: Ward, push: PushService, mail: MailService
) -> None:
    for _ in range(10):
        raised(ward)
    rounds._roads.cache_clear()  # pyright: ignore[reportPrivateUsage]  (other tests have left their threads)
    usual = threading.stack_size(1 << 47)  # more than there is
    try:
        with pytest.raises(RuntimeError):
            rounds.send_pings()
    finally:
        threading.stack_size(usual)

    with_phone(ward, push, "sato")
    later = raised(ward)
    rounds.send_pings()

    assert str(later.id) in {received.message["alert_id"] for received in push.received}


@pytest.mark.parametrize("way", ["transaction", "glance"])
def test_a_database_that_vanishes_without_a_word_is_noticed(ward: Ward, way: str) -> None:
    """That it works was seen once with a network cable pulled: 20 s with these, more than 75 s without."""
    engine: Any = glance()._bind  # pyright: ignore[reportPrivateUsage]
    with transaction() as session:
        borrowed: Any = session.connection().connection if way == "transaction" else engine.raw_connection()
        asked: dict[str, str] = borrowed.driver_connection.info.get_parameters()
        if way == "glance":
            borrowed.close()

    assert asked.items() >= DATABASE_PROBES.items()


def test_nothing_is_sent_after_the_answer(ward: Ward, push: PushService, mail: MailService) -> None:
    with_phone(ward, push, "sato")
    alert = raised(ward)
    with transaction() as session:
        escalation.acknowledge(session, ward.entry(session, "sato"), alert.id, now=clock.now())

    assert rounds.send_pings() == 0
    assert (push.received, mail.received) == ([], [])


def test_the_rounds_need_no_key(
    ward: Ward, push: PushService, mail: MailService, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = raised(ward)
    let_pass(alert.id, timedelta(minutes=6))
    monkeypatch.delenv("KEK_FILE")
    casenet.config.current.cache_clear()
    assert casenet.config.current() == replace(casenet.config.current(), kek_file=None)

    assert rounds.move_alerts() == 1
    assert rounds.send_pings() == 4
