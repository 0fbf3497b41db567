"""Redis as the workers see it, and processes that do one thing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from casenet.config import Config
from tests.workers.working import Alone


@pytest.fixture
def line(database: Config) -> Iterator["redis.Redis"]:
    """A connection to the workers' Redis."""
    with redis.Redis.from_url(database.redis_url) as opened:
        yield opened


@pytest.fixture
def alone(database: Config, tmp_path: Path) -> Iterator[Callable[[str], Alone]]:
    """Start a process that does nothing but what this code says."""
    started: list[Alone] = []

    def start(code: str) -> Alone:
        started.append(Alone(tmp_path, code))
        return started[-1]

    yield start
    for process in started:
        process.end()
