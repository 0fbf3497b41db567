"""Structured logs of the background processes: JSON lines on standard output, ids only."""

import logging
import os
import sys
from contextlib import suppress

import structlog


class Lines:
    """Standard output, a line at a time. It may be full or gone: then a line is lost, never the process.

    No buffer and no lock: a worker that is forked while another thread writes would inherit the lock, closed.
    """

    def msg(self, line: str) -> None:
        """Write one line."""
        with suppress(OSError, ValueError):
            os.write(sys.stdout.fileno(), f"{line}\n".encode())

    log = debug = info = warn = warning = error = exception = fatal = critical = msg


def set_up(level: str) -> None:
    """JSON lines on standard output. Celery's own lines name tasks, which carry no arguments."""
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s", force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=lambda *_: Lines(),
        cache_logger_on_first_use=True,
    )
