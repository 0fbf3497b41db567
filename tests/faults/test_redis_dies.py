"""kill -9 of Redis while tasks are under way: the worker itself lives, hears again, and loses none of them."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import redis
from kombu.exceptions import OperationalError

from casenet.cli.servers import Redis
from casenet.config import Config
from tests.conftest import Running, Servers
from tests.house import House, wait_until
from tests.workers.working import listens, rounds_held, send, works
from workers.app import app, broker_url


@pytest.fixture
def server(servers: Servers, database: Config) -> Running:
    """A Redis that keeps everything over kill -9, as production's does."""
    running = servers.redis
    running.stop()
    assert isinstance(running.server, Redis)
    running.server = replace(running.server, durable=True)
    running.start()
    return running


@pytest.fixture
def line(server: Running, database: Config) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(database.redis_url) as opened:
        yield opened


def unacknowledged(line: "redis.Redis") -> dict[bytes, bytes]:
    return line.hgetall("unacked")  # pyright: ignore[reportReturnType]


def under_way(line: "redis.Redis") -> set[str]:
    """The ids of the tasks that are fetched and not acknowledged."""
    return {json.loads(kept)[0]["headers"]["id"] for kept in unacknowledged(line).values()}


def let_time_pass(line: "redis.Redis") -> None:
    """As if what is not acknowledged had been fetched long ago."""
    for tag in unacknowledged(line):
        line.zadd("unacked_index", {tag: 1}, xx=True)


def settled(line: "redis.Redis") -> bool:
    """Whether every task is done and acknowledged."""
    let_time_pass(line)
    return not line.llen("alerts") and not unacknowledged(line)


def test_a_worker_that_could_not_acknowledge_hears_again_and_loses_no_task(
    server: Running, line: "redis.Redis", house: House
) -> None:
    house.launch("worker")
    wait_until(listens, what="open ears")
    works(house)
    wait_until(lambda: settled(line), what="an idle worker")

    with rounds_held():
        # As many as it has processes, so that it fetches no more.
        ours = {send() for _ in range(2)}
        wait_until(lambda: under_way(line) == ours, what="two tasks under way")
        server.kill()
        time.sleep(0.5)
    wait_until(
        lambda: "message.py:ack_log_error" in house.log("worker"), what="an acknowledgement that fails"
    )
    server.start()
    assert unacknowledged(line)

    works(house)
    wait_until(lambda: settled(line), what="an end of the tasks that were not acknowledged")
    assert "message_refused" not in house.log("worker")
    works(house)
    for said in house.log("worker").splitlines():
        json.loads(said)


def test_under_a_stream_of_tasks_redis_dies_again_and_again(
    server: Running, line: "redis.Redis", house: House
) -> None:
    house.launch("worker")
    works(house)
    chance, ended = Random(5), threading.Event()
    sender = threading.Thread(target=_send_on, args=(ended,))
    sender.start()
    try:
        for _ in range(6):
            time.sleep(chance.uniform(0.2, 1.0))
            server.kill()
            time.sleep(chance.choice((0.0, 0.1, 0.5)))
            server.start()
            works(house)
    finally:
        ended.set()
        sender.join()

    works(house)
    wait_until(lambda: settled(line), what="an end of every task")
    assert "worker.py:start" not in house.log("worker")  # Celery's "Unrecoverable error"


def _send_on(ended: threading.Event) -> None:
    while not ended.wait(0.01):
        try:
            send()
        except (OperationalError, OSError):
            time.sleep(0.05)


def test_a_channel_whose_connection_was_given_up_says_so(server: Running, database: Config) -> None:
    """The steps that Celery takes when it has lost Redis (Consumer.on_connection_error_after_connected)."""
    send()
    connection = app.connection_for_read(broker_url(database.redis_url))
    channel: Any = connection.default_channel
    transport: Any = connection.transport
    message = channel.basic_get("alerts")
    channel.basic_consume("alerts", no_ack=False, callback=print, consumer_tag="a worker's")
    transport.cycle.on_poll_start()  # a reply is awaited, as in a worker with a free process
    server.kill()

    connection.collect()
    with suppress(*connection.connection_errors):
        connection.close()

    channel._disconnect_pools()
    message.ack_log_error(logging.getLogger("test"), connection.connection_errors)
