"""Redis pub/sub that carries ids and numbers, never content. Losing a ring costs at most a 20-second look.

Ringing never raises and never waits long: when Redis does not answer, rings are dropped for a moment, so
that a dead Redis slows no request.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from casenet import config

log = structlog.get_logger()

CHANNEL = "casenet:bell"
SOCKET_SECONDS = 0.5  # a local Redis answers in a millisecond; longer means that it is not there
SILENT_SECONDS = 1.0  # after a failure, do not try again for so long: every request would wait
HEALTH_CHECK_SECONDS = 5  # of silence, then we ask; so long again, and the peer has died without a word


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring: for a group that reached `sequence`, or for a person because of `reason` (a code and ids)."""

    group_id: UUID | None = None
    sequence: int = 0
    person_id: UUID | None = None
    reason: str = ""


DEAF = Ring(reason="deaf")


@cache
def _redis() -> "redis.Redis":
    url = config.current().redis_url
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS
    )


def _connection(**options: Any) -> Any:
    """A bare connection: redis-py's client spends three times as long on a call as the call itself."""
    pool = redis.ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
        config.current().redis_url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),  # pyright: ignore[reportArgumentType]
        socket_connect_timeout=SOCKET_SECONDS,
        **options,
    )
    return pool.make_connection()  # pyright: ignore[reportUnknownMemberType]


_silent_until = 0.0
_unrung: set[UUID] = set()
PEOPLE_MAX = 1000  # of one ring; a team has ten members, the largest a few dozen
UNRUNG_MAX = 10_000  # groups; beyond that every phone's own look finds what is new


def ring_group(group_id: UUID, sequence: int) -> None:
    """Say that the group has reached this number. Call after commit."""
    if not _publish({"g": group_id.hex, "n": sequence}) and len(_unrung) < UNRUNG_MAX:
        _unrung.add(group_id)


def ring_again() -> None:
    """Ring for the groups whose bell was lost while Redis was away; a few thousand ids at most."""
    while _unrung:
        group_id = _unrung.pop()
        if not _publish({"g": group_id.hex, "n": 0}):
            _unrung.add(group_id)
            return


def ring_person(person_id: UUID, reason: str) -> None:
    """Say that something changed for one person: "session", "group:<id>", "alert:<id>"."""
    ring_people([person_id], reason)


def ring_people(person_ids: Collection[UUID], reason: str) -> None:
    """The same to several at once: who is called at night must not wait for a line of messages."""
    if person_ids:
        _publish({"p": [person_id.hex for person_id in person_ids], "r": reason})


_free: list[Any] = []  # connections that nobody publishes on now


def _publish(message: dict[str, Any]) -> bool:
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    # None may be left, also since we looked: senders are threads. Or it has died: Redis was started anew.
    with suppress(IndexError, redis.RedisError):
        return _say(_free.pop(), message)
    _free.clear()
    try:
        return _say(_connection(socket_timeout=SOCKET_SECONDS), message)
    except redis.RedisError as error:
        _silent_until = time.monotonic() + SILENT_SECONDS
        log.warning("bell_lost", error=type(error).__name__)
        return False


def _say(connection: Any, message: dict[str, Any]) -> bool:
    try:
        connection.send_command("PUBLISH", CHANNEL, orjson.dumps(message), check_health=False)
        connection.read_response()
    except BaseException:
        connection.disconnect()
        raise
    _free.append(connection)
    return True


def answers() -> bool:
    """True when Redis answers now."""
    try:
        return bool(_redis().ping())  # pyright: ignore[reportUnknownMemberType]
    except redis.RedisError:
        return False


def listen() -> Iterator[Ring | None]:
    """Hear every ring, for ever, also over restarts of Redis.

    Yields None once after each (re)connection: rings may have been missed, look at everything. Yields DEAF
    when the connection is lost: until the next None nothing is heard.
    """
    while True:
        # redis-py's PubSub takes up a lost connection again without a word, and we must know.
        ear = _connection()
        try:
            ear.connect()
            ear.send_command("SUBSCRIBE", CHANNEL)
            yield None
            yield from _hear(ear)
        except (redis.RedisError, OSError) as error:
            log.warning("bell_deaf", error=type(error).__name__)
            yield DEAF
            time.sleep(SILENT_SECONDS)
        finally:
            ear.disconnect()


def _hear(ear: Any) -> Iterator[Ring]:
    is_asked = False
    while True:
        try:
            answer = ear.read_response(timeout=HEALTH_CHECK_SECONDS, disconnect_on_error=False)
        except redis.TimeoutError:
            if is_asked:
                raise
            ear.send_command("PING", check_health=False)
            is_asked = True
            continue
        is_asked = False
        if isinstance(answer, list) and answer[0] == b"message":
            yield from _read(answer[2])  # pyright: ignore[reportUnknownArgumentType]


def _read(data: object) -> tuple[Ring, ...]:
    """Nothing for anything that is not a ring: whoever writes to Redis can at most make us look."""
    try:
        message: Any = orjson.loads(data) if isinstance(data, (bytes, str)) else {}
        if "g" in message:
            return (Ring(group_id=UUID(message["g"]), sequence=int(message["n"])),)
        reason = str(message["r"])[:80]
        people = dict.fromkeys(message["p"][:PEOPLE_MAX])
        return tuple(Ring(person_id=UUID(person), reason=reason) for person in people)
    except Exception:  # noqa: BLE001  (an infinite number, a thousand brackets: nothing may end the listening)
        return ()
