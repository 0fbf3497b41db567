"""An alert as phones see it: in lists, and whole with steps and log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from casenet import clock, escalation, facilities, groups, notifications, timeline
from casenet.crypto import KeyMissing
from casenet.escalation import AlertView
from casenet.groups import Entry
from casenet.web.cards import Card, cards
from casenet.web.group_shapes import PatientLine
from casenet.web.groups import patient_line
from casenet.web.shapes import Shape


class StepPerson(Shape):
    """Whom a step asks, with the number to call by hand."""

    id: UUID
    name: str
    profession: str
    facility_name: str
    tel: str


class ChainStep(Shape):
    """One step that would run, with whom it would ask now."""

    n: int
    target: str
    people: list[StepPerson]
    wait_seconds: int


class AlertStep(ChainStep):
    """One step of an alert. state: waiting, running, passed, skipped or answered."""

    state: str
    started_at: datetime | None


class AlertEvent(Shape):
    """One thing that happened."""

    n: int
    at: datetime
    kind: str
    person_id: UUID | None
    channel: str | None
    step: int | None


class AlertLine(Shape):
    """An alert in a list."""

    id: UUID
    group_id: UUID
    level: str
    state: str
    raised_at: datetime
    raised_by: UUID
    next_step_at: datetime | None
    answered_by: UUID | None
    patient: PatientLine | None  # None while the key is away: a call goes on without it
    people: dict[str, Card]


class AlertOut(AlertLine):
    """One alert, whole."""

    sequence: int
    post_id: UUID
    outcome: str | None
    version: int
    steps: list[AlertStep]
    events: list[AlertEvent]
    text: str | None


def line_json(session: Session, alert: AlertView, patient: groups.PatientView | None) -> dict[str, Any]:
    """An alert in a list."""
    position = alert.position
    people = cards(session, {alert.raised_by, position.answered_by})
    return {
        "id": alert.id,
        "group_id": alert.group_id,
        "level": alert.level,
        "state": alert.state,
        "raised_at": alert.raised_at,
        "raised_by": alert.raised_by,
        "next_step_at": position.next_step_at,
        "answered_by": position.answered_by,
        "patient": patient_line(patient) if patient else None,
        "people": people,
    }


def alert_json(session: Session, entry: Entry, alert: AlertView) -> dict[str, Any]:
    """An alert, whole. Opens the patient's card and the post, which leaves audit rows."""
    events = escalation.events(session, alert.id)
    team = escalation.team_of(session, alert.group_id)
    would_ask = escalation.people_of_plan(
        session,
        team,
        alert.plan,
        steps_run=alert.position.steps_run,
        without=alert.raised_by,
        now=clock.now(),
    )
    steps = escalation.steps_of(alert, events, would_ask)
    known = step_people(session, {person for step in steps for person in step.person_ids})
    log = _log(events, notifications.pings_about(session, "alert", alert.id))
    people = cards(session, {event["person_id"] for event in log} | known.keys())
    patient, text = _opened(session, entry, alert)
    line = line_json(session, alert, patient)
    return line | {
        "sequence": alert.sequence,
        "post_id": alert.post_id,
        "outcome": alert.outcome,
        "version": alert.version,
        "steps": [
            {
                "n": step.n,
                "target": step.target,
                "people": [known[person] for person in step.person_ids if person in known],
                "wait_seconds": step.wait_seconds,
                "state": step.state,
                "started_at": step.started_at,
            }
            for step in steps
        ],
        "events": log,
        "people": line["people"] | people,
        "text": text,
    }


def _opened(session: Session, entry: Entry, alert: AlertView) -> tuple[groups.PatientView | None, str | None]:
    """Patient and text of the call; nothing while the key is away (architecture.md, decision 9)."""
    try:
        post = timeline.history(session, entry, alert.post_id)[-1]
        return groups.patient(session, entry), post.text
    except KeyMissing:
        return None, None


def _log(
    events: tuple[escalation.EventView, ...], pings: tuple[notifications.PingView, ...]
) -> list[dict[str, Any]]:
    """What happened, in order of time: what people and the chain did, and what became of each ping."""
    told: list[tuple[datetime, str, UUID | None, str | None, int | None]] = [
        (event.at, event.kind, event.person_id, event.channel, event.step) for event in events
    ]
    for ping in pings:
        ends = {"ping.sent": ping.sent_at, "ping.delivered": ping.delivered_at}
        if ping.state == "failed":
            ends["ping.failed"] = ping.ended_at
        told += [
            (at, kind, ping.person_id, ping.channel, ping.step_no or None)
            for kind, at in ends.items()
            if at is not None
        ]
    told.sort(key=lambda event: event[0])
    return [
        {"n": n, "at": at, "kind": kind, "person_id": person_id, "channel": channel, "step": step}
        for n, (at, kind, person_id, channel, step) in enumerate(told, start=1)
    ]


def step_people(session: Session, person_ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    """Persons as a step shows them, by id."""
    offices = facilities.facilities_of(session, person_ids)
    shown = cards(session, person_ids)
    return {
        person_id: shown[str(person_id)]
        | {"id": person_id, "tel": offices[person_id].tel if person_id in offices else ""}
        for person_id in person_ids
        if str(person_id) in shown
    }
