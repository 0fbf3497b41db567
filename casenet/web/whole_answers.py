"""gunicorn's answers in one write: it sends head and body apart, and whoever reads them is woken twice.

What belongs to an answer, and how long it is, gunicorn alone decides (docs/decisions/0022).
"""

import time
from functools import lru_cache
from typing import Any, cast

from gunicorn import util
from gunicorn.http import wsgi


class WholeAnswer(wsgi.Response):
    """Headers wait for the first bytes of the body, or for the end when there is none."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._head = b""

    def send_headers(self) -> None:
        """Have the head ready. It names no server: whoever attacks us learns nothing from it."""
        if self.headers_sent:
            return
        major, minor = cast("tuple[int, int]", self.req.version)
        connection = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        lines = [
            f"HTTP/{major}.{minor} {self.status}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {connection}",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        lines += [f"{name}: {value}" for name, value in self.headers]
        self._head = "\r\n".join((*lines, "", "")).encode("latin-1")
        self.headers_sent = True  # from here on nobody may take them back, though they wait

    def can_sendfile(self) -> bool:
        """Never: the kernel would send a file before its headers. Files are small and stay in the phone."""
        return False

    def close(self) -> None:
        """Send what is left."""
        self.send_headers()
        self._send(b"0\r\n\r\n" if self.chunked else b"")

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%X\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if head or data:
            self.sock.sendall(head + data)


def write_at_once() -> None:
    """Let gunicorn make such answers in this process. Call before the first request."""
    wsgi.Response = WholeAnswer


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return util.http_date(second)
