"""Raise an alert, answer it, end it."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import notifications, timeline
from casenet.database import Prepared
from casenet.errors import Conflict, Invalid, NotAllowed
from casenet.escalation import log, rules, sbar
from casenet.escalation.chain import frozen
from casenet.escalation.log import Journal
from casenet.escalation.moves import carry_out, decide
from casenet.escalation.queries import AlertView, alert, events, policy, view
from casenet.escalation.rules import CLOSED, Level, Outcome, State
from casenet.escalation.tables import Alert
from casenet.groups import Entry
from casenet.ids import new_id
from casenet.timeline import Draft
from casenet.words import say


@dataclass(frozen=True, slots=True)
class Call:
    """An urgent call as the phone made it; both ids are the phone's own."""

    id: UUID
    post_id: UUID
    level: Level
    report: sbar.Report


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the alert stands after somebody tried to take it. is_yours False: see who has it."""

    alert: AlertView
    is_yours: bool


def raise_alert(session: Session, entry: Entry, call: Call, *, now: datetime) -> tuple[AlertView, bool]:
    """Publish the urgent post, open the alert and run its first step, all in one transaction.

    Returns the alert and whether it is new: the same id again by the same person gives the same alert.
    Raises Conflict for an id in use elsewhere, also for that of a post which was no call; Invalid for an unknown
    sign or an empty report.
    """
    text = sbar.compose(call.report)
    # The post comes first: it takes the group's lock, behind which a second copy of this call waits.
    post = timeline.publish_post(session, entry, Draft(call.post_id, "urgent", text), now=now)
    if not post.is_new:
        # Its alert stands in the same commit. To look, not to insert: that would wait for whoever answers it just
        # now, who will wait for the group.
        return _raised_before(session, entry, call), False
    plan = rules.make_plan(policy(session, entry.group_id).steps, call.level)
    alert = Alert(
        id=call.id,
        group_id=entry.group_id,
        post_id=post.post_id,
        sequence=post.sequence,
        level=call.level,
        state=State.OPEN,
        plan=frozen(plan),
        steps_run=0,
        next_step_at=now,
        reminded=False,
        raised_by=entry.person_id,
        raised_at=now,
        event_count=0,
        version=1,
    )
    journal = Journal(alert, now)
    facts = {"level": str(call.level), "post_id": str(call.post_id)}
    journal.note("raised", person_id=entry.person_id, detail=facts)
    orders = decide(session, alert, journal, now=now)
    # The row goes in as it stands after its first move.
    row = {f"alert_{column.name}": getattr(alert, column.name) for column in _table.c}
    if _OPEN.first(session, row) is None:
        return _raised_before(session, entry, call), False
    carry_out(session, alert, journal, orders, now=now)
    return view(alert), True


_table = cast("Table", Alert.__table__)
_OPEN = Prepared(
    insert(_table)
    .values({column.name: bindparam(f"alert_{column.name}", type_=column.type) for column in _table.c})
    .on_conflict_do_nothing()
    .returning(_table.c.id)
)


def _raised_before(session: Session, entry: Entry, call: Call) -> AlertView:
    row = session.get(Alert, call.id, populate_existing=True)
    mine = row and (row.group_id, row.raised_by, row.post_id) == (
        entry.group_id,
        entry.person_id,
        call.post_id,
    )
    if row is None or not mine:
        raise Conflict("id-taken")
    return view(row)


def acknowledge(
    session: Session, entry: Entry, alert_id: UUID, *, now: datetime, channel: str = "in_app"
) -> Answer:
    """受けました: take an open alert. One winner; the winner repeating it is told the same."""
    return take(session, entry.person_id, alert_id, State.ACKNOWLEDGED, now=now, channel=channel)


def respond(
    session: Session,
    entry: Entry,
    alert_id: UUID,
    *,
    now: datetime,
    how: str | None = None,
    eta_minutes: int | None = None,
) -> Answer:
    """対応中: on the telephone, or on the way with the minutes that it will take."""
    return take(
        session,
        entry.person_id,
        alert_id,
        State.RESPONDING,
        now=now,
        channel="in_app",
        eta_minutes=eta_minutes,
        how=how,
    )


def arrive(session: Session, entry: Entry, alert_id: UUID, *, now: datetime) -> Answer:
    """到着."""
    return take(session, entry.person_id, alert_id, State.ARRIVED, now=now, channel="in_app")


def take(
    session: Session,
    person_id: UUID,
    alert_id: UUID,
    state: State,
    *,
    now: datetime,
    channel: str,
    eta_minutes: int | None = None,
    how: str | None = None,
) -> Answer:
    """Move an alert to one of the answered states, if this person may still take it.

    An open alert is anybody's. One that a nurse has only acknowledged may be taken over by whoever goes or
    telephones; one that somebody deals with stays theirs. The one conditional update decides a race: one row
    is yours, none means that another has it. The chain stops until the new deadline; what waits to be sent
    is cancelled.
    """
    seen = alert(session, alert_id)
    if _is_repeat(session, seen, person_id, state, how, eta_minutes):
        return Answer(seen, is_yours=True)
    after = rules.answered(seen.position, seen.level, state, person_id, now, eta_minutes)
    anybodys = Alert.state.in_(rules.ANYBODYS[state])
    mine = and_(Alert.answered_by == person_id, Alert.state.in_(rules.ONES_OWN[state]))
    won = session.scalars(
        update(Alert)
        .where(Alert.id == alert_id, or_(anybodys, mine))
        .values(
            {
                "state": state,
                "answered_by": person_id,
                "next_step_at": after.next_step_at,
                "reminded": False,
                f"{state}_at": func.coalesce(getattr(Alert, f"{state}_at"), now),
            }
        )
        .returning(Alert)
        .execution_options(populate_existing=True, synchronize_session=False)
    ).first()
    if won is None:
        return _taken_already(session, alert_id, person_id, now)
    facts = {"how": how, "eta_minutes": eta_minutes}
    facts = {name: value for name, value in facts.items() if value is not None}
    Journal(won, now).note(state, person_id=person_id, channel=channel, detail=facts or None).write(session)
    notifications.cancel_pings(session, "alert", alert_id, reason="answered", now=now)
    log.ring(session, won)
    return Answer(view(won), is_yours=True)


def _is_repeat(
    session: Session, seen: AlertView, person_id: UUID, state: State, how: str | None, eta_minutes: int | None
) -> bool:
    """A phone that lost the answer asks again: nothing happens a second time."""
    if seen.state is not state or seen.position.answered_by != person_id:
        return False
    last = next(event for event in reversed(events(session, seen.id)) if event.kind == state)
    return (last.detail.get("how"), last.detail.get("eta_minutes")) == (how, eta_minutes)


def _taken_already(session: Session, alert_id: UUID, person_id: UUID, now: datetime) -> Answer:
    seen = alert(session, alert_id)
    if seen.position.answered_by == person_id and seen.is_open:
        # He answered on another phone, or has gone further than this tap: it is his all the same.
        return Answer(seen, is_yours=True)
    known = any(e.kind == "late_answer" and e.person_id == person_id for e in events(session, alert_id))
    if not known:
        row = session.get_one(Alert, alert_id, with_for_update=True, populate_existing=True)
        Journal(row, now).note("late_answer", person_id=person_id, is_notice=False).write(session)
        return Answer(view(row), is_yours=False)
    return Answer(seen, is_yours=False)


NOTE_CHARS_MAX = 2000


def resolve(
    session: Session, entry: Entry, alert_id: UUID, outcome: Outcome, *, note: str = "", now: datetime
) -> AlertView:
    """終了 with an outcome: the only good end. The note becomes a sealed post under the urgent one.

    Raises Conflict when it is closed already, unless by this person with this outcome.
    """
    closed = _close(session, entry, alert_id, State.RESOLVED, outcome, now=now)
    if closed and note.strip():
        _publish(session, entry, closed, "note", note, now)
    return alert(session, alert_id)


def cancel(session: Session, entry: Entry, alert_id: UUID, reason: str, *, now: datetime) -> AlertView:
    """取り消し with a reason, by who raised it, a physician or a nurse. Else raises NotAllowed."""
    if not reason.strip():
        raise Invalid("reason-needed", {"reason": "empty"})
    if entry.role not in ("physician", "nurse") and alert(session, alert_id).raised_by != entry.person_id:
        raise NotAllowed("not-allowed")
    closed = _close(session, entry, alert_id, State.CANCELLED, None, now=now)
    if closed:
        _publish(session, entry, closed, "reason", reason, now)
    return alert(session, alert_id)


def _close(
    session: Session, entry: Entry, alert_id: UUID, state: State, outcome: Outcome | None, *, now: datetime
) -> AlertView | None:
    won = session.scalars(
        update(Alert)
        .where(Alert.id == alert_id, Alert.state.not_in(CLOSED))
        .values(state=state, outcome=outcome, next_step_at=None, closed_at=now, closed_by=entry.person_id)
        .returning(Alert)
        .execution_options(populate_existing=True, synchronize_session=False)
    ).first()
    if won is None:
        seen = alert(session, alert_id)
        if (seen.state, seen.outcome, seen.closed_by) == (state, outcome, entry.person_id):
            return None
        raise Conflict("alert-closed", state=str(seen.state))
    facts = {"outcome": str(outcome)} if outcome else None
    Journal(won, now).note(state, person_id=entry.person_id, detail=facts).write(session)
    notifications.cancel_pings(session, "alert", alert_id, reason="closed", now=now)
    log.ring(session, won)
    return view(won)


def _publish(session: Session, entry: Entry, closed: AlertView, kind: str, text: str, now: datetime) -> None:
    # Once, because an alert closes once. An id made by name could be taken beforehand, and nobody could close it.
    draft = Draft(new_id(), "report", say(f"notices.alert.{kind}", text=text.strip()), closed.post_id)
    timeline.publish_post(session, entry, draft, now=now)
