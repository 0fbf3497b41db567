"""Structured logs with ids only, and the numbers that Prometheus asks for."""

import logging
import sys
import time
from functools import cache

import structlog
from flask import Response, g, request
from prometheus_client import Counter, Histogram

log = structlog.get_logger()

REQUESTS = Counter("casenet_requests_total", "Answers by endpoint and status", ["endpoint", "status"])
SECONDS = Histogram(
    "casenet_request_seconds",
    "Time to answer",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
DELIVERIES = Counter("casenet_deliveries_total", "Live deliveries of changes to sockets")
SOCKETS = Counter("casenet_sockets_total", "Sockets opened and closed", ["event"])


def set_up(level: str) -> None:
    """JSON lines on standard output."""
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s", force=True)
    # Tokens of one-time links stand in paths: no server's access log may show them.
    for name in ("engineio", "engineio.server", "socketio", "socketio.server", "gunicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )


@cache
def _counted(endpoint: str, status: int) -> tuple[Counter, Histogram]:
    """Kept: asking the library for them takes longer than counting."""
    return REQUESTS.labels(endpoint, status), SECONDS.labels(endpoint)


def note(response: Response) -> Response:
    """Count the answer; log refusals and slow ones. Endpoint names and ids only: a path may carry a token."""
    seconds = time.perf_counter() - g.started
    endpoint = request.endpoint or "none"
    answers, times = _counted(endpoint, response.status_code)
    answers.inc()
    times.observe(seconds)
    if response.status_code >= 400 or seconds > 1:
        log.info(
            "answered",
            endpoint=endpoint,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            request_id=g.request_id,
        )
    return response
