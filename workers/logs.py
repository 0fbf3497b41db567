"""Structured logs of the background processes: JSON lines on standard output, ids and codes only."""

import logging
import os
import re
import sys
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from types import TracebackType

import structlog

from casenet.errors import place_of

log = structlog.get_logger()

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Lines:
    """Standard output, a line at a time. It may be full or gone: then a line is lost, never the process.

    No buffer and no lock: a worker that is forked while another thread writes would inherit the lock, closed.
    """

    def msg(self, line: str) -> None:
        """Write one line."""
        with suppress(OSError, ValueError):
            os.write(sys.stdout.fileno(), f"{line}\n".encode())

    log = debug = info = warn = warning = error = exception = fatal = critical = msg


class Libraries(logging.Handler):
    """What Celery and other libraries say, without their words: these repeat errors' texts and tasks' arguments.

    Left are who said it and in which function, the error's kind and place, and the task with its id.
    """

    def __init__(self, tasks: Collection[str]) -> None:
        super().__init__(logging.WARNING)
        self._tasks = tasks

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line of codes, whatever stands in the record."""
        values: list[object] = [
            *(record.args.values() if isinstance(record.args, Mapping) else record.args or ())
        ]
        words = [value for value in values if isinstance(value, str)]
        kind, error, trace = record.exc_info or (None, None, None)
        if kind is None:
            error = next((value for value in (record.msg, *values) if isinstance(value, BaseException)), None)
            kind, trace = (type(error), error.__traceback__) if error else (None, None)
        facts = {
            "library": record.name,
            "function": f"{record.filename}:{record.funcName}",
            "task": next((word for word in words if word in self._tasks), None),
            "task_id": next((word for word in words if _ID.fullmatch(word)), None),
            "error": kind and kind.__name__,
            "place": place_of(trace) or None,
        }
        said = {name: fact for name, fact in facts.items() if fact}
        # Not log.log(): libraries have levels of their own, which structlog does not know.
        speak = log.error if record.levelno >= logging.ERROR else log.warning
        speak("task_failed" if "task" in said and kind else "library_spoke", **said)


def set_up(level: str, tasks: Collection[str] = ()) -> None:
    """JSON lines on standard output, also for what libraries say and for what nobody caught.

    tasks   Names that may stand in a line when a library names them.
    """
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
    libraries = Libraries(tasks)
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)
    logging.lastResort = libraries  # billiard's logger hands nothing on and has no handler of its own
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda what: _uncaught(what.exc_type, what.exc_value, what.exc_traceback)
    sys.unraisablehook = lambda what: _uncaught(what.exc_type, what.exc_value, what.exc_traceback)


def told_to_end(*_: object) -> None:
    """In place of the sentences that Celery writes when a signal comes."""
    log.info("told_to_end")


def _uncaught(kind: type[BaseException], _: BaseException | None, trace: TracebackType | None) -> None:
    log.error("uncaught", error=kind.__name__, place=place_of(trace))
