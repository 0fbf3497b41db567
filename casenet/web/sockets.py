"""Live sockets: hear the bell, read once, emit to those who may read now.

A process that has sockets in a group makes one authorised read per bell: who may read, and what came after
the last delivery. It opens each seal once and sends the same bytes to all its entitled sockets. What is lost
here is caught up by the phone: a hole in the numbers, a reconnect, or its look every 20 seconds.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import gevent
import structlog
from flask import Flask, request
from flask_socketio import SocketIO
from gevent.lock import BoundedSemaphore
from gevent.queue import Queue
from socketio.exceptions import ConnectionRefusedError as Refused

from casenet import audit, clock, config, groups, identity, timeline
from casenet.database import Glance, glance, transaction
from casenet.groups import Team
from casenet.identity import Asker
from casenet.ids import new_id
from casenet.realtime import DEAF, Ring, listen, ring_again
from casenet.timeline import MarkView, RevisionView, Written
from casenet.web import logs
from casenet.web.answers import as_json
from casenet.web.cards import CardJson, cards, kept_card
from casenet.web.gate import asker_of, cookie_name
from casenet.web.timeline import TELL, mark_json, revision_json
from casenet.web.wires import Parcel, Wire

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

READERS = 4  # groups delivered at once by one process; more would only queue for the database
SWEEP_SECONDS = 15  # how long an ended session could live on in a socket if its bell were lost
SWEEP_SECONDS_DEAF = 1  # and while Redis is away, when every bell is lost
RETRY_SECONDS = 1  # after a delivery that failed; phones would find the hole after 20
QUEUED_PACKETS_MAX = 200  # a phone that reads nothing is dropped before its queue fills the memory
MESSAGE_BYTES_MAX = 4096  # phones send nothing but pongs
PATH = "/socket.io/"
PING_SECONDS = 25
PING_TIMEOUT_SECONDS = 20


NOBODY = Team(groups.NO_TEAM, frozenset(), 0.0)


@dataclass
class _Hall:
    """One group as this process knows it: its sockets, and how far they were told.

    team            Who may read it, as the last delivery found, and until when by the clock (monotonic).
    is_due          A bell has rung that no read has answered yet.
    is_delivering   A delivery runs; a second one at the same time would send every post twice.
    noted           The readers that our last audit row about it names; it holds until `noted_until` (monotonic).
    noting          Held by whoever writes that row: the order of the rows is what they mean.
    """

    sids: set[str] = field(default_factory=set[str])
    sequence: int = 0
    mark: int = 0
    team: Team = NOBODY
    team_until: float = 0.0
    is_due: bool = False
    is_delivering: bool = False
    noted: frozenset[UUID] = frozenset()
    noted_until: float = 0.0
    noting: BoundedSemaphore = field(default_factory=BoundedSemaphore)

    def is_followed_by(self, written: Written) -> bool:
        """True when nothing but this row has happened in the group since the last delivery, as far as is known."""
        return (
            self.sequence + 1 == written.row.sequence
            and self.mark == written.last_mark
            and self.team.revision == written.team_revision
            and time.monotonic() < self.team_until
            and not self.is_delivering
        )

    def is_noted(self, readers: frozenset[UUID]) -> bool:
        """True when the audit trail says that these hear it, and nobody is about to say otherwise."""
        return readers == self.noted and time.monotonic() < self.noted_until and not self.noting.locked()


@dataclass(slots=True)
class _Phone:
    """An open socket: who holds it, Engine.IO's side of it, and the look that has seated it (see _seat)."""

    asker: Asker
    engine: Any
    look: int = 0


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a delivery brings, with the cards of those who appear in it."""

    rows: Sequence[RevisionView]
    marks: Sequence[MarkView]
    people: dict[str, CardJson]


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
    """Sends what is for Socket.IO to it, and everything else straight to the pages."""

    sockets: "WSGIApplication"
    pages: "WSGIApplication"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        serves = self.sockets if environ["PATH_INFO"].startswith(PATH) else self.pages
        return serves(environ, start_response)


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
        app.wsgi_app = _Fork(app.wsgi_app, pages)
        app.extensions[TELL] = self.tell
        self.server: Any = self.io.server  # pyright: ignore[reportAttributeAccessIssue]
        self.server.eio._async = self.server.eio._async | {"websocket": Wire}
        self.id = new_id()
        self.phones: dict[str, _Phone] = {}
        self.halls: dict[UUID, _Hall] = {}
        self.due: Queue[UUID] = Queue()
        self.is_deaf = True
        self.looks = 0
        self.io.on_event("connect", self.connect)
        self.io.on_event("disconnect", self.disconnect)

    def start(self) -> None:
        """Begin to listen, to deliver and to sweep."""
        gevent.spawn(self._listen)
        gevent.spawn(self._sweep)
        for _ in range(READERS):
            gevent.spawn(self._deliver)

    def connect(self, auth: object = None) -> None:
        """A phone opens its socket; without a full session it is refused."""
        sid = _sid()
        engine = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        try:
            asker = asker_of(request.cookies.get(cookie_name()))
            if asker is not None:
                self.phones[sid] = _Phone(asker, engine)
                logs.SOCKETS.labels("open").inc()
                self._seat(sid, asker)
        except Exception as error:  # noqa: BLE001  (the database is away)
            # Neither let in nor refused, a phone would wait on an open connection. It takes up a lost one again.
            log.error("connect_failed", error=type(error).__name__)
            self._forget(sid)
            engine.wire.line.close()
            raise Refused("unavailable") from None
        if asker is None:
            raise Refused("not-signed-in")

    def disconnect(self, reason: object = None) -> None:
        """A phone is gone."""
        self._forget(_sid())

    def _forget(self, sid: str) -> None:
        if self.phones.pop(sid, None):
            logs.SOCKETS.labels("close").inc()
        for group_id in [id for id, hall in self.halls.items() if sid in hall.sids]:
            self._unseat(sid, group_id)

    def _seat(self, sid: str, asker: Asker) -> None:
        """Put a socket into the halls of all its groups, and out of those that it may no longer hear."""
        self.looks += 1
        look = self.looks
        with transaction() as session:
            entries = {entry.group_id: entry for entry in groups.entries_of(session, asker.person_id)}
        phone = self.phones.get(sid)
        if phone is None or look < phone.look:
            return  # gone while we looked, or seated by somebody who looked later and was faster
        phone.look = look
        for group_id, entry in entries.items():
            hall = self.halls.get(group_id)
            if hall is None:
                hall = self.halls[group_id] = _Hall(sequence=entry.last_sequence, mark=entry.last_mark)
            hall.sids.add(sid)
        for group_id in [id for id, hall in self.halls.items() if sid in hall.sids and id not in entries]:
            self._unseat(sid, group_id)

    def _unseat(self, sid: str, group_id: UUID) -> None:
        hall = self.halls.get(group_id)
        if hall is None:
            return
        hall.sids.discard(sid)
        if not hall.sids:
            gevent.spawn(self._close, group_id, hall)

    def _close(self, group_id: UUID, hall: _Hall) -> None:
        """Forget a group that nobody hears here any more, once that is said."""
        if hall.sids or hall.is_delivering:
            return  # somebody came back; or who delivers closes it
        try:
            self._note(glance(), group_id, hall, hall.sequence + 1, frozenset())
        except Exception as error:  # noqa: BLE001  (what was said ends by itself)
            log.error("end_of_delivery_unnoted", group_id=str(group_id), error=type(error).__name__)
        if not hall.sids and not hall.is_delivering and self.halls.get(group_id) is hall:
            del self.halls[group_id]

    def _note(
        self, session: Glance, group_id: UUID, hall: _Hall, first: int, readers: frozenset[UUID]
    ) -> None:
        """Before they are sent anything from number `first` on: say who hears the group, unless that is said."""
        with hall.noting:
            now = time.monotonic()
            if readers == hall.noted and (not readers or now < hall.noted_until):
                return
            audit.record(
                session,
                person_id=None,
                action=audit.LIVE,
                group_id=group_id,
                object_id=self.id,
                revision=first,
                readers=sorted(readers),
            )
            hall.noted, hall.noted_until = readers, now + audit.LIVE_MINUTES * 60

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
            for group_id in list(self.halls):
                self._call(group_id)
        elif ring.group_id is not None:
            self._call(ring.group_id, ring.sequence)
        elif ring.person_id is not None:
            self._person(ring.person_id, ring.reason)

    def _call(self, group_id: UUID, sequence: int = 0) -> None:
        """Ask for a delivery. Bells that ring while one waits are answered by the same read.

        sequence    The number that the bell is about, which may have been told already; 0 for anything else.
        """
        hall = self.halls.get(group_id)
        if hall is None or hall.is_due or 0 < sequence <= hall.sequence:
            return
        hall.is_due = True
        if not hall.is_delivering:
            self.due.put(group_id)

    def _person(self, person_id: UUID, reason: str) -> None:
        sids = [sid for sid, phone in self.phones.items() if phone.asker.person_id == person_id]
        if not sids:
            return
        kind, _, subject = reason.partition(":")
        if kind == "session":
            gevent.spawn(self._drop_ended)
        elif kind == "group":
            gevent.spawn(self._reseat, sids, subject)
        elif kind in ("alert", "sheet", "record"):
            for sid in sids:
                self.server.emit(kind, {"id": subject}, to=sid)

    def _reseat(self, sids: list[str], group_id: str) -> None:
        for sid in sids:
            if phone := self.phones.get(sid):
                self._seat(sid, phone.asker)
                self.server.emit("groups", {"group_id": group_id}, to=sid)

    def _deliver(self) -> None:
        while True:
            group_id = self.due.get()
            hall = self.halls.get(group_id)
            if hall is None or not hall.is_due or hall.is_delivering:
                continue  # a call from before the group was forgotten, or one that who delivers answers
            hall.is_due, hall.is_delivering = False, True
            try:
                self.deliver(group_id)
            except Exception as error:  # noqa: BLE001  (the database is away, or a seal is broken)
                log.error("delivery_failed", group_id=str(group_id), error=type(error).__name__)
                gevent.spawn_later(RETRY_SECONDS, self._call, group_id)
            finally:
                hall.is_delivering = False
                if hall.is_due:
                    self.due.put(group_id)
                elif not hall.sids:
                    gevent.spawn(self._close, group_id, hall)

    def deliver(self, group_id: UUID) -> None:
        """Read what is new in a group and send it to this process's entitled sockets."""
        hall = self.halls.get(group_id)
        if hall is None:
            return
        # Whoever joins while we read was let in by a later look, which may know more than ours: not cut.
        listening = {sid: self.phones[sid].asker.person_id for sid in hall.sids}
        session = glance()
        news = self._news(session, group_id, hall)
        may_read = hall.team.readers if news else frozenset[UUID]()
        self._cut(group_id, [sid for sid, person_id in listening.items() if person_id not in may_read])
        if news is None:
            return
        # Whoever joins from now on asks for what came before by itself. Who joined while we read may have asked
        # too early; and a look from before their removal may have let in somebody whom we have just cut.
        told = {sid: id for sid in hall.sids if (id := self.phones[sid].asker.person_id) in may_read}
        rows, marks = news.rows, ()
        if news.last_mark > hall.mark:
            marks = timeline.marks_after(session, group_id, hall.mark)
        if not rows and not marks:
            return
        authors = [row.author_id for row in rows] + [mark.person_id for mark in marks]
        people = cards(session, authors, likely=may_read)
        if rows:
            self._note(session, group_id, hall, rows[0].sequence, frozenset(told.values()))
        self._send(group_id, hall, _Changes(rows, marks, people), hall.sids & told.keys())
        if hall.sequence < news.last_sequence:
            self._call(group_id)

    def _news(self, session: Glance, group_id: UUID, hall: _Hall) -> timeline.News | None:
        """What is new; `hall.team` says who may read it."""
        asked_at = time.monotonic()
        known = hall.team.revision if asked_at < hall.team_until else groups.NO_TEAM
        news = timeline.news(session, group_id, hall.sequence, known_team=known)
        if news and news.team:
            hall.team, hall.team_until = news.team, asked_at + news.team.seconds
        elif time.monotonic() >= hall.team_until:  # a cover has ended while we waited for the answer
            hall.team_until = 0.0
            return self._news(session, group_id, hall) if news else None
        return news

    def tell(self, written: Written) -> None:
        """Send a row that this process has just committed to its own phones, without reading it back.

        Only when nothing else can have happened in the group; in every other case nothing is done here, and the
        bell does it. Waits for nothing, so that what is looked at here holds until all is sent.
        """
        hall = self.halls.get(written.group_id)
        if hall is None or not hall.is_followed_by(written):
            return
        listening = frozenset(self.phones[sid].asker.person_id for sid in hall.sids)
        author_id = written.row.author_id
        card = kept_card(author_id) if author_id else None
        if card and listening <= hall.team.readers and hall.is_noted(listening):
            changes = _Changes((written.row,), (), {str(author_id): card})
            self._send(written.group_id, hall, changes, hall.sids)

    def _send(self, group_id: UUID, hall: _Hall, changes: "_Changes", sids: set[str]) -> None:
        rows, marks = changes.rows, changes.marks
        sequence = max(hall.sequence, rows[-1].sequence if rows else 0)
        mark = max(hall.mark, marks[-1].mark if marks else 0)
        parcel = Parcel(
            "changes",
            {
                "group_id": group_id,
                "revisions": [revision_json(row) for row in rows],
                "marks": [mark_json(mark) for mark in marks],
                "people": changes.people,
                "last_sequence": sequence,
                "last_mark": mark,
            },
        )
        hall.sequence, hall.mark = sequence, mark
        for sid in sids:
            parcel.give(self.phones[sid].engine)
        logs.DELIVERIES.inc()

    def _cut(self, group_id: UUID, sids: list[str]) -> None:
        """Take out the sockets of whoever may no longer read, before anything is sent."""
        for sid in sids:
            self._unseat(sid, group_id)
            self.server.emit("groups", {"group_id": group_id}, to=sid)

    def _sweep(self) -> None:
        swept_at = 0.0
        while True:
            gevent.sleep(1)
            try:
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
        sessions = {sid: phone.asker.session_id for sid, phone in self.phones.items()}
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
            if session_id not in good and sid in self.phones:
                self.server.emit("signed-out", {}, to=sid)
                self._forget(sid)
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
