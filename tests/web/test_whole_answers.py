"""Answers over the wire of a real gunicorn: in one piece, and framed as ever."""

import subprocess
import sys
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import create_connection

import pytest

from tests.house import ROOT, free_port, wait_until
from tests.web import streamer
from tests.web.streamer import FILE, PIECES

SOON = 10  # seconds


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    words = ["-k", "gevent", "--no-control-socket", "-b", f"127.0.0.1:{port}", "tests.web.streamer:app"]
    command = [sys.executable, "-m", "gunicorn", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as gunicorn:
        try:
            wait_until(lambda: said(port, request("/whole", closes=True)), what="an answer of gunicorn")
            yield port
        finally:
            gunicorn.terminate()


def asked(port: int, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=SOON)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer, answer.read()


def said(port: int, *requests: str) -> bytes:
    """Everything that is answered to requests sent at once, the last of which closes."""
    with create_connection(("127.0.0.1", port), SOON) as line:
        line.sendall("".join(requests).encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


def request(path: str, *, closes: bool = False) -> str:
    lines = [f"GET {path} HTTP/1.1", "Host: a", *(["Connection: close"] if closes else []), "", ""]
    return "\r\n".join(lines)


def test_head_and_body_come_in_one_piece_and_name_no_server(port: int) -> None:
    with create_connection(("127.0.0.1", port), SOON) as line:
        line.sendall(request("/whole").encode())
        first = line.recv(65536)

    head, body = first.split(b"\r\n\r\n")
    assert body == b"whole"
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert b"\r\nX-Name: a: b" in head
    assert b"\r\nConnection: keep-alive" in head
    assert b"server" not in head.lower()


def test_the_hour_of_an_answer_is_a_date(port: int) -> None:
    answer, _ = asked(port, "/whole")

    assert parsedate_to_datetime(answer.headers["Date"]).tzname() == "UTC"


def test_an_answer_of_unknown_length_comes_in_chunks(port: int) -> None:
    answer, body = asked(port, "/pieces")

    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert body == b"".join(PIECES)
    assert said(port, request("/pieces", closes=True)).endswith(
        b"3\r\none\r\n3\r\ntwo\r\n3\r\n\xe4\xb8\x89\r\n0\r\n\r\n"
    )


def test_an_old_client_gets_everything_and_the_end(port: int) -> None:
    answered = said(port, "GET /pieces HTTP/1.0\r\n\r\n")

    assert answered.startswith(b"HTTP/1.0 200 OK\r\n")
    assert answered.endswith(b"\r\n\r\n" + b"".join(PIECES))


@pytest.mark.parametrize("path", ["/file", "/real-file"])
def test_a_file_comes_whole_after_its_head(port: int, path: str) -> None:
    _, body = asked(port, path)

    assert body == (FILE if path == "/file" else Path(streamer.__file__).read_bytes())


@pytest.mark.parametrize(("path", "method"), [("/empty", "GET"), ("/whole", "HEAD"), ("/file", "HEAD")])
def test_what_has_no_body_is_a_head_alone_and_the_line_goes_on(port: int, path: str, method: str) -> None:
    first = request(path).replace("GET", method, 1)

    answered = said(port, first, request("/whole", closes=True))

    assert answered.count(b"HTTP/1.1 2") == 2
    assert answered.split(b"\r\n\r\n")[1].startswith(b"HTTP/1.1 200 OK")
    assert answered.endswith(b"\r\n\r\nwhole")


def test_questions_sent_together_are_answered_in_their_order(port: int) -> None:
    answered = said(port, request("/whole"), request("/empty"), request("/pieces", closes=True))

    places = [answered.index(mark) for mark in (b"whole", b"204 No Content", b"3\r\none\r\n")]
    assert places == sorted(places)
    assert b"Connection: close" in answered[places[1] :]


def test_a_view_that_fails_before_its_first_byte_is_a_clear_failure(port: int) -> None:
    answered = said(port, request("/breaks"))

    assert answered.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answered.count(b"HTTP/1.1") == 1


def test_what_is_taken_back_too_late_ends_the_line_instead_of_being_half_said(port: int) -> None:
    answered = said(port, request("/sorry"), request("/whole"))

    assert b"abc" not in answered
    assert b"whole" not in answered


def test_a_body_is_asked_for_and_what_it_leaves_is_no_question(port: int) -> None:
    body = b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n"
    head = f"POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with create_connection(("127.0.0.1", port), SOON) as line:
        line.sendall(head.encode())
        answered = line.recv(65536)
        line.sendall(body + request("/empty", closes=True).encode())
        answered += b"".join(iter(lambda: line.recv(65536), b""))

    answers = [part.split(b"\r\n")[0] for part in answered.split(b"HTTP/1.1 ")[1:]]
    assert answers == [b"100 Continue", b"200 OK", b"204 No Content"]
