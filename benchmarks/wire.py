"""The generator's clients on bare asyncio protocols: keep-alive HTTP, WebSocket, Engine.IO v4 over it."""

import asyncio
import os
import socket
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import Any

from benchmarks.subject import Subject

# As many connections as members: past that a real member would be waiting for their own last answer anyway.
CONNECTIONS_MAX = 500
ANSWER_SECONDS_MAX = 30.0

OnText = Callable[[int, bytes, float], None]


class ConnectionBroken(Exception):
    """The server closed the connection before its answer was complete."""


class Requests(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection; one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.buffer = b""
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionBroken())

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Send one request. Returns status and body; raises ConnectionBroken."""
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.waiting

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        at = self.buffer.find(b"\r\n\r\n")
        if at < 0:
            return
        lower = self.buffer[:at].lower()
        if b"transfer-encoding: chunked" in lower:
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return
            body = _unchunked(self.buffer[at + 4 :])
        else:
            length = _content_length(lower)
            if len(self.buffer) - at - 4 < length:
                return
            body = self.buffer[at + 4 : at + 4 + length]
        status = int(self.buffer[9:12])
        self.buffer = b""
        if b"connection: close" in lower:
            self.is_open = False
            self.transport.close()
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result((status, body))


class Pool:
    """Idle connections used in turn, as a TLS front keeps them to its web workers."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.idle: deque[Requests] = deque()
        self.room = asyncio.Semaphore(CONNECTIONS_MAX)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request and return (status, body); status 0 when the connection broke or nobody answered.

        Repeated once on a new connection when the server had just closed an idle one: ids make that safe.
        """
        async with self.room:
            for _ in range(2):
                connection = self._idle_one() or await self._new_one()
                if connection is None:
                    continue
                try:
                    answered = await asyncio.wait_for(connection.ask(request), ANSWER_SECONDS_MAX)
                except ConnectionBroken:
                    continue
                except TimeoutError:
                    connection.transport.abort()
                    return 0, b""
                if connection.is_open:
                    self.idle.append(connection)
                return answered
            return 0, b""

    def close(self) -> None:
        """Close the idle connections."""
        while self.idle:
            self.idle.popleft().transport.abort()

    def _idle_one(self) -> Requests | None:
        while self.idle:
            connection = self.idle.popleft()
            if connection.is_open:
                return connection
        return None

    async def _new_one(self) -> Requests | None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Requests, self.subject.host, self.subject.port)
        except OSError:
            return None
        return connection


class Socket(asyncio.Protocol):
    """One member's WebSocket. Every text that carries posts goes to `on_text(member, text, received at)`."""

    def __init__(self, subject: Subject, member: int, on_text: OnText) -> None:
        self.subject = subject
        self.member = member
        self.on_text = on_text
        self.transport: Any = None
        self.buffer = b""
        self.is_upgraded = False
        self.is_open = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda ready: ready.exception())
        self.now = time.perf_counter

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(
            b"GET " + self.subject.socket_path(self.member).encode() + b" HTTP/1.1\r\nHost: "
            + self.subject.host_header + b"\r\nUpgrade: websocket\r\nConnection: Upgrade"
            b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b64encode(os.urandom(16)) + b"\r\n"
            + self.subject.headers(self.member) + b"\r\n"
        )  # fmt: skip

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if not self.ready.done():
            self.ready.set_exception(ConnectionBroken(self.buffer[:300].decode("utf-8", "replace")))

    def data_received(self, data: bytes) -> None:
        received_at = self.now()
        self.buffer += data
        if not self.is_upgraded and not self._upgraded():
            return
        buffer, at, size = self.buffer, 0, len(self.buffer)
        while size - at >= 2:
            length, start = buffer[at + 1] & 0x7F, at + 2
            if length == 126:
                length, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if size < start + length:
                break
            self._frame(buffer[at] & 0x0F, buffer[start : start + length], received_at)
            at = start + length
        self.buffer = buffer[at:]

    def _upgraded(self) -> bool:
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return False
        if b" 101 " not in head[:16]:
            self.transport.abort()
            return False
        self.is_upgraded, self.buffer = True, rest
        if not self.subject.engine_io:
            self._opened()
        return True

    def _frame(self, opcode: int, payload: bytes, received_at: float) -> None:
        if opcode == 8:
            self.transport.close()
        elif opcode == 9:
            self._send(0x8A, payload)
        elif opcode == 1 and not self.subject.engine_io:
            self.on_text(self.member, payload, received_at)
        elif opcode == 1:
            self._packet(payload, received_at)

    def _packet(self, packet: bytes, received_at: float) -> None:
        # Engine.IO v4: 0 open, 2 ping, 4 message; Socket.IO inside: 40 connected, 42 event, 44 refused.
        if packet[:2] == b"42":
            self.on_text(self.member, packet, received_at)
        elif packet[:1] == b"2":
            self._send(0x81, b"3")
        elif packet[:1] == b"0":
            self._send(0x81, b"40")
        elif packet[:2] == b"40":
            self._opened()
        elif packet[:2] == b"44":
            self.transport.abort()

    def _opened(self) -> None:
        self.is_open = True
        if not self.ready.done():
            self.ready.set_result(None)

    def _send(self, first: int, payload: bytes) -> None:
        # Clients must mask; a key of zeros leaves the bytes as they are. Payloads here are below 126 bytes.
        self.transport.write(bytes((first, 0x80 | len(payload), 0, 0, 0, 0)) + payload)


async def connect_members(subject: Subject, members: int, seconds: float, on_text: OnText) -> list[Socket]:
    """Connect all members' sockets, spread over `seconds` so that their pings do not come in one wave.

    Raises ConnectionBroken with the start of the server's answer when one is refused.
    """
    loop = asyncio.get_running_loop()
    sockets: list[Socket] = []
    started = loop.time()
    for member in range(members):
        await asyncio.sleep(max(0.0, started + seconds * member / members - loop.time()))

        def make(member: int = member) -> Socket:
            return Socket(subject, member, on_text)

        _, made = await loop.create_connection(make, subject.host, subject.port)
        sockets.append(made)
    answers = await asyncio.wait_for(
        asyncio.gather(*(made.ready for made in sockets), return_exceptions=True), 60
    )
    if refused := [answer for answer in answers if isinstance(answer, BaseException)]:
        raise ConnectionBroken(f"{len(refused)} of {members} sockets were refused: {refused[0]}")
    return sockets


def _content_length(lower_head: bytes) -> int:
    at = lower_head.find(b"content-length:")
    return 0 if at < 0 else int(lower_head[at + 15 :].partition(b"\r\n")[0])


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole
