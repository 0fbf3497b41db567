"""gunicorn settings of the floor. The monkey patch comes first, before psycopg and redis are imported."""

from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402
from typing import Any  # noqa: E402

worker_class = "gevent"
worker_connections = 5000
backlog = 2048
keepalive = 75
timeout = 60
graceful_timeout = 2


def when_ready(server: Any) -> None:
    """Headers and body leave in two writes: with Nagle's algorithm every answer would wait 40 ms."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
