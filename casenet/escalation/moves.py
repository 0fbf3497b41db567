"""What the system does by itself when nobody answers. Needs no key: it must run where none is."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import groups, identity, notifications
from casenet.database import notify
from casenet.escalation import log, rules
from casenet.escalation.chain import Team, everybody, people_of_plan, team_of
from casenet.escalation.queries import due, view
from casenet.escalation.rules import CLOSED, PACES, Level, Move, Plan, Run, State
from casenet.escalation.tables import Alert, Heartbeat
from casenet.notifications import Subject

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
    seen = view(alert)
    team = team_of(session, alert.group_id, alert.raised_by)
    people = people_of_plan(
        session, team, seen.plan, steps_run=alert.steps_run, without=alert.raised_by, now=now
    )
    after, move = rules.next_move(seen.plan, seen.position, seen.level, people, now)
    alert.state = after.state
    alert.steps_run = after.steps_run
    alert.next_step_at = after.next_step_at
    alert.answered_by = after.answered_by
    alert.reminded = after.reminded
    if move.lapsed:
        log.note(session, alert, "lapsed", now=now, person_id=move.lapsed)
    if move.remind:
        _remind(session, alert, move.remind, now)
    _skip(session, alert, seen.plan, move, now)
    for run in move.runs:
        _run(session, alert, team, seen.plan, run, people[run.index], now)
    if move.everybody:
        _ask_everybody(session, alert, team, now)
    session.flush()
    log.ring(session, alert)


def _skip(session: Session, alert: Alert, plan: Plan, move: Move, now: datetime) -> None:
    for run in move.skipped:
        log.note(
            session,
            alert,
            "skipped",
            now=now,
            step=run.index + 1,
            is_notice=run.round == 1,
            detail={"target": str(plan[run.index].target), "round": run.round, "person_ids": []},
        )


def _run(
    session: Session,
    alert: Alert,
    team: Team,
    plan: Plan,
    run: Run,
    people: tuple[UUID, ...],
    now: datetime,
) -> None:
    step = plan[run.index]
    _admit(session, alert, team, people, now)
    log.note(
        session,
        alert,
        "step",
        now=now,
        step=run.index + 1,
        is_notice=run.round == 1,
        detail={
            "target": str(step.target),
            "round": run.round,
            "person_ids": [str(person_id) for person_id in people],
        },
    )
    _ping(session, alert, people, step_no=run.index + 1, attempt=run.round, wait=step.wait_seconds, now=now)


def _admit(session: Session, alert: Alert, team: Team, people: tuple[UUID, ...], now: datetime) -> None:
    """Whoever is called can read what it is about, also when they were no member until now."""
    for person_id in people:
        if person_id not in team.ids():
            groups.admit_for_cover(session, alert.group_id, person_id, until=now + COVER, now=now)


def _ask_everybody(session: Session, alert: Alert, team: Team, now: datetime) -> None:
    people = everybody(session, team, without=alert.raised_by)
    # An administrator who is no nurse or physician can telephone, and needs no patient's record for that.
    professions = identity.people(session, people)
    clinical = {person_id for person_id, person in professions.items() if _is_clinical(person.profession)}
    _admit(session, alert, team, tuple(person for person in people if person in clinical), now)
    asked = {"person_ids": [str(person_id) for person_id in people]}
    log.note(session, alert, "everybody", now=now, detail=asked)
    wait = PACES[Level(alert.level)].everybody
    _ping(session, alert, people, step_no=0, attempt=alert.steps_run, wait=wait, now=now)


def _is_clinical(profession: str) -> bool:
    return groups.ROLE_OF_PROFESSION[profession] in ("physician", "nurse")


def _remind(session: Session, alert: Alert, person_id: UUID, now: datetime) -> None:
    log.note(session, alert, "reminded", now=now, person_id=person_id)
    wait = int(rules.REMINDED.total_seconds())
    # The number of the event keeps this reminder apart from the next one to the same person.
    _ping(session, alert, (person_id,), step_no=0, attempt=-alert.event_count, wait=wait, now=now)


def _ping(
    session: Session,
    alert: Alert,
    people: tuple[UUID, ...],
    *,
    step_no: int,
    attempt: int,
    wait: int,
    now: datetime,
) -> None:
    notifications.queue_pings(
        session,
        # A phone in its sleep wakes for "high" at once; services slow down senders who overuse it.
        Subject("alert", alert.id, step_no, attempt, urgent=alert.level != Level.E1),
        people,
        now=now,
        lifetime=timedelta(seconds=wait) + PING_GRACE,
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
    log.note(session, alert, "hastened", now=now, step=step_no, is_notice=False)
    notify(session, "alerts_due")
    return True


def beat(session: Session, process: str) -> None:
    """Say that this process has just finished a round of its work, by the database's clock."""
    session.execute(
        insert(Heartbeat)
        .values(process=process, at=func.clock_timestamp())
        .on_conflict_do_update(index_elements=["process"], set_={"at": func.clock_timestamp()})
    )
