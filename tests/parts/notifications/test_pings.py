"""Pings from the queue to their end: leases, fences, repeats, fall-backs, receipts."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet import clock, notifications
from casenet.errors import Gone, Invalid, NotFound
from casenet.ids import new_id
from casenet.notifications import Channel, Claim, Outcome, PingView, Subject, tokens
from tests.night import Browser, Ward, open_ward, subscribe

NOW = clock.now()
ABOUT = UUID(int=7)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def ward(session: Session) -> Ward:
    return open_ward(session, NOW)


def queue(session: Session, ward: Ward, *names: str, fallback: float = 60, attempt: int = 1) -> None:
    notifications.queue_pings(
        session,
        Subject("alert", ABOUT, 1, attempt),
        notifications.channels_of(session, [ward.people[name] for name in names]),
        now=NOW,
        lifetime=timedelta(minutes=10),
        fallback=timedelta(seconds=fallback),
    )


def pings(session: Session) -> dict[str, PingView]:
    return {ping.channel: ping for ping in notifications.pings_about(session, "alert", ABOUT)}


def claim(session: Session, channel: Channel, now: datetime) -> Claim:
    """Claim everything due; return the claim of one channel."""
    claims = notifications.claim_due(session, now=now, limit=100)
    wanted = pings(session)[channel].id
    return next(claim for claim in claims if claim.ping_id == wanted)


def with_browser(session: Session, ward: Ward, name: str, port: int = 9) -> UUID:
    return subscribe(session, ward.people[name], Browser.new(), f"http://127.0.0.1:{port}/{name}", NOW)


def test_the_same_decision_twice_queues_once(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    queue(session, ward, "sato")

    assert sorted(pings(session)) == ["email", "in_app"]
    assert len(notifications.pings_about(session, "alert", ABOUT)) == 2


def test_e_mail_waits_for_the_phones_receipt_only_where_there_is_a_phone(
    session: Session, ward: Ward
) -> None:
    queue(session, ward, "sato")
    assert pings(session)["email"].due_at == NOW

    with_browser(session, ward, "tanaka")
    queue(session, ward, "tanaka", attempt=2)
    found = [p for p in notifications.pings_about(session, "alert", ABOUT) if p.attempt == 2]
    assert {p.channel: p.due_at for p in found} == {"in_app": NOW, "web_push": NOW, "email": at(60)}


def test_a_claimed_ping_is_nobody_elses_until_the_lease_ends(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")

    first = notifications.claim_due(session, now=NOW, limit=10)
    assert len(first) == 2
    assert notifications.claim_due(session, now=at(14), limit=10) == ()
    again = notifications.claim_due(session, now=at(16), limit=10)
    assert {c.ping_id for c in again} == {c.ping_id for c in first}


def test_a_sender_that_overslept_its_lease_cannot_write(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    slow = claim(session, Channel.EMAIL, NOW)
    fast = claim(session, Channel.EMAIL, at(16))

    assert notifications.letter_of(session, slow, now=at(17)) is None
    assert notifications.record_outcome(session, slow, Outcome.give_up("x"), now=at(17)) is None
    assert pings(session)["email"].state == "pending"
    settled = notifications.record_outcome(session, fast, Outcome.sent(), now=at(18))
    assert settled
    assert settled.ping.state == "sent"


def test_a_repeat_carries_the_same_token_and_the_table_does_not(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    first = notifications.letter_of(session, claim(session, Channel.EMAIL, NOW), now=NOW)
    second = notifications.letter_of(session, claim(session, Channel.EMAIL, at(16)), now=at(16))

    assert first
    assert second
    assert first.token == second.token
    rows = session.execute(text("select p::text from ping p")).scalars().all()
    assert not [row for row in rows if first.token in row]


def test_a_failure_for_a_while_is_tried_again_three_times_then_the_next_channel_comes_at_once(
    session: Session, ward: Ward
) -> None:
    with_browser(session, ward, "sato")
    queue(session, ward, "sato", fallback=500)

    for tries in range(4):
        mine = claim(session, Channel.WEB_PUSH, at(15 * tries))
        notifications.record_outcome(session, mine, Outcome.retry("push-503"), now=at(15 * tries))

    found = pings(session)
    assert (found["web_push"].state, found["web_push"].tries) == ("failed", 4)
    assert found["email"].due_at == at(45)


def test_a_final_failure_hands_over_to_the_next_channel_at_once(session: Session, ward: Ward) -> None:
    browser = with_browser(session, ward, "sato")
    queue(session, ward, "sato", fallback=500)
    gone = Outcome.give_up("push-gone")
    mine = claim(session, Channel.WEB_PUSH, NOW)

    outcome = Outcome(gone.fate, gone.reason, None, (browser,))
    settled = notifications.record_outcome(session, mine, outcome, now=at(1))

    assert settled
    assert not settled.step_failed
    assert pings(session)["email"].due_at == at(1)
    assert notifications.subscriptions_of(session, ward.people["sato"]) == ()


def test_when_the_last_channel_of_the_last_person_fails_the_step_has_failed(
    session: Session, ward: Ward
) -> None:
    queue(session, ward, "sato", "ito")
    claims = notifications.claim_due(session, now=NOW, limit=10)
    mails = [
        c
        for c in claims
        if (letter := notifications.letter_of(session, c, now=NOW)) and letter.channel is Channel.EMAIL
    ]

    fates = [
        notifications.record_outcome(session, mail, Outcome.give_up("smtp-550"), now=at(1)) for mail in mails
    ]

    assert [settled and settled.step_failed for settled in fates] == [False, True]


def test_what_was_cancelled_between_claim_and_sending_is_not_sent(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    mine = claim(session, Channel.EMAIL, NOW)

    notifications.cancel_pings(session, "alert", ABOUT, reason="answered", now=at(1))

    assert notifications.letter_of(session, mine, now=at(1)) is None


def test_a_ping_that_went_out_while_it_was_cancelled_stays_cancelled(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    mine = claim(session, Channel.EMAIL, NOW)
    notifications.cancel_pings(session, "alert", ABOUT, reason="answered", now=at(1))

    notifications.record_outcome(session, mine, Outcome.sent(), now=at(2))

    assert (pings(session)["email"].state, pings(session)["email"].sent_at) == ("cancelled", at(2))


def test_a_ping_that_nobody_wants_any_more_expires(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")

    assert notifications.claim_due(session, now=at(601), limit=10) == ()
    assert {(p.state, p.reason) for p in pings(session).values()} == {("cancelled", "expired")}


def test_nightwatch_leaves_alone_what_is_not_overdue(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    two = timedelta(seconds=2)

    assert notifications.claim_due(session, now=at(1), limit=10, overdue_by=two) == ()
    assert len(notifications.claim_due(session, now=at(2), limit=10, overdue_by=two)) == 2


def test_the_phones_receipt_spares_the_later_channels(session: Session, ward: Ward) -> None:
    with_browser(session, ward, "sato")
    queue(session, ward, "sato")
    push = pings(session)["web_push"]

    notifications.note_receipt(session, tokens.token_of(push.id), now=at(3))

    found = pings(session)
    assert (found["web_push"].state, found["web_push"].delivered_at) == ("delivered", at(3))
    assert (found["email"].state, found["email"].reason) == ("cancelled", "delivered-before")


def test_a_token_is_good_for_twelve_hours(session: Session, ward: Ward) -> None:
    queue(session, ward, "sato")
    token = tokens.token_of(pings(session)["email"].id)

    assert notifications.spend_token(session, token, now=at(12 * 3600 - 1)).person_id == ward.people["sato"]
    with pytest.raises(Gone):
        notifications.spend_token(session, token, now=at(12 * 3600))
    with pytest.raises(NotFound):
        notifications.spend_token(session, token[:-1], now=NOW)


def test_a_browser_that_signs_in_as_another_person_is_that_persons(session: Session, ward: Ward) -> None:
    browser, address = Browser.new(), "http://127.0.0.1:9/shared"
    first = subscribe(session, ward.people["sato"], browser, address, NOW)
    second = subscribe(session, ward.people["tanaka"], browser, address, at(1))

    assert first == second
    assert notifications.subscriptions_of(session, ward.people["sato"]) == ()
    assert len(notifications.subscriptions_of(session, ward.people["tanaka"])) == 1


def test_a_person_has_at_most_five_browsers_and_the_oldest_goes(session: Session, ward: Ward) -> None:
    for number in range(7):
        address = f"http://127.0.0.1:9/{number}"
        subscribe(session, ward.people["sato"], Browser.new(), address, at(number))

    kept = notifications.subscriptions_of(session, ward.people["sato"])
    assert [one.endpoint[-1] for one in kept] == ["2", "3", "4", "5", "6"]


def test_an_address_that_belongs_to_no_push_service_is_not_kept(session: Session, ward: Ward) -> None:
    with pytest.raises(Invalid):
        subscribe(session, ward.people["sato"], Browser.new(), "https://evil.example/x", NOW)


def test_only_test_pings_are_forgotten(session: Session, ward: Ward) -> None:
    with_browser(session, ward, "sato")
    queue(session, ward, "sato")
    test = Subject("test", new_id())
    channels = notifications.channels_of(session, [ward.people["sato"]])
    notifications.queue_pings(
        session, test, channels, now=NOW, lifetime=timedelta(minutes=1), fallback=timedelta(0)
    )

    notifications.forget_tests(session, now=at(25 * 3600))

    assert notifications.pings_about(session, "test", test.about_id) == ()
    assert len(pings(session)) == 3
