"""The thread that looks once a second: a call goes on at its time without beat and without NOTIFY."""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import redis
from sqlalchemy import text

from casenet import clock, escalation
from casenet.config import Config
from casenet.database import transaction
from casenet.escalation import Level
from tests.house import House, wait_until
from tests.night import open_ward
from tests.workers.working import Alone, waiting, works

EYES = 'eyes.open_eyes(app, {"alerts"}).join()'
BLINDED = """
from psycopg import OperationalError
from workers import rounds
errors, look = [OperationalError("away"), KeyError("of ours")], rounds.anything_due

def blinded():
    if errors:
        raise errors.pop(0)
    return look()

rounds.anything_due = blinded
"""
AT_ONCE = 3.0  # seconds: a look, a task, slack for two shared cores


@pytest.fixture
def alert_id(database: Config) -> UUID:
    """A call whose pings are out and whose next step is five minutes away."""
    now = clock.now()
    with transaction() as session:
        ward = open_ward(session, now)
        alert, _ = escalation.raise_alert(session, ward.entry(session, "abe"), ward.call(Level.E3), now=now)
    with transaction() as session:
        session.execute(text("update ping set state = 'sent'"))
    return alert.id


def comes_due(alert_id: UUID, seconds: float = 0) -> None:
    with transaction() as session:
        session.execute(
            text("update alert set next_step_at = clock_timestamp() + :wait where id = :id"),
            {"wait": timedelta(seconds=seconds), "id": alert_id},
        )


def test_they_start_nothing_until_something_is_due(
    alert_id: UUID, alone: Callable[[str], Alone], line: "redis.Redis"
) -> None:
    alone(EYES)
    time.sleep(4)
    assert waiting(line) == 0

    comes_due(alert_id)

    wait_until(lambda: waiting(line), seconds=AT_ONCE, what="a task for what is due")


def test_a_ping_that_nobody_told_of_is_seen_too(
    alert_id: UUID, alone: Callable[[str], Alone], line: "redis.Redis"
) -> None:
    alone(EYES)
    with transaction() as session:
        session.execute(text("update ping set state = 'pending', due_at = clock_timestamp()"))

    wait_until(lambda: waiting(line), what="a task for what is due")


def test_they_look_again_after_whatever_went_wrong(
    alert_id: UUID, alone: Callable[[str], Alone], line: "redis.Redis"
) -> None:
    eyes = alone(BLINDED + EYES)
    comes_due(alert_id)

    wait_until(lambda: waiting(line), what="a task for what is due")

    assert [one["error"] for one in eyes.said("eyes_blind")] == ["OperationalError", "KeyError"]
    assert "Traceback" not in eyes.log.read_text()


def test_with_a_worker_alone_the_chain_goes_on_at_its_time(alert_id: UUID, house: House) -> None:
    """No beat, no nightwatch, nobody who says NOTIFY."""
    house.launch("worker")
    works(house)

    comes_due(alert_id, seconds=2)

    wait_until(lambda: steps_run(alert_id) == 2, seconds=2 + AT_ONCE, what="the second step")
    assert "eyes_blind" not in house.log("worker")


def steps_run(alert_id: UUID) -> int:
    with transaction() as session:
        return escalation.alert(session, alert_id).position.steps_run
