"""The guarantee behind the night call: a plain loop that needs PostgreSQL and nothing else.

Once a second it does whatever should have been done two seconds ago. While Celery works it finds nothing;
with Redis, beat or every worker dead, a doctor is called two seconds later than usual. Run two on two
machines: claims and row locks keep them from doing one thing twice.
"""

import signal
import threading
import time
from datetime import timedelta

import structlog

from casenet import config
from workers import logs, rounds

log = structlog.get_logger()

OVERDUE = timedelta(seconds=2)
TICK_SECONDS = 1.0


def watch(stop: threading.Event) -> None:
    """Do what is overdue, once a second, until told to stop. Survives restarts of PostgreSQL."""
    while not stop.is_set():
        started = time.monotonic()
        try:
            moved = rounds.move_alerts(OVERDUE)
            # Whoever should have moved them is away, so nobody will send what the move has just queued either.
            sent = rounds.send_pings(rounds.AT_ONCE if moved else OVERDUE)
            if moved or sent:
                log.warning("nightwatch_stepped_in", moved=moved, sent=sent)
            rounds.beat("nightwatch")
        except Exception as error:  # noqa: BLE001
            # PostgreSQL is away, most likely; the pool makes new connections when it is back. Whatever it is:
            # the last guard does not go home.
            log.error("nightwatch_blind", error=type(error).__name__)
        stop.wait(max(0.0, TICK_SECONDS - (time.monotonic() - started)))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logs.set_up(config.current().log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.set())
    log.info("nightwatch_started")
    watch(stop)


if __name__ == "__main__":
    main()
