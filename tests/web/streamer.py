"""A WSGI app that answers in every way that gunicorn knows, for tests of what goes over the wire."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from casenet.web import whole_answers

FILE = bytes(range(256)) * 80  # 20 kB: more than one block
PIECES = (b"one", b"two", "三".encode())

whole_answers.write_at_once()


def app(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Answer by the path."""
    path = environ["PATH_INFO"]
    if path == "/whole":
        start("200 OK", [("Content-Length", "5"), ("X-Name", "a: b")])
        return [b"whole"]
    if path == "/pieces":
        start("200 OK", [("Content-Type", "text/plain")])
        return PIECES
    if path == "/empty":
        start("204 No Content", [])
        return []
    if path == "/file":
        start("200 OK", [("Content-Length", str(len(FILE)))])
        return environ["wsgi.file_wrapper"](BytesIO(FILE))
    if path == "/real-file":
        start("200 OK", [])
        return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
    if path == "/sorry":
        return _takes_back(start)
    return _breaks(start)


def _breaks(start: Callable[..., object]) -> Iterator[bytes]:
    start("200 OK", [("Content-Length", "5")])
    raise RuntimeError("before the first byte")
    yield b"never"


def _takes_back(start: Callable[..., Any]) -> Iterable[bytes]:
    """Says something else after the first write, which is too late (PEP 3333)."""
    write = start("200 OK", [])
    write(b"")
    late = RuntimeError("after the first write")
    start("500 Internal Server Error", [("Content-Length", "3")], (RuntimeError, late, None))
    return [b"abc"]
