"""What an alert does next. Values in, values out: no session, no clock, no chance.

An alert that is not closed always has a next time (also a CHECK in the schema). The end of the chain is
not an end: it begins again and asks everybody. Only a person's answer stops it, and an answer only
buys time: without an outcome the chain goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Level(StrEnum):
    """How soon somebody must act (domain: 緊急度). E4: the ambulance first, and everybody at once."""

    E1 = "E1"
    E2 = "E2"
    E3 = "E3"
    E4 = "E4"


class State(StrEnum):
    """Where an alert stands; the last two are closed."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESPONDING = "responding"
    ARRIVED = "arrived"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


CLOSED = (State.RESOLVED, State.CANCELLED)
ANSWERED = (State.ACKNOWLEDGED, State.RESPONDING, State.ARRIVED)


class Target(StrEnum):
    """Whom a step asks; the person behind it is looked up when the step runs."""

    HOME_NURSING_ON_CALL = "home_nursing_on_call"
    PHYSICIAN_ON_DUTY = "physician_on_duty"
    ATTENDING_PHYSICIAN = "attending_physician"
    DEPUTY_PHYSICIAN = "deputy_physician"
    PARTNER_PHYSICIAN_ON_DUTY = "partner_physician_on_duty"


class Outcome(StrEnum):
    """How an alert ended (domain 6.5)."""

    PHONE_GUIDANCE = "phone_guidance"
    NURSE_VISIT = "nurse_visit"
    PHYSICIAN_VISIT = "physician_visit"
    AMBULANCE = "ambulance"
    ADMISSION = "admission"
    END_OF_LIFE_CARE = "end_of_life_care"
    FALSE_ALARM = "false_alarm"


@dataclass(frozen=True, slots=True)
class Pace:
    """The waits of one level, in seconds.

    nurse, physician, partner   Until the next step, when nobody answers.
    everybody                   Until the next try, when no step has anybody to ask.
    answer                      From "I have it" to the clinical answer; then the chain goes on.
    fallback                    From the first channel to the next, without a receipt from the phone.
    first_together              How many steps run at the very beginning, at once.
    """

    nurse: int
    physician: int
    partner: int
    everybody: int
    answer: int
    fallback: int
    first_together: int = 1


MINUTE = 60
# Domain table 6.5. E1 (today) is ours: long enough not to wake a second person for a question.
PACES = {
    Level.E1: Pace(
        nurse=30 * MINUTE, physician=60 * MINUTE, partner=60 * MINUTE,
        everybody=30 * MINUTE, answer=60 * MINUTE, fallback=60,
    ),
    Level.E2: Pace(
        nurse=10 * MINUTE, physician=15 * MINUTE, partner=10 * MINUTE,
        everybody=5 * MINUTE, answer=15 * MINUTE, fallback=60,
    ),
    Level.E3: Pace(
        nurse=5 * MINUTE, physician=5 * MINUTE, partner=5 * MINUTE,
        everybody=5 * MINUTE, answer=15 * MINUTE, fallback=20,
    ),
    Level.E4: Pace(
        nurse=2 * MINUTE, physician=2 * MINUTE, partner=2 * MINUTE,
        everybody=2 * MINUTE, answer=5 * MINUTE, fallback=0, first_together=2,
    ),
}  # fmt: skip

# After these the answerer is reminded once, and after REMINDED the chain goes on.
ON_THE_PHONE = timedelta(minutes=30)
ON_THE_WAY = timedelta(minutes=90)  # a night visit arrives 30-90 minutes after the call (domain 6.3)
LATE_AFTER_ETA = timedelta(minutes=30)
AT_THE_BEDSIDE = timedelta(minutes=120)
REMINDED = timedelta(minutes=10)
ETA_MINUTES_MAX = 180
STEPS_MAX = 8


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One step as a group writes it. facility_id: whose roster; None looks at the group's own facilities."""

    target: Target
    facility_id: UUID | None = None


DEFAULT_POLICY = (
    PolicyStep(Target.HOME_NURSING_ON_CALL),
    PolicyStep(Target.ATTENDING_PHYSICIAN),
    PolicyStep(Target.DEPUTY_PHYSICIAN),
    PolicyStep(Target.PARTNER_PHYSICIAN_ON_DUTY),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step as frozen into an alert. with_next: the following step runs in the same moment."""

    target: Target
    facility_id: UUID | None
    wait_seconds: int
    with_next: bool = False


Plan = tuple[Step, ...]


def make_plan(policy: Sequence[PolicyStep], level: Level) -> Plan:
    """Freeze a policy for one alert: later changes of policy do not move it."""
    pace = PACES[level]
    waits = {
        Target.HOME_NURSING_ON_CALL: pace.nurse,
        Target.PARTNER_PHYSICIAN_ON_DUTY: pace.partner,
    }
    return tuple(
        Step(
            step.target,
            step.facility_id,
            waits.get(step.target, pace.physician),
            with_next=index + 1 < min(pace.first_together, len(policy)),
        )
        for index, step in enumerate(policy)
    )


@dataclass(frozen=True, slots=True)
class Position:
    """Where an alert stands in its plan.

    steps_run     How many steps have run or been skipped since it opened, over all rounds.
    next_step_at  None exactly when closed.
    reminded      The answerer has been reminded that no outcome stands yet.
    """

    state: State
    steps_run: int
    next_step_at: datetime | None
    answered_by: UUID | None = None
    reminded: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One step that asks its people now. index: in the plan. round: 1 for the first time through."""

    index: int
    round: int


@dataclass(frozen=True, slots=True)
class Move:
    """What to do now.

    runs        Steps whose people are asked; none when no step has anybody.
    skipped     Steps passed over because nobody could be reached.
    everybody   Also ask the group's physicians and the offices' administrators.
    remind      Only remind this person of the missing outcome.
    lapsed      This person answered and gave no outcome in time: the alert is open again.
    """

    runs: tuple[Run, ...] = ()
    skipped: tuple[Run, ...] = ()
    everybody: bool = False
    remind: UUID | None = None
    lapsed: UUID | None = None


def next_move(
    plan: Plan, position: Position, level: Level, people: Sequence[Sequence[UUID]], now: datetime
) -> tuple[Position, Move]:
    """Decide what an alert does whose time has come.

    people      For every step of the plan, who can be reached for it at this moment.
    Returns     where it stands afterwards, always with a later next time, and what to do.

    An empty step is passed over at once. Passing the end of the plan, or finding nobody in any step,
    asks everybody.
    """
    if position.next_step_at is None:
        raise ValueError("a closed alert makes no move")
    if position.state in (State.RESPONDING, State.ARRIVED) and not position.reminded:
        reminded = replace(position, reminded=True, next_step_at=now + REMINDED)
        return reminded, Move(remind=position.answered_by)
    lapsed = position.answered_by if position.state in ANSWERED else None
    move, steps_run = _walk(plan, position.steps_run, people)
    waits = [plan[run.index].wait_seconds for run in move.runs] or [PACES[level].everybody]
    after = Position(State.OPEN, steps_run, now + timedelta(seconds=max(waits)))
    return after, replace(move, lapsed=lapsed)


def _walk(plan: Plan, steps_run: int, people: Sequence[Sequence[UUID]]) -> tuple[Move, int]:
    runs: list[Run] = []
    skipped: list[Run] = []
    everybody = False
    for place in range(steps_run, steps_run + len(plan)):
        run = Run(place % len(plan), place // len(plan) + 1)
        if run.index == 0 and run.round > 1:
            everybody = True
        if not people[run.index]:
            skipped.append(run)
            continue
        runs.append(run)
        if not plan[run.index].with_next:
            break
    steps_run += len(runs) + len(skipped)
    return Move(tuple(runs), tuple(skipped), everybody or not runs), steps_run


def answered(
    position: Position,
    level: Level,
    state: State,
    person_id: UUID,
    now: datetime,
    eta_minutes: int | None = None,
) -> Position:
    """Where an alert stands when this person says "I have it", "on the way" or "arrived".

    state         One of ANSWERED.
    eta_minutes   Minutes until arrival, for a visit; None for advice by telephone.
    """
    if state is State.ACKNOWLEDGED:
        wait = timedelta(seconds=PACES[level].answer)
    elif state is State.ARRIVED:
        wait = AT_THE_BEDSIDE
    elif eta_minutes is None:
        wait = ON_THE_PHONE
    else:
        wait = min(timedelta(minutes=eta_minutes) + LATE_AFTER_ETA, ON_THE_WAY + LATE_AFTER_ETA)
    return replace(position, state=state, answered_by=person_id, reminded=False, next_step_at=now + wait)


# From which states an alert can be brought to an answered one: by anybody, and by who has it. An alert that
# a nurse has only acknowledged may be taken over by whoever goes; one that somebody deals with is theirs.
ANYBODYS = {
    State.ACKNOWLEDGED: (State.OPEN,),
    State.RESPONDING: (State.OPEN, State.ACKNOWLEDGED),
    State.ARRIVED: (State.OPEN, State.ACKNOWLEDGED),
}
ONES_OWN = {
    State.ACKNOWLEDGED: (),
    State.RESPONDING: (State.RESPONDING,),
    State.ARRIVED: (State.RESPONDING,),
}


def may_answer(position: Position, state: State, person_id: UUID) -> bool:
    """Whether this person may bring the alert to this answered state."""
    is_theirs = position.answered_by == person_id and position.state in ONES_OWN[state]
    return position.state in ANYBODYS[state] or is_theirs


def closed(position: Position, state: State) -> Position:
    """Where an alert stands when it has ended. state: one of CLOSED."""
    return replace(position, state=state, next_step_at=None)
