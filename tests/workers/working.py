"""A real worker that works, or is held up in the middle of its work; one thread of it alone."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import text

from casenet import config, escalation
from casenet.database import transaction
from tests.house import ROOT, House, wait_until
from workers.app import app, broker_url


def last_round(process: str = "alerts.advance") -> datetime | None:
    """When a round of this name was last done."""
    with transaction() as session:
        return escalation.heartbeats(session).get(process)


def send(task: str = "alerts.advance", expires: float | None = None) -> str:
    """Start a task as beat does; returns its id.

    Not over the app's own pool, which remembers the Redis of an earlier test.
    """
    with app.connection_for_write(broker_url(config.current().redis_url)) as line:
        return str(app.send_task(task, connection=line, retry=False, expires=expires).id)


def works(house: House, *, seconds: float = 20) -> None:
    """Wait until the worker for alerts has done one more round. Fails when it has ended."""
    before = last_round()

    def done() -> bool:
        send(expires=5)
        assert house.running["worker"].poll() is None, house.log("worker")[-2_000:]
        return last_round() != before

    wait_until(done, seconds=seconds, what="a round of the worker")


def listens() -> bool:
    """Whether the ears of a worker are open: at their first moment they start a task of their own."""
    with transaction() as session:
        heard = text("select count(*) from pg_stat_activity where query like 'LISTEN%'")
        return bool(session.scalar(heard))


@contextmanager
def rounds_held() -> Generator[None]:
    """No round ends meanwhile: somebody has the row into which it writes that it is done."""
    with transaction() as session:
        session.execute(text("select 1 from heartbeat where process = 'alerts.advance' for update"))
        yield


ALONE = """
from casenet import config
from workers import ears, eyes, logs
from workers.app import app

logs.set_up("info")
"""


class Alone:
    """A process that does nothing but what `code` says."""

    def __init__(self, folder: Path, code: str) -> None:
        self.log = folder / "alone.log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", ALONE + code]
            self.child = subprocess.Popen(command, env=os.environ, cwd=ROOT, stdout=log, stderr=log)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Its lines about this event."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if f'"event": "{event}"' in line]

    def end(self) -> None:
        """kill -9."""
        self.child.kill()
        self.child.wait()


def waiting(line: "redis.Redis", queue: str = "alerts") -> int:
    """How many tasks wait in a queue."""
    return int(line.llen(queue))  # pyright: ignore[reportArgumentType]


def is_idle() -> bool:
    """Whether no call's task waits or is under way."""
    with redis.Redis.from_url(config.current().redis_url) as line:
        return not waiting(line) and not line.hlen("unacked")
