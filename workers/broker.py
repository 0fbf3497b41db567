"""Redis as tasks travel over it: kombu's transport, but neither a death of Redis nor a message ends the worker.

app.py names this transport "redis" in kombu's own table. Written for kombu 5.7.0 and Celery 5.7.0 (whose issues
4308 and 7975, of messages that end workers, are open); tests/workers/test_broker.py and
tests/faults/test_redis_dies.py fail when a later one no longer asks here.
"""

import json
import re
from base64 import b64encode
from datetime import datetime
from typing import Any

import redis
import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from workers.app import TASK_QUEUES, app

log = structlog.get_logger()

MESSAGE_BYTES_MAX = 4_000  # ours have 1,200

# What Celery 5.7 sends for a task that carries nothing. The rest are its name, its ids, its end and its limits.
_BODY = b64encode(
    json.dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()
).decode()
_HEADERS: dict[str, Any] = {
    "lang": "py",
    "shadow": None,
    "eta": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "parent_id": None,
    "argsrepr": "()",
    "kwargsrepr": "{}",
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": {},
}
_PROPERTIES: dict[str, Any] = {"delivery_mode": 2, "priority": 0, "body_encoding": "base64"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_END = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")
_SENDER = re.compile(r"[\w.@-]{1,300}", re.ASCII)
_MILLISECONDS = re.compile(r"\d{1,9}", re.ASCII)


def is_ours(queue: str, message: Any) -> bool:
    """Whether a message is, value for value, one that our own processes send to this queue.

    Celery trusts whatever it reads: one time limit that is no pair ends the worker, and one that it dislikes it
    writes into the log with all its content. Our messages have one shape only, so nothing else is let through.
    """
    try:
        return _is_like_ours(queue, message)
    except Exception:  # noqa: BLE001  (a list for a name, a year 10000: whatever it is, it is not ours)
        return False


def _is_like_ours(queue: str, message: Any) -> bool:
    headers, properties = message["headers"], message["properties"]
    task, id, end = headers["task"], headers["id"], headers["expires"]
    limits, ignores = headers["timelimit"], headers["ignore_result"]
    sender, reply_to, tag = headers["origin"], properties["reply_to"], properties["delivery_tag"]
    way: dict[str, Any] = {"exchange": "", "routing_key": queue}
    again = {"redelivered": True} if "redelivered" in headers else {}  # its worker died or lost Redis
    ours = {
        "body": _BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _HEADERS
        | again
        | {"task": task, "id": id, "root_id": id, "expires": end, "origin": sender}
        | {"timelimit": limits, "ignore_result": ignores}
        | ({"celery_beat_task": True} if "celery_beat_task" in headers else {}),
        "properties": _PROPERTIES
        | {"correlation_id": id, "reply_to": reply_to, "delivery_tag": tag, "delivery_info": way | again}
        | ({"expiration": properties["expiration"]} if "expiration" in properties else {}),
    }
    return (
        TASK_QUEUES[task] == queue
        and all(_ID.fullmatch(one) for one in (id, reply_to, tag))
        and (end is None or (bool(_END.fullmatch(end)) and bool(datetime.fromisoformat(end))))
        # Senders that know the task name its own limits, others none.
        and (limits, ignores) in (([None, None], None), (_limits(task), True), (_limits(task), None))
        and bool(_SENDER.fullmatch(sender))
        and bool(_MILLISECONDS.fullmatch(properties.get("expiration", "0")))
        # As text, because in Python 0 == False == 0.0.
        and json.dumps(message, sort_keys=True) == json.dumps(ours, sort_keys=True)
    )


def _limits(task: str) -> list[int]:
    limits = app.conf.task_annotations[task]
    return [limits["time_limit"], limits["soft_time_limit"]]


def _read(item: bytes) -> Any:
    """What a message says; None when it cannot be read."""
    if len(item) > MESSAGE_BYTES_MAX:
        return None
    try:
        return json.loads(item)
    except (ValueError, RecursionError):
        return None


def _refuse(queue: str, message: Any) -> None:
    """One line, with an id at most: what else stands there is a stranger's."""
    try:
        id = _ID.fullmatch(message["headers"]["id"])
    except Exception:  # noqa: BLE001
        id = None
    log.warning("message_refused", queue=queue, id=id and id.group())


class Client(redis.Redis):
    """Hands kombu only messages that are ours. A refused one is as if nobody had sent anything."""

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """Look at what the queue gave, while it is still bytes."""
        parent: Any = super()
        answer = parent.parse_response(connection, command_name, **options)
        if command_name != "BRPOP" or not answer:
            return answer
        place, item = answer
        queue = place.decode(errors="replace").partition(Channel.sep)[0]
        message = _read(item)
        if is_ours(queue, message):
            return answer
        _refuse(queue, message)
        return None


class QoS(kombu_redis.QoS):
    """What was fetched and not yet acknowledged; any worker gives it back to the queue after a while."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge; if Redis is away, be done with it here all the same.

        kombu 5.7.0 counts a message whose acknowledgement failed as one that this worker still has. Two such, and
        it holds the worker for full, never looks at its connection again, and is deaf for ever.
        """
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """As ack()."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Give one message back. One that cannot be read would be tried again, and fail, for ever: drop it."""
        try:
            super().restore_by_tag(tag, client=client, leftmost=leftmost)
        except (redis.RedisError, OSError):
            raise
        except Exception:  # noqa: BLE001
            self.reject(tag)
            _refuse("unacked", None)


class Channel(kombu_redis.Channel):
    """One connection's view of the queues."""

    QoS = QoS

    def _get_client(self) -> Any:
        return Client

    def _do_restore_message(
        self, payload: Any, exchange: Any, routing_key: Any, pipe: Any, leftmost: bool = False
    ) -> None:
        # kombu would write one that it cannot restore into the log, with all its content.
        if is_ours(routing_key, payload):
            parent: Any = super()
            parent._do_restore_message(payload, exchange, routing_key, pipe, leftmost)
        else:
            _refuse("unacked", payload)

    def _connparams(self, asynchronous: bool = False) -> Any:
        """Refuse politely when this channel's connection has been given up.

        When Redis dies, Celery 5.7 takes the connection from the channel before it closes the channel, and tasks
        that still run acknowledge to it later. Both then ask here where Redis is, and kombu 5.7.0 answers with
        an AttributeError (NoneType has no hostname, or no client), which ends the worker. An error of the
        connection is what both are prepared for. What was not acknowledged stays in Redis and is given out again.
        """
        parent: Any = super()
        transport: Any = self.connection
        if transport is None or transport.client is None:
            raise redis.ConnectionError("The connection of this channel was given up.")
        return parent._connparams(asynchronous)


class Transport(kombu_redis.Transport):
    """What app.py puts in the place of kombu's."""

    Channel = Channel
