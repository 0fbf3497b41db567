"""Live sockets: let phones in, hear the bell, let go whose session has ended or who has stopped reading.

Who sits where: seats.py; what they are told: deliveries.py. What is lost here is caught up by the phone: a hole
in the numbers, a reconnect, or its look every 20 seconds.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs
from uuid import UUID

import gevent
import structlog
from flask import Flask, request
from flask_socketio import SocketIO
from socketio.exceptions import ConnectionRefusedError as Refused

from casenet import clock, config, identity
from casenet.crypto import drop_old_rings
from casenet.database import transaction
from casenet.realtime import DEAF, Ring, listen, ring_again
from casenet.web import logs
from casenet.web.answer_headers import AnswerHeaders
from casenet.web.answers import as_json
from casenet.web.deliveries import Deliveries
from casenet.web.gate import asker_of, cookie_name
from casenet.web.seats import Phone
from casenet.web.timeline import TELL
from casenet.web.wires import Wire

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

SWEEP_SECONDS = 15  # how long an ended session could live on in a socket if its bell were lost
SWEEP_SECONDS_DEAF = 1  # and while Redis is away, when every bell is lost
RETRY_SECONDS = 1
QUEUED_PACKETS_MAX = 200  # a phone that reads nothing is dropped before its queue fills the memory
MESSAGE_BYTES_MAX = 4096  # phones send nothing but pongs
PATH = "/socket.io/"
PING_SECONDS = 25
PING_TIMEOUT_SECONDS = 20


class _Json:
    """The serializer that Socket.IO uses: one for the whole door."""

    @staticmethod
    def dumps(data: Any, **_: Any) -> str:
        return as_json(data).decode()

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        import json

        return json.loads(text)


@dataclass(frozen=True, slots=True)
class _Fork:
    """Sends whoever asks for a new WebSocket to Socket.IO, and everything else straight to the pages."""

    sockets: "WSGIApplication"
    pages: "WSGIApplication"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_for_sockets = environ["PATH_INFO"].startswith(PATH) and _asks_for_socket(environ)
        serves = self.sockets if is_for_sockets else self.pages
        return serves(environ, start_response)


def _asks_for_socket(environ: "WSGIEnvironment") -> bool:
    """Not so: Socket.IO's long polling, which we do not speak, and what would make a polled socket a WebSocket."""
    connection = [word.strip() for word in environ.get("HTTP_CONNECTION", "").lower().split(",")]
    is_upgrade = "upgrade" in connection and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    return (
        is_upgrade and environ["REQUEST_METHOD"] == "GET" and "sid" not in parse_qs(environ["QUERY_STRING"])
    )


class Sockets:
    """All live sockets of this process."""

    def __init__(self, app: Flask) -> None:
        options: dict[str, Any] = {
            "async_mode": "gevent",
            "cors_allowed_origins": [config.current().public_origin],
            "transports": ["websocket"],
            "json": _Json,
            "ping_interval": PING_SECONDS,
            "ping_timeout": PING_TIMEOUT_SECONDS,
            "max_http_buffer_size": MESSAGE_BYTES_MAX,
            "http_compression": False,
            "manage_session": False,
        }
        # Socket.IO's layer copies the environment and makes a class for every request: only its own go through it.
        pages = app.wsgi_app
        self.io = SocketIO(app, **options)
        app.wsgi_app = _Fork(AnswerHeaders(app.wsgi_app), pages)
        self.server = cast("Any", self.io).server
        self.server.eio._async = self.server.eio._async | {"websocket": Wire}
        self.deliveries = Deliveries(self.server.emit)
        self.seats = self.deliveries.seats
        app.extensions[TELL] = self.deliveries.tell
        self.is_deaf = True
        self.io.on_event("connect", self.connect)
        self.io.on_event("disconnect", self.disconnect)

    def start(self) -> None:
        """Begin to listen, to deliver and to sweep."""
        gevent.spawn(self._listen)
        gevent.spawn(self._sweep)
        self.deliveries.start()

    def connect(self, auth: object = None) -> None:
        """A phone opens its socket; without a full session it is refused."""
        sid = _sid()
        engine = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        try:
            asker = asker_of(request.cookies.get(cookie_name()))
            if asker is not None:
                self.seats.phones[sid] = Phone(asker, engine)
                logs.SOCKETS.labels("open").inc()
                self.seats.seat(sid, asker)
        except Exception as error:  # noqa: BLE001  (the database is away)
            # Neither let in nor refused, a phone would wait on an open connection. It takes up a lost one again.
            log.error("connect_failed", error=type(error).__name__)
            self.seats.forget(sid)
            engine.wire.line.close()
            raise Refused("unavailable") from None
        if asker is None:
            raise Refused("not-signed-in")

    def disconnect(self, reason: object = None) -> None:
        """A phone is gone."""
        self.seats.forget(_sid())

    def _listen(self) -> None:
        while True:
            try:
                for ring in listen():
                    self.is_deaf = ring is DEAF
                    self.heard(ring)
            except Exception as error:  # noqa: BLE001  (nothing may deafen the process for ever)
                log.error("bell_unheard", error=type(error).__name__)
                gevent.sleep(RETRY_SECONDS)

    def heard(self, ring: Ring | None) -> None:
        """One ring; None after a reconnection: look at everything."""
        if ring is None:
            for group_id in list(self.seats.halls):
                self.deliveries.call(group_id)
        elif ring.group_id is not None:
            self.deliveries.call(ring.group_id, ring.sequence)
        elif ring.person_id is not None:
            self._person(ring.person_id, ring.reason)

    def _person(self, person_id: UUID, reason: str) -> None:
        sids = [sid for sid, phone in self.seats.phones.items() if phone.asker.person_id == person_id]
        if not sids:
            return
        kind, _, subject = reason.partition(":")
        if kind == "session":
            gevent.spawn(self._surely, self._drop_ended)
        elif kind == "group":
            gevent.spawn(self._surely, self._reseat, sids, subject)
        elif kind in ("alert", "sheet", "record"):
            for sid in sids:
                self.server.emit(kind, {"id": subject}, to=sid)

    def _surely(self, work: Callable[..., None], *args: object) -> None:
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001  (the database is away)
            log.error("ring_unanswered", error=type(error).__name__)
            gevent.spawn_later(RETRY_SECONDS, self._surely, work, *args)

    def _reseat(self, sids: list[str], group_id: str) -> None:
        for sid in sids:
            if phone := self.seats.phones.get(sid):
                self.seats.seat(sid, phone.asker)
                self.server.emit("groups", {"group_id": group_id}, to=sid)

    def _sweep(self) -> None:
        swept_at = 0.0
        while True:
            gevent.sleep(1)
            try:
                drop_old_rings()
                self._drop_silent()
                ring_again()
                if time.monotonic() - swept_at > (SWEEP_SECONDS_DEAF if self.is_deaf else SWEEP_SECONDS):
                    swept_at = time.monotonic()
                    self._drop_ended()
            except Exception as error:  # noqa: BLE001  (the next round tries again)
                log.error("sweep_failed", error=type(error).__name__)

    def _drop_ended(self) -> None:
        """Close the sockets whose session has ended."""
        # Whoever connects while we look was asked for a good session just then.
        sessions = {sid: phone.asker.session_id for sid, phone in self.seats.phones.items()}
        if not sessions:
            return
        with transaction() as session:
            good = identity.live_sessions(
                session,
                sessions.values(),
                idle_minutes=config.current().session_idle_minutes,
                now=clock.now(),
            )
        for sid, session_id in sessions.items():
            if session_id not in good and sid in self.seats.phones:
                self.server.emit("signed-out", {}, to=sid)
                self.seats.forget(sid)
                self.server.disconnect(sid)

    def _drop_silent(self) -> None:
        """Close the connection of any phone that has stopped reading."""
        engine = self.server.eio
        for socket in list(engine.sockets.values()):
            if socket.queue.qsize() > QUEUED_PACKETS_MAX:
                gevent.spawn(socket.close, wait=False, abort=True)
                socket.wire.line.close()


def _sid() -> str:
    return cast("Any", request).sid
