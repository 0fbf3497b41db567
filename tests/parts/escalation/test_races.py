"""Two at once, on committed rows: one story comes out, and it is a possible one."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy.orm import Session

from casenet import clock, escalation, groups, notifications, timeline
from casenet.config import Config
from casenet.database import transaction
from casenet.escalation import Call, State
from casenet.escalation.log import Journal
from tests.night import Ward, open_ward

Result = TypeVar("Result")
ROUNDS = 25


@pytest.fixture
def ward(database: Config) -> Ward:
    with transaction() as session:
        return open_ward(session, clock.now())


def at_once(*calls: Callable[[], Result]) -> list[Result]:
    """Start all calls in the same moment; their results in order."""
    gate = threading.Barrier(len(calls))

    def go(call: Callable[[], Result]) -> Result:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(go, calls))


def raised(ward: Ward, call: Call | None = None, now: datetime | None = None) -> escalation.AlertView:
    with transaction() as session:
        alert, _ = escalation.raise_alert(
            session, ward.entry(session, "abe"), call or ward.call(), now=now or clock.now()
        )
        return alert


def acknowledge(ward: Ward, name: str, alert: escalation.AlertView, now: datetime) -> bool:
    with transaction() as session:
        return escalation.acknowledge(session, ward.entry(session, name), alert.id, now=now).is_yours


def test_of_many_who_answer_at_once_exactly_one_has_it(ward: Ward) -> None:
    for _ in range(ROUNDS):
        alert = raised(ward)
        names = ("sato", "tanaka", "suzuki", "sato", "tanaka")

        yours = at_once(*[partial(acknowledge, ward, name, alert, clock.now()) for name in names])

        with transaction() as session:
            standing = escalation.alert(session, alert.id)
            kinds = [event.kind for event in escalation.events(session, alert.id)]
        winner = ward.name_of(standing.position.answered_by)
        assert [name == winner for name in names] == yours
        assert kinds.count("acknowledged") == 1


def test_an_answer_and_the_end_of_the_wait_in_the_same_moment_tell_one_story(ward: Ward) -> None:
    for _ in range(ROUNDS):
        start = clock.now()
        alert = raised(ward, now=start)
        due = start + timedelta(minutes=5)

        def advance(alert: escalation.AlertView = alert, due: datetime = due) -> bool:
            with transaction() as session:
                return escalation.advance(session, alert.id, now=due)

        def answer(alert: escalation.AlertView = alert, due: datetime = due) -> bool:
            return acknowledge(ward, "sato", alert, due)

        moved, yours = at_once(advance, answer)

        with transaction() as session:
            standing = escalation.alert(session, alert.id)
            kinds = [event.kind for event in escalation.events(session, alert.id)]
            waiting = [
                p for p in notifications.pings_about(session, "alert", alert.id) if p.state == "pending"
            ]
        assert yours
        assert standing.state is State.ACKNOWLEDGED
        # Whichever came first: after the answer nothing is escalated and nothing more is sent.
        assert kinds[-1] == "acknowledged"
        assert kinds.count("step") == (2 if moved else 1)
        assert waiting == []


def test_workers_that_move_one_alert_at_once_make_one_move(ward: Ward) -> None:
    for _ in range(ROUNDS):
        start = clock.now()
        alert = raised(ward, now=start)
        due = start + timedelta(minutes=5)

        def advance(alert: escalation.AlertView = alert, due: datetime = due) -> bool:
            with transaction() as session:
                return escalation.advance(session, alert.id, now=due)

        assert sum(at_once(advance, advance, advance, advance)) == 1
        with transaction() as session:
            assert [e.kind for e in escalation.events(session, alert.id)].count("step") == 2


def test_the_same_call_sent_twice_at_once_is_one_alert(ward: Ward) -> None:
    for _ in range(ROUNDS):
        call = ward.call()

        views = at_once(*[partial(raised, ward, call)] * 3)

        assert len({view.id for view in views}) == 1
        with transaction() as session:
            kinds = [event.kind for event in escalation.events(session, call.id)]
            assert kinds == ["raised", "step"]
            posts = timeline.posts_after(session, ward.entry(session, "abe"), 0, 200)
            assert [row.post_id for row in posts].count(call.post_id) == 1


def test_senders_at_once_never_hold_the_same_ping(ward: Ward) -> None:
    for _ in range(10):
        raised(ward)

    def claim() -> list[object]:
        with transaction() as session:
            return [c.ping_id for c in notifications.claim_due(session, now=clock.now(), limit=6)]

    held = [ping for claims in at_once(*[claim] * 4) for ping in claims]
    assert held
    assert len(held) == len(set(held))


def test_a_repeated_call_does_not_hold_up_whoever_answers_it(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repeat holds the group and would look at the alert; who answers holds the alert and wants the group."""
    call = ward.call()
    raised(ward, call)
    repeats: list[Future[escalation.AlertView]] = []
    write = Journal.write
    with ThreadPoolExecutor(1) as pool:

        def write_late(journal: Journal, session: Session) -> None:
            repeats.append(pool.submit(raised, ward, call))
            time.sleep(0.3)
            write(journal, session)

        monkeypatch.setattr(Journal, "write", write_late)
        with transaction() as session:
            entry = ward.entry(session, "tanaka")
            assert escalation.acknowledge(session, entry, call.id, now=clock.now()).is_yours

        assert repeats[0].result().id == call.id


def test_two_calls_of_one_group_that_let_people_in_at_once_are_both_moved(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    alerts = [raised(ward, now=start) for _ in range(2)]
    gate = threading.Barrier(2, timeout=2)
    admit = groups.admit_for_cover

    def admit_together(session: Session, *args: Any, **options: Any) -> bool:
        session.flush()  # each holds its alert, which refers to the group
        with suppress(threading.BrokenBarrierError):
            gate.wait()
        return admit(session, *args, **options)

    monkeypatch.setattr(groups, "admit_for_cover", admit_together)

    def advance(alert: escalation.AlertView, now: datetime) -> bool:
        with transaction() as session:
            return escalation.advance(session, alert.id, now=now)

    for hours in range(1, 6):
        if hours == 4:  # everybody is asked again, and is a stranger again
            with transaction() as session:
                for name in ("ito", "mori"):
                    groups.leave_all(session, ward.people[name], by=ward.people["tanaka"], now=clock.now())
        now = start + timedelta(hours=hours)
        assert at_once(*[partial(advance, alert, now) for alert in alerts]) == [True, True]
