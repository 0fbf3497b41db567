"""Live deliveries: read once per bell what is new in a group, and send it to those who may read it now.

A process that has sockets in a group makes one authorised read per bell: who may read, and what came after
the last delivery. It opens each seal once and sends the same bytes to all its entitled sockets. What it has
written itself it tells without reading (docs/decisions/0017).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import gevent
import structlog
from gevent.queue import Queue

from casenet import audit, groups, timeline
from casenet.database import Glance, glance
from casenet.ids import new_id
from casenet.timeline import MarkView, RevisionView, Written
from casenet.web import logs
from casenet.web.cards import CardJson, cards, kept_card
from casenet.web.seats import Hall, Seats
from casenet.web.timeline_shapes import mark_json, revision_json
from casenet.web.wires import Parcel

log = structlog.get_logger()

READERS = 4  # groups delivered at once by one process; more would only queue for the database
RETRY_SECONDS = 1  # after a delivery that failed; phones would find the hole after 20


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a delivery brings, with the cards of those who appear in it."""

    rows: Sequence[RevisionView]
    marks: Sequence[MarkView]
    people: dict[str, CardJson]


class Deliveries:
    """What the groups of this process are told.

    emit    Sends a Socket.IO event: (name, content, to=sid).
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self.emit = emit
        self.id = new_id()
        self.seats = Seats(when_empty=self.close)
        self.due: Queue[UUID] = Queue()

    def start(self) -> None:
        """Begin to answer calls."""
        for _ in range(READERS):
            gevent.spawn(self.answer_calls)

    def call(self, group_id: UUID, sequence: int = 0) -> None:
        """Ask for a delivery. Bells that ring while one waits are answered by the same read.

        sequence    The number that the bell is about, which may have been told already; 0 for anything else.
        """
        hall = self.seats.halls.get(group_id)
        if hall is None or hall.is_due or 0 < sequence <= hall.sequence:
            return
        hall.is_due = True
        if not hall.is_delivering:
            self.due.put(group_id)

    def answer_calls(self) -> None:
        """Deliver what is called for, for ever."""
        while True:
            group_id = self.due.get()
            hall = self.seats.halls.get(group_id)
            if hall is None or not hall.is_due or hall.is_delivering:
                continue  # a call from before the group was forgotten, or one that who delivers answers
            hall.is_due, hall.is_delivering = False, True
            try:
                self.deliver(group_id)
            except Exception as error:  # noqa: BLE001  (the database is away, or a seal is broken)
                log.error("delivery_failed", group_id=str(group_id), error=type(error).__name__)
                gevent.spawn_later(RETRY_SECONDS, self.call, group_id)
            finally:
                hall.is_delivering = False
                if hall.is_due:
                    self.due.put(group_id)
                elif not hall.sids:
                    gevent.spawn(self.close, group_id, hall)

    def deliver(self, group_id: UUID) -> None:
        """Read what is new in a group and send it to this process's entitled sockets."""
        hall = self.seats.halls.get(group_id)
        if hall is None:
            return
        # Whoever joins while we read was let in by a later look, which may know more than ours: not cut.
        listening = self.seats.in_hall(hall)
        session = glance()
        news = self._news(session, group_id, hall)
        may_read = hall.team.readers if news else frozenset[UUID]()
        self._cut(group_id, [sid for sid, person_id in listening.items() if person_id not in may_read])
        if news is None:
            return
        # Whoever joins from now on asks for what came before by itself. Who joined while we read may have asked
        # too early; and a look from before their removal may have let in somebody whom we have just cut.
        told = {sid: id for sid, id in self.seats.in_hall(hall).items() if id in may_read}
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
            self.call(group_id)

    def _news(self, session: Glance, group_id: UUID, hall: Hall) -> timeline.News | None:
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
        hall = self.seats.halls.get(written.group_id)
        if hall is None or not hall.is_followed_by(written):
            return
        listening = frozenset(self.seats.in_hall(hall).values())
        author_id = written.row.author_id
        card = kept_card(author_id) if author_id else None
        if card and listening <= hall.team.readers and hall.is_noted(listening):
            changes = _Changes((written.row,), (), {str(author_id): card})
            self._send(written.group_id, hall, changes, hall.sids)

    def _send(self, group_id: UUID, hall: Hall, changes: _Changes, sids: set[str]) -> None:
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
            parcel.give(self.seats.phones[sid].engine)
        logs.DELIVERIES.inc()

    def _cut(self, group_id: UUID, sids: list[str]) -> None:
        """Take out the sockets of whoever may no longer read, before anything is sent."""
        for sid in sids:
            self.seats.unseat(sid, group_id)
            self.emit("groups", {"group_id": group_id}, to=sid)

    def close(self, group_id: UUID, hall: Hall) -> None:
        """Forget a group that nobody hears here any more, once that is said."""
        if hall.sids or hall.is_delivering:
            return  # somebody came back; or who delivers closes it
        try:
            self._note(glance(), group_id, hall, hall.sequence + 1, frozenset())
        except Exception as error:  # noqa: BLE001  (what was said ends by itself)
            log.error("end_of_delivery_unnoted", group_id=str(group_id), error=type(error).__name__)
        if not hall.sids and not hall.is_delivering and self.seats.halls.get(group_id) is hall:
            del self.seats.halls[group_id]

    def _note(
        self, session: Glance, group_id: UUID, hall: Hall, first: int, readers: frozenset[UUID]
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
