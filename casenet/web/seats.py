"""Who sits where in this process: open sockets by group, and how far each group has been told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import gevent
from gevent.lock import BoundedSemaphore

from casenet import groups
from casenet.database import transaction
from casenet.groups import Team
from casenet.identity import Asker
from casenet.timeline import Written
from casenet.web import logs

NOBODY = Team(groups.NO_TEAM, frozenset(), 0.0)


@dataclass
class Hall:
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
class Phone:
    """An open socket: who holds it, Engine.IO's side of it, and the look that has seated it (see Seats.seat)."""

    asker: Asker
    engine: Any
    look: int = 0


class Seats:
    """All open sockets of this process.

    when_empty  Called, in a greenlet of its own, when nobody hears a group here any more.
    """

    def __init__(self, when_empty: Callable[[UUID, Hall], None]) -> None:
        self.when_empty = when_empty
        self.phones: dict[str, Phone] = {}
        self.halls: dict[UUID, Hall] = {}
        self.looks = 0

    def in_hall(self, hall: Hall) -> dict[str, UUID]:
        """Whose each socket in it is."""
        return {sid: self.phones[sid].asker.person_id for sid in hall.sids}

    def forget(self, sid: str) -> None:
        """A socket is gone."""
        if self.phones.pop(sid, None):
            logs.SOCKETS.labels("close").inc()
        for group_id in [id for id, hall in self.halls.items() if sid in hall.sids]:
            self.unseat(sid, group_id)

    def seat(self, sid: str, asker: Asker) -> None:
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
                hall = self.halls[group_id] = Hall(sequence=entry.last_sequence, mark=entry.last_mark)
            hall.sids.add(sid)
        for group_id in [id for id, hall in self.halls.items() if sid in hall.sids and id not in entries]:
            self.unseat(sid, group_id)

    def unseat(self, sid: str, group_id: UUID) -> None:
        """Take a socket out of one hall."""
        hall = self.halls.get(group_id)
        if hall is None:
            return
        hall.sids.discard(sid)
        if not hall.sids:
            gevent.spawn(self.when_empty, group_id, hall)
