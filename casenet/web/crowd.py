"""Load is shed before the ceiling: a short queue, then a clear refusal; urgent calls pass both.

Past its ceiling a gevent server falls off a cliff (docs/performance.md): everybody waits seconds. So at most
AT_ONCE_MAX ordinary requests work at once, WAITING_MAX wait for at most WAIT_SECONDS, and the rest hear "busy",
keep their post in the outbox and come back. The connections that this leaves over in the pool belong to live
deliveries and to urgent calls.
"""

from flask import g
from gevent.lock import BoundedSemaphore

from casenet.errors import Busy

AT_ONCE_MAX = 14  # of a pool of 20: 4 for deliveries, 2 that ordinary work never takes
WAITING_MAX = 250  # about a quarter of a second of work for one process
WAIT_SECONDS = 1.0
RETRY_SECONDS = 2

_places = BoundedSemaphore(AT_ONCE_MAX)
_waiting = 0


def queue_up() -> None:
    """Take a place for this request, waiting a little. Raises Busy when there are too many already."""
    global _waiting
    if not _places.acquire(blocking=False):
        if _waiting >= WAITING_MAX:
            raise Busy("busy", retry_after_seconds=RETRY_SECONDS)
        _waiting += 1
        try:
            if not _places.acquire(timeout=WAIT_SECONDS):
                raise Busy("busy", retry_after_seconds=RETRY_SECONDS)
        finally:
            _waiting -= 1
    g.has_place = True


def leave() -> None:
    """Give the place back."""
    if g.pop("has_place", False):
        _places.release()
