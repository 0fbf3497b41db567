"""A phone's WebSocket as bytes: whole frames in their order, and one frame written to many phones.

Socket.IO makes a packet, a queue entry, a greenlet's turn and a frame for every phone. A post goes to nine
phones and is the same bytes for all: here its frame is made once and handed to the kernel for each
(docs/decisions/0017). Everything else, and whatever the kernel does not take at once, goes Socket.IO's way.
"""

import os
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

import gevent
from engineio.async_drivers.gevent import WebSocketWSGI
from engineio.exceptions import SocketIsClosedError
from engineio.packet import MESSAGE, Packet
from gevent.lock import BoundedSemaphore
from wsproto.utilities import RemoteProtocolError

from casenet.web.answers import as_json
from casenet.web.errors import problem

TEXT_FRAME = 0x81  # final, text, not compressed


class Line:
    """The connection under a WebSocket, as simple-websocket sees it: what is sent is sent whole.

    A plain send() may take half a frame when a phone reads slowly; the next frame would land in its middle.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._turn = BoundedSemaphore()
        self._senders = 0  # that send, or wait for their turn

    def send(self, data: bytes) -> int:
        """Send all of it, after whatever is under way."""
        self._senders += 1
        try:
            with self._turn:
                self._sock.sendall(data)
        finally:
            self._senders -= 1
        return len(data)

    def offer(self, data: bytes) -> bool:
        """Hand it to the kernel without waiting. False: nothing of it was taken, its turn is later.

        What the kernel takes only a part of is finished before anything else is sent.
        """
        # A turn that is free may have been given to a sender who does not know it yet: what it has is older.
        if self._senders or not self._turn.acquire(blocking=False):
            return False
        try:
            taken = os.write(self._sock.fileno(), data)
        except BlockingIOError:
            taken = 0
        except OSError:
            self._turn.release()
            return False  # gone; whoever reads from it notices
        if 0 < taken < len(data):
            gevent.spawn(self._finish, memoryview(data)[taken:])
            return True
        self._turn.release()
        return taken > 0

    def _finish(self, rest: memoryview) -> None:
        try:
            self._sock.sendall(rest)
        except OSError:
            self.close()
        finally:
            self._turn.release()

    def recv(self, size: int) -> bytes:
        """What the phone sent, at most `size` bytes; empty when it is gone."""
        return self._sock.recv(size)

    def close(self) -> None:
        """End it now, whoever waits on it."""
        with suppress(OSError):
            self._sock.close()


class Wire(WebSocketWSGI):
    """Engine.IO's WebSocket over a Line; Engine.IO's socket knows it as `wire` while it is open."""

    line: Line

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve one WebSocket until it ends; 400 to whoever asks for it otherwise than RFC 6455 wants."""
        # Compression would cost 0.3 MB a phone (zlib's manual) and a pass a message, and lengths would tell more.
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        self.line = environ["gunicorn.socket"] = Line(environ["gunicorn.socket"])
        engine = cast("Any", self.app).__self__
        engine.wire = self
        serve = cast("Any", super())
        try:
            return serve.__call__(environ, start_response)
        except RemoteProtocolError:
            engine.close(wait=False, abort=True)
            return problem(HTTPStatus.BAD_REQUEST, "bad-request")(environ, start_response)


class Parcel:
    """One Socket.IO event for many phones, put into bytes once."""

    def __init__(self, event: str, data: dict[str, Any]) -> None:
        # Socket.IO's type 2 is an event, Engine.IO's type 4 a message.
        self._text = b"2" + as_json([event, data])
        self._frame = text_frame(b"4" + self._text)

    def give(self, engine: Any) -> None:
        """Send it to one phone, in order after what already waits for it. Nothing happens when it is gone."""
        if engine.closed:
            return
        if engine.queue.empty() and engine.wire.line.offer(self._frame):
            return
        with suppress(SocketIsClosedError):
            engine.send(Packet(MESSAGE, self._text.decode()))


def text_frame(text: bytes) -> bytes:
    """A whole text message as one frame (RFC 6455, 5.2): server to client, so without a mask."""
    size = len(text)
    if size < 126:
        head = bytes((TEXT_FRAME, size))
    elif size < 1 << 16:
        head = bytes((TEXT_FRAME, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((TEXT_FRAME, 127)) + size.to_bytes(8, "big")
    return head + text
