"""The thread that hears NOTIFY outlives whatever goes wrong in it; a mistake of ours is still seen."""

from collections.abc import Callable

import redis
from sqlalchemy import text

from casenet.database import notify, transaction
from tests.house import House, wait_until
from tests.workers.working import Alone, last_round, waiting, works

EARS = 'ears.open_ears(app, {"alerts"}).join()'
MISTAKE = """
ears.CHANNELS["sheets_due"] = ("alerts", ["no name"])
"""


def ring(channel: str = "alerts_due") -> None:
    with transaction() as session:
        notify(session, channel)


def test_a_mistake_of_ours_is_told_and_does_not_silence_them(
    alone: Callable[[str], Alone], line: "redis.Redis"
) -> None:
    ears = alone(MISTAKE + EARS)

    wait_until(lambda: len(ears.said("ears_broken")) >= 2, what="two tellings")

    assert ears.child.poll() is None
    assert {one["error"] for one in ears.said("ears_broken")} == {"TypeError"}
    assert "Traceback" not in ears.log.read_text()
    assert waiting(line) >= 2  # what is listened to before the mistake is heard at every new beginning


def test_they_hear_again_when_their_session_is_ended(
    alone: Callable[[str], Alone], line: "redis.Redis"
) -> None:
    ears = alone(EARS)
    wait_until(lambda: waiting(line), what="what came while nobody listened")

    with transaction() as session:
        session.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN%'")
        )
    wait_until(lambda: ears.said("ears_deaf"), what="a word about it")
    line.delete("alerts")

    wait_until(lambda: ring() or waiting(line), what="a task for what was rung")


def test_in_a_real_worker_nothing_is_broken(house: House, line: "redis.Redis") -> None:
    """The ears go on after a mistake of ours, so here is where one is seen."""
    house.launch("worker")
    works(house)
    before = last_round()
    line.delete("alerts")

    wait_until(lambda: ring() or last_round() != before, what="a round for what was rung")

    said = house.log("worker")
    assert "ears_broken" not in said
    assert "task_not_started" not in said
