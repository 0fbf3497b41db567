"""A clock that is set back keeps nobody waiting."""

import shelve
import time
from datetime import datetime, timedelta

import pytest
import redis

from casenet import clock
from casenet.config import Config
from tests.house import House, wait_until
from tests.workers.working import waiting
from workers.app import app
from workers.every import Every

HOUR = timedelta(hours=1)


def test_beat_goes_on_when_the_clock_is_set_back(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {type(row["schedule"]) for row in app.conf.beat_schedule.values()} == {Every}
    entry = Every(1.0)
    sent_at = entry.now()
    monkeypatch.setattr(app, "now", lambda: clock.now() - HOUR)

    time.sleep(1.1)

    assert entry.is_due(sent_at).is_due
    assert not entry.is_due(entry.now()).is_due
    assert entry.is_due(entry.now()).next <= 1.0


def test_beat_begins_although_its_file_was_written_by_a_clock_that_was_ahead(
    house: House, line: "redis.Redis"
) -> None:
    house.launch("beat")
    wait_until(lambda: waiting(line), what="a tick")
    house.kill("beat")
    with shelve.open(str(house.folder / "var/beat/schedule"), writeback=True) as kept:
        for entry in kept["entries"].values():
            last: datetime = entry.last_run_at
            entry.last_run_at = last + HOUR
    line.flushall()

    house.launch("beat")

    wait_until(lambda: waiting(line) >= 2, what="two ticks")
