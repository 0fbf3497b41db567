"""Hears PostgreSQL's NOTIFY and starts the task at once, so that the web never speaks to the broker.

Only a shortcut: a NOTIFY that nobody hears costs a call at most the second until the next look (eyes.py), a sheet the
ten until the timetable's next tick.
"""

import threading
import time
from multiprocessing.connection import wait

import psycopg
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from psycopg import sql
from psycopg.conninfo import make_conninfo

from casenet import config
from casenet.errors import place_of

log = structlog.get_logger()

# PostgreSQL channel: the queue that it belongs to, and what to start.
CHANNELS = {
    "alerts_due": ("alerts", "alerts.advance"),
    "sheets_due": ("sheets", "sheets.render"),
}
QUIET_SECONDS = 10.0  # look at the connection at least so often
AGAIN_SECONDS = 1.0
START_EXPIRES_SECONDS = 5


def open_ears(app: Celery, queues: set[str]) -> threading.Thread | None:
    """Listen for ever in a daemon thread to what concerns these queues; None when nothing does."""
    channels = tuple(name for name, (queue, _) in CHANNELS.items() if queue in queues)
    if not channels:
        return None
    ears = threading.Thread(target=_listen, args=(app, channels), name="ears", daemon=True)
    ears.start()
    return ears


def _listen(app: Celery, channels: tuple[str, ...]) -> None:
    """For ever: nobody would notice that this thread has ended."""
    while True:
        try:
            _hear(app, channels)
        except psycopg.Error as error:
            log.warning("ears_deaf", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001
            # A mistake of ours. A real worker's log is searched for this line by tests/workers/test_ears.py.
            log.error("ears_broken", error=type(error).__name__, place=place_of(error.__traceback__))
        time.sleep(AGAIN_SECONDS)


def _hear(app: Celery, channels: tuple[str, ...]) -> None:
    url = config.current().database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    address = make_conninfo(url, **config.DATABASE_PROBES)
    with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
        for channel in channels:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            start(app, CHANNELS[channel][1])  # what came while nobody listened
        while True:
            # A storm of notifications is one reason to look, not many.
            for channel in {note.channel for note in connection.notifies(timeout=0)}:
                start(app, CHANNELS[channel][1])
            # Not by notifies(timeout=…), which wakes ten times a second to see whether somebody pressed ctrl-C.
            if not wait([connection.fileno()], QUIET_SECONDS):
                connection.execute("SELECT 1")  # a dead connection says so here


def start(app: Celery, name: str) -> None:
    """Start a task of our own, or say that Redis is away."""
    try:
        app.send_task(name, retry=False, expires=START_EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        # Redis is away, or refuses; nightwatch will do it.
        log.warning("task_not_started", task=name, error=type(error).__name__)
