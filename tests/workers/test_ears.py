"""The thread that hears NOTIFY outlives whatever goes wrong in it; a mistake of ours is still seen."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text

from casenet.config import Config
from casenet.database import notify, transaction
from tests.house import ROOT, House, wait_until
from tests.workers.working import last_round, works

ALONE = """
from casenet import config
from workers import ears, logs
from workers.app import app

logs.set_up("info")
{before}
ears.open_ears(app, {{"alerts"}}).join()
"""
MISTAKE = """
ears.CHANNELS["sheets_due"] = ("alerts", ["no name"])
"""


@pytest.fixture
def line(database: Config) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(database.redis_url) as opened:
        yield opened


class Ears:
    """A process that does nothing but hear."""

    def __init__(self, folder: Path, before: str = "") -> None:
        self.log = folder / "ears.log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", ALONE.format(before=before)]
            self.child = subprocess.Popen(command, env=os.environ, cwd=ROOT, stdout=log, stderr=log)

    def said(self, event: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if f'"event": "{event}"' in line]


@pytest.fixture
def hear(database: Config, tmp_path: Path) -> Iterator[Callable[[str], Ears]]:
    started: list[Ears] = []

    def start(before: str = "") -> Ears:
        started.append(Ears(tmp_path, before))
        return started[-1]

    yield start
    for ears in started:
        ears.child.kill()
        ears.child.wait()


def ring(channel: str = "alerts_due") -> None:
    with transaction() as session:
        notify(session, channel)


def waiting(line: "redis.Redis") -> int:
    return int(line.llen("alerts"))  # pyright: ignore[reportArgumentType]


def test_a_mistake_of_ours_is_told_and_does_not_silence_them(
    hear: Callable[..., Ears], line: "redis.Redis"
) -> None:
    ears = hear(MISTAKE)

    wait_until(lambda: len(ears.said("ears_broken")) >= 2, what="two tellings")

    assert ears.child.poll() is None
    assert {one["error"] for one in ears.said("ears_broken")} == {"TypeError"}
    assert "Traceback" not in ears.log.read_text()
    assert waiting(line) >= 2  # what is listened to before the mistake is heard at every new beginning


def test_they_hear_again_when_their_session_is_ended(hear: Callable[..., Ears], line: "redis.Redis") -> None:
    ears = hear()
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
