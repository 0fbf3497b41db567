"""Looks once a second for what has become due and starts the task, so that no tick travels over Redis in vain."""

import threading
import time

import structlog
from celery import Celery

from workers import rounds
from workers.ears import start

log = structlog.get_logger()

# A step of a chain is this much late at most; nightwatch steps in at two. Without Redis a task that cannot be started
# holds us up for seconds, and nightwatch does all of it.
LOOK_SECONDS = 1.0


def open_eyes(app: Celery, queues: set[str]) -> threading.Thread | None:
    """Look for ever in a daemon thread; None where nobody serves the queue of calls."""
    if "alerts" not in queues:
        return None
    eyes = threading.Thread(target=_look, args=(app,), name="eyes", daemon=True)
    eyes.start()
    return eyes


def _look(app: Celery) -> None:
    """For ever, as the ears do."""
    while True:
        try:
            if rounds.anything_due():
                start(app, "alerts.advance")
        except Exception as error:  # noqa: BLE001
            # PostgreSQL is away, most likely.
            log.warning("eyes_blind", error=type(error).__name__)
        time.sleep(LOOK_SECONDS)
