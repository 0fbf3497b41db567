"""Write down what happened to an alert: event, timeline notice, audit row, bell. Always together."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any, Self, cast
from uuid import UUID, uuid5

from sqlalchemy import Integer, String, Table, Uuid, bindparam, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from casenet import audit, groups, timeline
from casenet.database import Prepared, after_commit, given_rows
from casenet.escalation.tables import Alert, AlertEvent
from casenet.realtime import ring_people
from casenet.timeline import Notice


class Journal:
    """What happens to one alert at one moment: noted in its order, then written down in two statements.

    Use it while holding the alert's row, or before the row is there.
    """

    def __init__(self, alert: Alert, now: datetime) -> None:
        self._alert = alert
        self._now = now
        self._events: list[dict[str, Any]] = []
        self._notices: list[Notice] = []

    def note(
        self,
        kind: str,
        *,
        person_id: UUID | None = None,
        channel: str | None = None,
        step: int | None = None,
        is_notice: bool = True,
        detail: dict[str, Any] | None = None,
    ) -> Self:
        """The next event. Returns the journal, for whoever notes only one.

        detail      Codes, ids and numbers only: it goes into the timeline in the clear (no key at night).
        is_notice   False keeps it out of the timeline: what repeats every few minutes would drown the posts.
        """
        alert = self._alert
        alert.event_count += 1
        alert.version += 1
        said = {"person_id": person_id, "step": step}
        self._events.append(
            said | {"n": alert.event_count, "kind": kind, "channel": channel, "detail": detail}
        )
        if is_notice:
            facts = {name: value for name, value in (said | (detail or {})).items() if value is not None}
            notice = {"code": f"alert.{kind}", "alert_id": alert.id} | facts
            self._notices.append(Notice(uuid5(alert.id, f"event-{alert.event_count}"), notice))
        return self

    def write(self, session: Session) -> None:
        """Keep what was noted: the events with an audit row each, the notices with one each."""
        alert = self._alert
        about = {"happened_to": alert.id, "happened_in": alert.group_id, "happened_at": self._now}
        _WRITE.do(session, {"happenings": self._events} | about | audit.origin())
        timeline.publish_notices(session, alert.group_id, self._notices, now=self._now)


def _statement() -> ReturningInsert[int]:
    table = cast("Table", AlertEvent.__table__)
    columns = {
        "n": Integer,
        "kind": String,
        "person_id": Uuid,
        "channel": String,
        "step": Integer,
        "detail": JSONB,
    }
    given = given_rows("happenings", columns)
    alert_id = bindparam("happened_to", type_=Uuid)
    rows = select(alert_id, bindparam("happened_at", type_=table.c.at.type), *given.c)
    added = (
        insert(table)
        .from_select(["alert_id", "at", *columns], rows)
        .returning(table.c.kind, table.c.person_id)
        .cte("added")
    )
    return audit.recording_each(
        group_id=bindparam("happened_in", type_=Uuid),
        object_id=alert_id,
        action=literal("alert.") + added.c.kind,
        person_id=added.c.person_id,
    )


_WRITE = Prepared(_statement())


def ring(session: Session, alert: Alert) -> None:
    """After the commit, have every member's open app look at the alert again."""
    audience = groups.audience(session, alert.group_id)
    ring_readers(session, alert, audience.readers if audience else ())


def ring_readers(session: Session, alert: Alert, readers: Iterable[UUID]) -> None:
    """As `ring`, when it is known who reads the group."""
    after_commit(session, partial(ring_people, tuple(readers), f"alert:{alert.id}"), first=True)
