"""What the system does by itself when nobody answers. Needs no key: it must run where none is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import String, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import groups, identity, notifications
from casenet.database import Database, Prepared, notify
from casenet.escalation import log, rules
from casenet.escalation.chain import Asked, Team, asked_by, everybody, team_of
from casenet.escalation.log import Journal
from casenet.escalation.queries import due, view
from casenet.escalation.rules import CLOSED, PACES, Level, Move, Plan, Run, State
from casenet.escalation.tables import Alert, Heartbeat
from casenet.notifications import Channel, Subject

# Somebody called in the night sees the timeline until the next evening, to hand over.
COVER = timedelta(hours=24)
# A ping outlives its step a little: an answer that comes just after the next step is an answer too.
PING_GRACE = timedelta(minutes=5)


def advance_due(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Make every move that is due at `now`; returns how many. One transaction; see `advance` for one each."""
    return sum(advance(session, alert_id, now=now) for alert_id in due(session, now, limit))


def advance(session: Session, alert_id: UUID, *, now: datetime) -> bool:
    """Make the next move of one alert. False when it is not due any more or held by another worker."""
    alert = session.scalars(
        select(Alert)
        .where(Alert.id == alert_id, Alert.next_step_at <= now, Alert.state.not_in(CLOSED))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if alert is None:
        return False
    make_move(session, alert, now=now)
    return True


def make_move(session: Session, alert: Alert, *, now: datetime) -> None:
    """Decide and write down the next move of an alert whose row we hold."""
    journal = Journal(alert, now)
    orders = decide(session, alert, journal, now=now)
    carry_out(session, alert, journal, orders, now=now)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Persons who are asked together; `step_no`, `attempt`: see the table `ping`. wait: seconds."""

    channels: dict[UUID, frozenset[Channel]]
    step_no: int
    attempt: int
    wait: int


@dataclass(frozen=True, slots=True)
class Orders:
    """What a move wants done beside what is noted: whom to let into the group, whom to ask.

    readers   Whoever reads the group afterwards.
    """

    team: Team
    covers: list[UUID] = field(default_factory=list[UUID])
    askings: list[_Asking] = field(default_factory=list[_Asking])

    @property
    def readers(self) -> list[UUID]:
        return [*self.team.readers(), *self.covers]

    def let_in(self, people: Iterable[UUID]) -> None:
        """Whoever is called can read what it is about, also when they were no member until now."""
        known = {*self.team.ids(), *self.covers}
        self.covers.extend(person for person in people if person not in known)


def decide(session: Session, alert: Alert, journal: Journal, *, now: datetime) -> Orders:
    """Decide an alert's next move: into its attributes, the journal and the orders. Writes nothing."""
    # Also not the attributes that are set meanwhile: a row that is updated twice takes a share of its group's lock.
    with session.no_autoflush:
        return _decide(session, alert, journal, now)


def _decide(session: Session, alert: Alert, journal: Journal, now: datetime) -> Orders:
    seen = view(alert)
    team = team_of(session, alert.group_id)
    asked = asked_by(session, team, seen.plan, steps_run=alert.steps_run, without=alert.raised_by, now=now)
    after, move = rules.next_move(seen.plan, seen.position, seen.level, asked.steps, now)
    alert.state = after.state
    alert.steps_run = after.steps_run
    alert.next_step_at = after.next_step_at
    alert.answered_by = after.answered_by
    alert.reminded = after.reminded
    orders = Orders(team)
    if move.lapsed:
        journal.note("lapsed", person_id=move.lapsed)
    if move.remind:
        _remind(session, alert, journal, orders, move.remind)
    _skip(journal, seen.plan, move)
    for run in move.runs:
        _run(journal, orders, seen.plan, run, asked)
    if move.everybody:
        _ask_everybody(session, alert, journal, orders)
    return orders


def carry_out(session: Session, alert: Alert, journal: Journal, orders: Orders, *, now: datetime) -> None:
    """Write down what was decided about an alert that stands in the database."""
    for person_id in orders.covers:
        groups.admit_for_cover(session, alert.group_id, person_id, until=now + COVER, now=now)
    journal.write(session)
    for asking in orders.askings:
        _ping(session, alert, asking, now)
    log.ring_readers(session, alert, orders.readers)


def _skip(journal: Journal, plan: Plan, move: Move) -> None:
    for run in move.skipped:
        journal.note(
            "skipped",
            step=run.index + 1,
            is_notice=run.round == 1,
            detail={"target": str(plan[run.index].target), "round": run.round, "person_ids": []},
        )


def _run(journal: Journal, orders: Orders, plan: Plan, run: Run, asked: Asked) -> None:
    step, people = plan[run.index], asked.steps[run.index]
    orders.let_in(people)
    journal.note(
        "step",
        step=run.index + 1,
        is_notice=run.round == 1,
        detail={
            "target": str(step.target),
            "round": run.round,
            "person_ids": [str(person_id) for person_id in people],
        },
    )
    channels = {person_id: asked.channels[person_id] for person_id in people}
    orders.askings.append(_Asking(channels, run.index + 1, run.round, step.wait_seconds))


def _ask_everybody(session: Session, alert: Alert, journal: Journal, orders: Orders) -> None:
    channels = everybody(session, orders.team, without=alert.raised_by)
    # An administrator who is no nurse or physician can telephone, and needs no patient's record for that.
    known = identity.people(session, channels)
    orders.let_in(person_id for person_id in channels if _is_clinical(known[person_id].profession))
    journal.note("everybody", detail={"person_ids": [str(person_id) for person_id in channels]})
    wait = PACES[Level(alert.level)].everybody
    orders.askings.append(_Asking(channels, 0, alert.steps_run, wait))


def _is_clinical(profession: str) -> bool:
    return groups.ROLE_OF_PROFESSION[profession] in ("physician", "nurse")


def _remind(session: Session, alert: Alert, journal: Journal, orders: Orders, person_id: UUID) -> None:
    journal.note("reminded", person_id=person_id)
    channels = notifications.channels_of(session, [person_id])
    # The number of the event keeps this reminder apart from the next one to the same person.
    wait = int(rules.REMINDED.total_seconds())
    orders.askings.append(_Asking(channels, 0, -alert.event_count, wait))


def _ping(session: Session, alert: Alert, asking: _Asking, now: datetime) -> None:
    notifications.queue_pings(
        session,
        # A phone in its sleep wakes for "high" at once; services slow down senders who overuse it.
        Subject("alert", alert.id, asking.step_no, asking.attempt, urgent=alert.level != Level.E1),
        asking.channels,
        now=now,
        lifetime=timedelta(seconds=asking.wait) + PING_GRACE,
        fallback=timedelta(seconds=PACES[Level(alert.level)].fallback),
    )


def hasten(session: Session, alert_id: UUID, *, step_no: int, attempt: int, now: datetime) -> bool:
    """Move on now: nobody asked in this step can be reached. False when the alert is past it already."""
    alert = session.scalars(
        select(Alert)
        .where(Alert.id == alert_id, Alert.state == State.OPEN, Alert.next_step_at > now)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if alert is None or step_no < 1 or alert.steps_run != (attempt - 1) * len(alert.plan) + step_no:
        return False
    alert.next_step_at = now
    Journal(alert, now).note("hastened", step=step_no, is_notice=False).write(session)
    notify(session, "alerts_due")
    return True


_heartbeat = cast("Table", Heartbeat.__table__)
_BEAT = Prepared(
    insert(_heartbeat)
    .values(process=bindparam("name", type_=String), at=func.clock_timestamp())
    .on_conflict_do_update(index_elements=["process"], set_={"at": func.clock_timestamp()})
)


def beat(session: Database, process: str) -> None:
    """Say that this process has just finished a round of its work, by the database's clock."""
    _BEAT.do(session, {"name": process})
