"""Redis may die, refuse, or hand out what a stranger wrote: a real worker goes on, and says nothing of it."""

import json
import time
from base64 import b64encode
from copy import deepcopy
from typing import Any

import pytest
import redis

from tests.house import House, wait_until
from tests.workers.working import send, works
from workers.broker import MESSAGE_BYTES_MAX, is_ours

MARK = "架空の症状"
Message = dict[str, Any]


@pytest.fixture
def message(line: "redis.Redis") -> Message:
    """One of ours, as it lies in Redis."""
    send(expires=5)
    return json.loads(waiting(line, "alerts")[0])


def waiting(line: "redis.Redis", queue: str) -> list[bytes]:
    """What lies in a queue; it is empty afterwards."""
    found: list[bytes] = line.lrange(queue, 0, -1)  # pyright: ignore[reportAssignmentType]
    line.delete(queue)
    return found


def changed(message: Message, path: str, value: Any) -> bytes:
    """The message with another value at a.b.c; without one when the value is `...`."""
    copy = deepcopy(message)
    place, *steps = copy, *path.split(".")
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return json.dumps(copy).encode()


def body(content: Any) -> str:
    return b64encode(content if isinstance(content, bytes) else json.dumps(content).encode()).decode()


STEPS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
STRANGE_VALUES: list[tuple[str, Any]] = [
    ("headers.timelimit", "x"),
    ("headers.timelimit", [MARK, None]),
    ("headers.timelimit", [0.001, 0.001]),
    ("headers.timelimit", [None]),
    ("headers.retries", MARK),
    ("headers.retries", False),
    ("headers.eta", MARK),
    ("headers.eta", "9999-12-31T23:59:59-14:00"),
    ("headers.eta", 10**30),
    ("headers.eta", "2099-01-01T00:00:00+00:00"),
    ("headers.expires", MARK),
    ("headers.expires", 10**30),
    ("headers.expires", "9999-12-31T23:59:59-14:00"),
    ("headers.expires", {"__type__": "datetime", "__value__": 5}),
    ("headers.task", MARK),
    ("headers.task", "celery.backend_cleanup"),
    ("headers.task", "sheets.render"),
    ("headers.task", [MARK]),
    ("headers.task", ...),
    ("headers.id", MARK),
    ("headers.id", None),
    ("headers.id", ...),
    ("headers.lang", "klingon"),
    ("headers.argsrepr", MARK),
    ("headers.shadow", {"a": 1}),
    ("headers.stamped_headers", 5),
    ("headers.stamps", [MARK]),
    ("headers.compression", "zlib"),
    ("headers.celery_beat_task", MARK),
    ("headers.redelivered", MARK),
    ("headers.unheard", MARK),
    ("headers", None),
    ("headers", [MARK]),
    ("headers", ...),
    ("properties", ...),
    ("properties", MARK),
    ("properties.delivery_tag", ...),
    ("properties.delivery_tag", [MARK]),
    ("properties.delivery_info", ...),
    ("properties.delivery_info", MARK),
    ("properties.delivery_info.routing_key", "sheets"),
    ("properties.body_encoding", "rot13"),
    ("properties.reply_to", 7),
    ("properties.priority", MARK),
    ("properties.expiration", 5000),
    ("content-type", "application/x-python-serialize"),
    ("content-encoding", "utf-7"),
    ("body", MARK),
    ("body", 5),
    ("body", ...),
    ("body", body(MARK.encode())),
    ("body", body([])),
    ("body", body([[MARK], {}, STEPS])),
    ("body", body([[], {"a": MARK}, STEPS])),
    ("body", body([[], {}, STEPS | {"chain": [{"task": "alerts.advance"}]}])),
    ("body", body({"task": "alerts.advance", "id": "1", "args": [], "kwargs": {}})),
]
STRANGE_BYTES = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"x"',
    b"5",
    b"NaN",
    b"9" * 5_000,
    b"[" * 3_900,
    b'{"__type__": "uuid", "__value__": 5}',
    b'{"__type__": "unheard", "__value__": 5}',
    json.dumps({"task": "alerts.advance", "id": MARK, "args": [], "kwargs": {}, "eta": MARK}).encode(),
]


def strange(message: Message) -> list[bytes]:
    large = changed(message, "headers.origin", "x" * MESSAGE_BYTES_MAX)
    return [*STRANGE_BYTES, large, *(changed(message, *one) for one in STRANGE_VALUES)]


def refused(house: House) -> list[Message]:
    lines = [line for line in house.log("worker").splitlines() if '"message_refused"' in line]
    return [json.loads(line) for line in lines]


def test_what_our_processes_send_is_ours(line: "redis.Redis", house: House) -> None:
    house.launch("beat")
    for name in ("alerts", "sheets"):
        wait_until(lambda name=name: line.llen(name), what=f"a tick for {name}")
    house.kill("beat")
    send("sheets.remind")
    send("housekeeping.expire", expires=600.0)

    for name in ("alerts", "sheets", "housekeeping"):
        found = waiting(line, name)
        assert found
        for raw in found:
            assert len(raw) < MESSAGE_BYTES_MAX / 2
            assert is_ours(name, json.loads(raw))


def test_nothing_else_is_ours(message: Message) -> None:
    assert is_ours("alerts", message)
    assert not is_ours("sheets", message)
    for raw in strange(message):
        try:
            read = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        assert not is_ours("alerts", read), raw[:2_000]


def test_no_strangers_message_ends_a_worker_or_is_repeated_in_its_log(
    message: Message, line: "redis.Redis", house: House
) -> None:
    house.launch("worker")
    works(house)
    sent = strange(message)

    for raw in sent:
        line.lpush("alerts", raw)
        line.lpush("alerts\x06\x169", raw)  # the queue's most urgent part
    wait_until(lambda: len(refused(house)) == 2 * len(sent), what="an end of the strangers' messages")

    works(house)
    said = house.log("worker")
    assert MARK not in said
    assert json.dumps(MARK)[1:-1] not in said
    assert "Traceback" not in said
    assert {frozenset(one) for one in refused(house)} == {
        frozenset(("queue", "id", "event", "level", "timestamp"))
    }
    wait_until(lambda: line.hlen("unacked") == 0, what="an acknowledgement")


def test_a_strangers_message_among_the_unacknowledged_is_dropped(
    message: Message, line: "redis.Redis", house: House
) -> None:
    entries = [b"{", b"[]", b"5", b"[" * 3_000, json.dumps([message, "", "alerts"]).encode()]
    entries += [
        b"[%s, %s]" % (raw, rest)
        for raw in (changed(message, "headers.eta", MARK), b"[]", b'"x"')
        for rest in (b'"", "alerts"', b'{"a": 1}, [2]')
    ]
    house.launch("worker")
    works(house)

    for number, entry in enumerate(entries):
        line.hset("unacked", f"tag{number}", entry)  # pyright: ignore[reportArgumentType]
        line.zadd("unacked_index", {f"tag{number}": number})
    wait_until(lambda: not line.hlen("unacked"), what="an end of the strangers' messages")

    works(house)
    assert len(refused(house)) == len(entries) - 1
    said = house.log("worker")
    assert MARK not in said
    assert json.dumps(MARK)[1:-1] not in said
    assert "Traceback" not in said


def test_a_redis_that_refuses_ends_no_worker(line: "redis.Redis", house: House) -> None:
    house.launch("worker")
    works(house)

    line.config_set("min-replicas-to-write", 1)  # every write is answered by an error, as with a full disk
    try:
        time.sleep(3)
    finally:
        line.config_set("min-replicas-to-write", 0)
    works(house)

    line.delete("alerts")
    line.set("alerts", MARK)  # a key of the wrong kind
    time.sleep(3)
    line.delete("alerts")
    works(house)
    assert MARK not in house.log("worker")
