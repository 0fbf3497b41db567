"""Write down what happened to an alert: event, timeline notice, audit row, bell. Always together."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from casenet import audit, groups, timeline
from casenet.database import after_commit
from casenet.escalation.tables import Alert, AlertEvent
from casenet.realtime import ring_person


def note(
    session: Session,
    alert: Alert,
    kind: str,
    *,
    now: datetime,
    person_id: UUID | None = None,
    channel: str | None = None,
    step: int | None = None,
    is_notice: bool = True,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add the next event of an alert; call while holding its row.

    detail      Codes, ids and numbers only: it goes into the timeline in the clear (no key at night).
    is_notice   False keeps it out of the timeline: what repeats every few minutes would drown the posts.
    """
    alert.event_count += 1
    alert.version += 1
    session.add(
        AlertEvent(
            alert_id=alert.id,
            n=alert.event_count,
            at=now,
            kind=kind,
            person_id=person_id,
            channel=channel,
            step=step,
            detail=detail,
        )
    )
    session.flush()
    audit.record(
        session, person_id=person_id, action=f"alert.{kind}", group_id=alert.group_id, object_id=alert.id
    )
    if is_notice:
        facts = {"person_id": str(person_id) if person_id else None, "step": step} | (detail or {})
        notice = {"code": f"alert.{kind}", "alert_id": str(alert.id)}
        notice |= {name: value for name, value in facts.items() if value is not None}
        notice_id = uuid5(alert.id, f"event-{alert.event_count}")
        timeline.publish_notice(session, alert.group_id, notice_id, notice, now=now)


def ring(session: Session, alert: Alert) -> None:
    """After the commit, have every member's open app look at the alert again."""
    audience = groups.audience(session, alert.group_id)
    for person_id in audience.readers if audience else ():
        after_commit(session, partial(ring_person, person_id, f"alert:{alert.id}"), first=True)
