"""The long set, run by `make faults` and not by `make test`: many rounds, and faults that last.

FAULTS_ROUNDS   How many rounds of random kills; 10 unless told.
FAULTS_SEED     Repeats one run's choices.
"""

import os
from contextlib import ExitStack

import pytest

from tests.faults import invariants
from tests.faults.conftest import Night
from tests.faults.test_kills import DECK, strike
from tests.house import House

ROUNDS = int(os.environ.get("FAULTS_ROUNDS", "10"))
# With both guards of a call dead at once, until one of them works again.
RECOVERED = 15.0
EVERYTHING = (*DECK, *DECK, "beat", "beat", "nightwatch", "nightwatch")

pytestmark = pytest.mark.timeout(600)


def work(night: Night, *, seconds: float = 40) -> None:
    night.run(posts=500, alerts=50, seconds=seconds)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_random_kills_of_everything_also_of_the_guards(night: Night, number: int) -> None:
    night.site.late_seconds = RECOVERED
    deck = list(EVERYTHING)
    night.chance.shuffle(deck)
    night.site.start()
    work(night, seconds=60)

    for what in deck:
        night.watch(night.chance.uniform(0.1, 4.0))
        night.until(lambda what=what: strike(night, what), seconds=30, what=f"a kill of {what}")

    assert night.end() == []


def test_a_database_that_hangs_delays_everything_and_loses_nothing(night: Night) -> None:
    night.site.start()
    work(night)

    for seconds in (3, 12, 25):
        night.watch(night.chance.uniform(3, 6))
        with night.site.frozen("postgres"):
            night.watch(seconds)

    assert night.end() == []


@pytest.mark.parametrize("what", ["web", "worker", "nightwatch"])
def test_a_process_that_hangs_is_not_waited_for(night: Night, what: str) -> None:
    night.site.late_seconds = RECOVERED
    night.site.start()
    work(night)

    for seconds in (5, 20):
        night.watch(night.chance.uniform(3, 6))
        with night.site.frozen(what):
            night.watch(seconds)

    assert night.end() == []


def test_two_timetables_do_nothing_twice(night: Night) -> None:
    night.site.start()
    folder = night.site.house.folder / "second"
    folder.mkdir()
    second = House(night.site.house.environ, folder)
    with ExitStack() as stack:
        stack.callback(second.stop)
        second.launch("beat")
        second.launch("nightwatch")
        work(night)
        night.watch(45)
        breaches = night.end()

    assert breaches == []
    assert invariants.repeats(night.record) == 0


def test_redis_away_for_long_costs_two_seconds_and_the_workers_come_back_by_themselves(night: Night) -> None:
    night.site.start()
    work(night, seconds=50)
    night.watch(5)

    assert night.site.kill("redis", 35)
    night.watch(36)
    back = "select 1 from heartbeat where process = 'alerts.advance' and at > now() - interval '3 seconds'"
    night.until(lambda: invariants.rows(back), seconds=30, what="a worker that works again")

    assert night.end() == []
    assert night.site.deaths == []


def test_nightwatch_alone_carries_the_night(night: Night) -> None:
    night.site.kept = ("web", "nightwatch")
    night.site.start()
    assert night.site.kill("redis", 1e9)
    work(night)
    night.watch(45)

    # Redis stays dead to the end; only then is it mended, with everything else.
    late = [seconds for seconds in invariants.first_pings(night.record) if seconds > 5]
    assert night.end() == []
    assert late == []
    assert sum(phone.live_rows for phone in night.ward.phones) < sum(
        phone.fetched_rows for phone in night.ward.phones
    )
