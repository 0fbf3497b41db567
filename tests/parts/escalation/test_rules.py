"""What an alert does next, small cases first, then whole nights simulated with a clock of our own."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from casenet.escalation.rules import (
    ANSWERED,
    CLOSED,
    DEFAULT_POLICY,
    PACES,
    REMINDED,
    Level,
    Plan,
    Position,
    Run,
    State,
    Step,
    Target,
    answered,
    closed,
    make_plan,
    may_answer,
    next_move,
)

NIGHT = datetime(2026, 11, 22, 17, 10, tzinfo=UTC)
NURSE, ATTENDING, DEPUTY, PARTNER = (UUID(int=n) for n in range(1, 5))
ALL = [[NURSE], [ATTENDING], [DEPUTY], [PARTNER]]
NEW = Position(State.OPEN, 0, NIGHT)


def plan(level: Level = Level.E3) -> Plan:
    return make_plan(DEFAULT_POLICY, level)


def test_the_default_chain_asks_nurse_attending_deputy_and_partner_in_turn() -> None:
    position, asked = NEW, []
    for _ in range(4):
        assert position.next_step_at
        position, move = next_move(plan(), position, Level.E3, ALL, position.next_step_at)
        asked.append([run.index for run in move.runs])
        assert not move.everybody

    assert asked == [[0], [1], [2], [3]]
    assert position.next_step_at == NIGHT + timedelta(minutes=20)


def test_after_the_last_step_it_begins_again_and_asks_everybody() -> None:
    position, move = next_move(plan(), Position(State.OPEN, 4, NIGHT), Level.E3, ALL, NIGHT)

    assert move.runs == (Run(0, 2),)
    assert move.everybody
    assert position.steps_run == 5


@pytest.mark.parametrize(("level", "minutes"), [(Level.E1, 30), (Level.E2, 10), (Level.E3, 5), (Level.E4, 2)])
def test_the_nurse_has_as_long_as_the_level_allows(level: Level, minutes: int) -> None:
    position, _ = next_move(plan(level), NEW, level, ALL, NIGHT)

    assert position.next_step_at == NIGHT + timedelta(minutes=minutes)


def test_a_physician_has_fifteen_minutes_at_e2() -> None:
    position, _ = next_move(plan(Level.E2), Position(State.OPEN, 1, NIGHT), Level.E2, ALL, NIGHT)

    assert position.next_step_at == NIGHT + timedelta(minutes=15)


def test_e4_asks_nurse_and_attending_physician_in_the_same_moment() -> None:
    position, move = next_move(plan(Level.E4), NEW, Level.E4, ALL, NIGHT)

    assert move.runs == (Run(0, 1), Run(1, 1))
    assert position.steps_run == 2


def test_an_empty_step_is_passed_over_at_once() -> None:
    position, move = next_move(plan(), NEW, Level.E3, [[], [], [DEPUTY], [PARTNER]], NIGHT)

    assert move.skipped == (Run(0, 1), Run(1, 1))
    assert move.runs == (Run(2, 1),)
    assert position.steps_run == 3


def test_a_chain_of_nobody_asks_everybody_and_keeps_trying() -> None:
    position, move = next_move(plan(), NEW, Level.E3, [[], [], [], []], NIGHT)

    assert move.runs == ()
    assert move.everybody
    assert position.next_step_at == NIGHT + timedelta(seconds=PACES[Level.E3].everybody)


def test_a_policy_of_one_step_runs_that_step_again_and_again() -> None:
    single = (Step(Target.ATTENDING_PHYSICIAN, None, 120),)
    position, first = next_move(single, NEW, Level.E4, [[ATTENDING]], NIGHT)
    _, second = next_move(single, position, Level.E4, [[ATTENDING]], NIGHT)

    assert (first.runs, first.everybody) == ((Run(0, 1),), False)
    assert (second.runs, second.everybody) == ((Run(0, 2),), True)


def test_an_answer_without_outcome_lets_the_chain_go_on_where_it_stood() -> None:
    position = answered(Position(State.OPEN, 1, NIGHT), Level.E2, State.ACKNOWLEDGED, NURSE, NIGHT)
    assert position.next_step_at == NIGHT + timedelta(minutes=15)

    later = NIGHT + timedelta(minutes=15)
    position, move = next_move(plan(Level.E2), position, Level.E2, ALL, later)

    assert (position.state, position.answered_by) == (State.OPEN, None)
    assert move.lapsed == NURSE
    assert move.runs == (Run(1, 1),)


def test_who_is_on_the_way_is_reminded_once_before_the_chain_goes_on() -> None:
    position = answered(Position(State.OPEN, 2, NIGHT), Level.E3, State.RESPONDING, ATTENDING, NIGHT, 40)
    assert position.next_step_at == NIGHT + timedelta(minutes=70)

    position, first = next_move(plan(), position, Level.E3, ALL, NIGHT + timedelta(minutes=70))
    assert (first.remind, first.runs) == (ATTENDING, ())
    assert position.next_step_at == NIGHT + timedelta(minutes=70) + REMINDED

    position, second = next_move(plan(), position, Level.E3, ALL, NIGHT + timedelta(minutes=80))
    assert (position.state, second.lapsed, second.runs) == (State.OPEN, ATTENDING, (Run(2, 1),))


def test_a_closed_alert_makes_no_move() -> None:
    with pytest.raises(ValueError, match="closed"):
        next_move(plan(), closed(NEW, State.RESOLVED), Level.E3, ALL, NIGHT)


@given(
    st.sampled_from(Level),
    st.integers(0, 40),
    st.lists(st.lists(st.sampled_from([NURSE, ATTENDING]), max_size=2), min_size=4, max_size=4),
)
def test_every_move_asks_somebody_who_is_there_and_looks_again_later(
    level: Level, steps_run: int, people: list[list[UUID]]
) -> None:
    position, move = next_move(plan(level), Position(State.OPEN, steps_run, NIGHT), level, people, NIGHT)

    assert position.next_step_at
    assert position.next_step_at > NIGHT
    assert position.steps_run > steps_run
    assert all(people[run.index] for run in move.runs)
    assert not any(people[run.index] for run in move.skipped)
    assert move.runs or move.everybody
    assert position.steps_run == steps_run + len(move.runs) + len(move.skipped)


class Night(RuleBasedStateMachine):
    """One alert through a night in which anything happens in any order (security.md F-27)."""

    @initialize(level=st.sampled_from(Level))
    def it_is_raised(self, level: Level) -> None:
        self.level = level
        self.plan = make_plan(DEFAULT_POLICY, level)
        self.now = NIGHT
        self.people: list[list[UUID]] = [list(who) for who in ALL]
        self.position = Position(State.OPEN, 0, NIGHT)
        self.due_at = NIGHT
        self.asked_since: dict[int, int] = {}

    @rule(minutes=st.integers(0, 45))
    def time_passes_and_the_worker_looks(self, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        while self.position.next_step_at and self.position.next_step_at <= until:
            self.now = self.position.next_step_at
            self.advance()
        self.now = until

    @precondition(lambda self: self.position.next_step_at is not None)
    @rule()
    def every_ping_of_the_step_has_failed(self) -> None:
        if self.position.state is State.OPEN:
            self.advance()

    def advance(self) -> None:
        before = self.position
        self.position, move = next_move(self.plan, before, self.level, self.people, self.now)
        assert self.position.next_step_at
        assert self.position.next_step_at > self.now
        assert move.runs or move.everybody or move.remind
        assert (move.remind is not None) == (
            before.state in (State.RESPONDING, State.ARRIVED) and not before.reminded
        )
        for place in range(before.steps_run, self.position.steps_run):
            expected = place % len(self.plan)
            assert expected in {run.index for run in (*move.runs, *move.skipped)}

    @rule(index=st.integers(0, 3), there=st.booleans())
    def the_roster_changes(self, index: int, there: bool) -> None:
        self.people[index] = list(ALL[index]) if there else []

    @rule(
        who=st.sampled_from([NURSE, ATTENDING, PARTNER]),
        state=st.sampled_from(ANSWERED),
        eta=st.none() | st.integers(1, 180),
    )
    def somebody_answers(self, who: UUID, state: State, eta: int | None) -> None:
        before = self.position
        if may_answer(before, state, who):
            self.position = answered(before, self.level, state, who, self.now, eta)
            assert self.position.answered_by == who
            assert self.position.next_step_at
            assert self.position.next_step_at > self.now
        else:
            assert before.state in CLOSED or before.answered_by is not None

    @precondition(lambda self: self.position.state not in CLOSED)
    @rule(state=st.sampled_from(CLOSED))
    def it_ends(self, state: State) -> None:
        self.position = closed(self.position, state)

    @invariant()
    def an_alert_that_is_not_closed_has_a_time_to_look_at_again(self) -> None:
        if hasattr(self, "position"):
            assert (self.position.next_step_at is None) == (self.position.state in CLOSED)

    @invariant()
    def nobody_unanswered_is_left_waiting_longer_than_the_longest_wait(self) -> None:
        if hasattr(self, "position") and self.position.next_step_at:
            assert self.position.next_step_at <= self.now + timedelta(hours=2, minutes=1)


Night.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestNight = Night.TestCase


@given(st.sampled_from(Level), st.lists(st.booleans(), min_size=4, max_size=4).filter(any))
def test_without_an_answer_everybody_reachable_is_asked_in_every_round(
    level: Level, there: list[bool]
) -> None:
    people = [who if here else [] for who, here in zip(ALL, there, strict=True)]
    steps, position, now = make_plan(DEFAULT_POLICY, level), NEW, NIGHT
    asked: set[Run] = set()
    while position.steps_run < 12:
        position, move = next_move(steps, position, level, people, now)
        assert position.next_step_at
        now = position.next_step_at
        asked.update(move.runs)

    for round_ in (1, 2, 3):
        assert {run.index for run in asked if run.round == round_} >= {n for n in range(4) if there[n]}
