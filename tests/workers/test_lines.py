"""Every line of a background process is JSON with ids and codes, whoever speaks and whatever goes wrong."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError

from casenet.cli.servers import OWNER
from casenet.config import Config
from tests.conftest import Servers
from tests.house import House, wait_until
from tests.workers.working import send, works
from workers import rounds

MARK = "架空の症状"
KEYS = {"event", "level", "timestamp", "library", "function", "task", "task_id", "error", "place"}
FAILING = f"""
create function fail() returns trigger language plpgsql as $$
begin raise exception '{MARK}'; end $$;
create trigger fail before insert or update on heartbeat for each row execute function fail();
"""

Line = dict[str, Any]


@pytest.fixture
def owner(database: Config, servers: Servers) -> Iterator["psycopg.Connection[Any]"]:
    """The database as its owner, who may give it a trigger."""
    url = servers.url(make_url(database.database_url).database or "", OWNER).replace(
        "postgresql+psycopg://", "postgresql://", 1
    )
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


def lines(house: House, name: str) -> list[Line]:
    """Every line of a process's output; fails on one that is not JSON."""
    return [json.loads(line) for line in house.log(name).splitlines()]


def said(house: House, name: str, event: str) -> Callable[[], list[Line]]:
    return lambda: [line for line in lines(house, name) if line["event"] == event]


def end(house: House, name: str) -> None:
    """An orderly end, as Docker asks for it."""
    child = house.running[name]
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=20)


def test_a_task_that_fails_says_its_kind_and_place_and_not_its_words(
    house: House, owner: "psycopg.Connection[Any]"
) -> None:
    house.launch("worker")
    works(house)
    owner.execute(FAILING.encode())
    with pytest.raises(ProgrammingError, match=MARK):
        rounds.beat("a failing one")

    send()
    failed = wait_until(said(house, "worker", "task_failed"), what="a failing task")[0]
    house.launch("nightwatch")
    blind = wait_until(said(house, "nightwatch", "nightwatch_blind"), what="a failing round")[0]

    assert (failed["task"], failed["error"]) == ("alerts.advance", "ProgrammingError")
    assert len(failed["task_id"]) == 36
    assert re.match(r"alerts\.py:\d+ > rounds\.py:\d+ > ", failed["place"])
    assert set(failed) == KEYS
    assert set(blind) == {"event", "level", "timestamp", "error"}
    for name in ("worker", "nightwatch"):
        assert MARK not in house.log(name)
        assert json.dumps(MARK)[1:-1] not in house.log(name)


def test_what_celery_says_of_dying_children_and_of_its_end_is_json(house: House) -> None:
    house.launch("worker")
    house.launch("beat")
    works(house)

    for child in children(house.running["worker"]):
        os.kill(child, signal.SIGKILL)
    works(house)
    end(house, "beat")
    end(house, "worker")

    assert said(house, "worker", "told_to_end")()
    assert "multiprocessing" in {line["library"] for line in said(house, "worker", "library_spoke")()}
    for name in ("worker", "beat"):
        assert {key for line in lines(house, name) for key in line} <= KEYS


def children(parent: "subprocess.Popen[bytes]") -> list[int]:
    """The processes of a worker that do its tasks."""
    listed = subprocess.run(["pgrep", "-P", str(parent.pid)], capture_output=True, text=True, check=True)
    return [int(number) for number in listed.stdout.split()]
