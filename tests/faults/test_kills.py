"""The short set: kill -9 of everything, at random, during 500 posts and 50 alerts. More: make faults."""

import pytest

from tests.faults.conftest import Night

# Each at least once; which comes when is chance.
DECK = (
    *("web", "web", "web child", "worker", "worker", "worker child"),
    *("redis", "redis", "postgres", "postgres", "postgres child"),
)
BREATH = (0.5, 4.0)  # seconds between two kills
DOWN = (0.1, 2.0)  # until a supervisor has noticed


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_and_no_call_is_silent_under_kill_9(night: Night) -> None:
    deck = list(DECK)
    night.chance.shuffle(deck)
    night.site.start()
    night.run(posts=500, alerts=50, seconds=35)

    for what in deck:
        night.watch(night.chance.uniform(*BREATH))
        night.until(lambda what=what: strike(night, what), seconds=20, what=f"a kill of {what}")

    breaches = night.end()
    assert breaches == []
    assert sum(night.site.kills.values()) == len(DECK)


def strike(night: Night, what: str) -> bool:
    return night.site.kill(what, night.chance.uniform(*DOWN))
