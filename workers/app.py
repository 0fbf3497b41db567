"""Celery: the fast road. Queues, limits, and the whole timetable of the system.

No task carries a time (ETA, countdown) or a content: tasks take no arguments, do what is due in PostgreSQL,
and may be lost, doubled or late without harm. No monkey patching here: prefork processes are plain Python.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_ready
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from casenet import config
from workers import ears, eyes, logs
from workers.every import Every

MODULES = ("workers.alerts", "workers.sheets", "workers.housekeeping")

# Every task is one short round. Longer means that something hangs: end it, and let the next one try.
ALERT_SECONDS = 30  # a batch of pings on a slow mail server, twice
SHEET_SECONDS = 120  # a document of two pages takes a second; the rest is a very busy machine
# After this Redis hands a dead worker's task to another. Longer than the longest task, or it would run twice
# at once; nothing urgent waits for it, because the next round finds the same rows.
VISIBILITY_SECONDS = SHEET_SECONDS + 30
RESTORE_SECONDS = 10  # how often a worker looks for such tasks
# A worker asks Redis anew so often; what comes meanwhile comes at once. An idle one ends so much later at most.
ASK_SECONDS = 5
# Apart, so that a call never waits behind a slow sheet: alone in one queue it waited 30 s.
QUEUES = ("alerts", "sheets", "housekeeping")

# What is due is started by ears and eyes. The ticks are for what these miss, and show that the whole road is open.
TIMETABLE: dict[str, dict[str, Any]] = {
    "move due alerts, send due pings": {"task": "alerts.advance", "schedule": 10.0},
    "render released sheets": {"task": "sheets.render", "schedule": 10.0},
    "remind of missing receipts": {"task": "sheets.remind", "schedule": 300.0},
    "put away what is over": {"task": "housekeeping.expire", "schedule": 600.0},
}


def broker_url(redis_url: str) -> str:
    """Redis as Celery names it: a Unix socket is redis+socket://."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def _limits(queue: str) -> dict[str, int]:
    if queue == "alerts":
        return {"time_limit": ALERT_SECONDS, "soft_time_limit": ALERT_SECONDS - 5}
    return {"time_limit": SHEET_SECONDS, "soft_time_limit": SHEET_SECONDS - 10}


def _settings() -> dict[str, Any]:
    return {
        "broker_url": broker_url(config.current().redis_url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # Redis may be away for the night; nightwatch is there
        # A Redis that refuses (its disk or memory is full, a key is of the wrong kind) ends no worker either.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_SECONDS,
            # Without the second it is looked only each tenth time for what a killed worker has left.
            "unacked_restore_interval": RESTORE_SECONDS,
            "unacked_restore_throttle": 1,
            "polling_interval": ASK_SECONDS,
            # A broker that vanishes without a word is noticed.
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "health_check_interval": 5,
        },
        "task_ignore_result": True,  # with a result back-end, a dead Redis blocked a caller for 19 s
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,  # a fetched task would wait behind a slow one
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_queues": [Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        "task_default_queue": "housekeeping",
        "task_create_missing_queues": False,
        "task_routes": {name: {"queue": queue} for name, queue in TASK_QUEUES.items()},
        # One by one: Celery lets what is said of "*" win over what is said of a name.
        "task_annotations": {name: _limits(queue) for name, queue in TASK_QUEUES.items()},
        # Whoever can write to Redis could otherwise stop our workers with one message.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_max_tasks_per_child": 2000,  # gives back what a library may leak
        "beat_schedule": {
            name: row
            | {
                "schedule": Every(row["schedule"]),
                # A tick that nobody has fetched by the next one is worthless: that does the same work.
                "options": {"expires": row["schedule"]},
            }
            for name, row in TIMETABLE.items()
        },
        "beat_max_loop_interval": 10,
        "timezone": "UTC",
        "enable_utc": True,
    }


# A task is named after its queue.
TASK_QUEUES = {str(row["task"]): str(row["task"]).partition(".")[0] for row in TIMETABLE.values()}

# Whoever says redis:// to kombu gets ours. A name, so that it is loaded after this module.
TRANSPORT_ALIASES["redis"] = "workers.broker:Transport"

app = Celery("casenet", include=[name for name in MODULES if find_spec(name)])
app.add_defaults(_settings)


@setup_logging.connect
def _log(**_: Any) -> None:
    logs.set_up(config.current().log_level, TASK_QUEUES)


@celeryd_init.connect
def _say_nothing_else(**_: Any) -> None:
    """In the main process of a worker, which warns and answers signals in plain text, past its own logs."""
    _log()
    program: Any = import_module("celery.apps.worker")
    program.safe_say = logs.told_to_end


@worker_ready.connect
def _listen(sender: Any, **_: Any) -> None:
    """In the main process of a worker: hear and see what is due for the queues that this worker serves."""
    queues = set(sender.app.amqp.queues.consume_from)
    ears.open_ears(app, queues)
    eyes.open_eyes(app, queues)
