"""How far an alert has come, step by step, for the person who looks at it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casenet.escalation.queries import AlertView, EventView
from casenet.escalation.rules import State


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step of the plan: whom it asked, or would ask if it ran now."""

    n: int
    target: str
    person_ids: tuple[UUID, ...]
    state: str
    started_at: datetime | None
    wait_seconds: int


def steps_of(
    alert: AlertView, events: Sequence[EventView], would_ask: Sequence[Sequence[UUID]]
) -> tuple[StepProgress, ...]:
    """The steps with what has become of each.

    would_ask   For every step, whom it would ask now; used for steps that have not run.
    A step is "running" while it is the newest to have asked and nobody answered; "answered" when one of
    those whom it asked has the alert or closed it.
    """
    last = {event.step: event for event in events if event.kind in ("step", "skipped") and event.step}
    newest = max((event.at for event in last.values() if event.kind == "step"), default=None)
    answerer = alert.position.answered_by or alert.closed_by
    found: list[StepProgress] = []
    for index, step in enumerate(alert.plan):
        event = last.get(index + 1)
        people = (
            tuple(UUID(person) for person in event.detail["person_ids"]) if event else tuple(would_ask[index])
        )
        if event is None:
            state = "waiting"
        elif event.kind == "skipped":
            state = "skipped"
        elif alert.state is State.OPEN and event.at == newest:
            state = "running"
        else:
            state = "answered" if answerer in people else "passed"
        started_at = event.at if event and event.kind == "step" else None
        found.append(StepProgress(index + 1, step.target, people, state, started_at, step.wait_seconds))
    return tuple(found)
