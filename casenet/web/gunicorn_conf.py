"""gunicorn's settings. The first line must come before anything that opens a socket."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import socket  # noqa: E402
import tempfile  # noqa: E402
from typing import Any  # noqa: E402

from gevent import baseserver  # noqa: E402

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gevent"
worker_connections = 5000  # sockets and requests of one process; a prefecture has 6,000 sockets (needs.md 4)
backlog = 2048  # a whole clinic reconnects at once
timeout = 60  # a worker whose loop is silent for so long is started anew
# The longest answer takes two; sockets and idle connections stay open and would hold us longer.
graceful_timeout = 5
keepalive = 75  # longer than phones keep idle connections
accesslog = None  # paths may carry one-time tokens; casenet.web.logs says what may be said
errorlog = "-"
loglevel = "warning"
proc_name = "casenet-web"
# Where a request came from, and whether by TLS, web/app.py reads, and from trusted proxies alone. So gunicorn has no
# header to believe, and need not look at each request whether it comes from somebody whom it may believe.
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# The gate counts on HTTP/1: what announces no body has none.
http_protocols = "h1"
http2_cleartext = "off"

# Connections that wait are shared out, as gevent advises for several processes: taken by the hundred, nearly all
# sockets of a ward would sit in one of them.
baseserver.BaseServer.max_accept = 1

# A phone that stops reading is dropped by the kernel after so long; without this its memory stays held.
TCP_USER_TIMEOUT_MS = 10_000

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="casenet-metrics-")


def when_ready(server: Any) -> None:
    """Sockets that are accepted inherit these from the listening one (on Linux)."""
    for listener in server.LISTENERS:
        if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
            # With Nagle whatever is written in two pieces waits 40 ms.
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)


def post_fork(server: Any, worker: Any) -> None:
    """gunicorn asks for twenty-five of its settings at each request, by a function: lay them down as values."""
    vars(worker.cfg).update({name: setting.get() for name, setting in worker.cfg.settings.items()})


def child_exit(server: Any, worker: Any) -> None:
    """Numbers of a worker that ended are folded into the others'."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
