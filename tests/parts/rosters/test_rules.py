"""Who is on call, as arithmetic: checked against a slow oracle that looks at every instant by itself."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casenet.rosters.rules import (
    LONGEST,
    TOKYO,
    OnCall,
    Override,
    Rank,
    Shift,
    check_period,
    gaps,
    on_call_at,
    span,
)

PEOPLE = [UUID(int=n) for n in range(1, 6)]
EVENING = datetime(2026, 11, 22, 17, 0, tzinfo=TOKYO)

people = st.sampled_from(PEOPLE)
ranks = st.sampled_from(Rank)
hours = st.integers(0, 60).map(lambda quarter: EVENING + timedelta(minutes=15 * quarter))


@st.composite
def periods(draw: st.DrawFn) -> tuple[datetime, datetime]:
    first, second = draw(st.tuples(hours, hours).filter(lambda pair: pair[0] != pair[1]))
    return min(first, second), max(first, second)


shifts = st.lists(
    st.builds(lambda who, when, rank: Shift(who, *when, rank), people, periods(), ranks), max_size=6
)
overrides = st.lists(
    st.builds(
        lambda absent, who, when, rank: Override(absent, who, *when, rank),
        st.none() | people,
        st.none() | people,
        periods(),
        ranks,
    ).filter(lambda o: o.absent_person_id != o.person_id),
    max_size=5,
)


def ids(on_call: tuple[OnCall, ...]) -> list[UUID]:
    return [person.person_id for person in on_call]


@given(shifts, overrides, hours)
def test_each_person_is_on_call_once_and_the_first_stand_before_the_backups(
    plan: list[Shift], changes: list[Override], now: datetime
) -> None:
    found = on_call_at(plan, changes, now)

    assert len(set(ids(found))) == len(found)
    assert [p.rank for p in found] == sorted((p.rank for p in found), key=list(Rank).index)


@given(shifts, hours)
def test_without_overrides_exactly_the_running_shifts_are_on_call(plan: list[Shift], now: datetime) -> None:
    assert set(ids(on_call_at(plan, [], now))) == {
        s.person_id for s in plan if s.starts_at <= now < s.ends_at
    }


@given(shifts, overrides, hours)
def test_the_order_in_which_shifts_were_written_means_nothing(
    plan: list[Shift], changes: list[Override], now: datetime
) -> None:
    assert on_call_at(plan, changes, now) == on_call_at(list(reversed(plan)), changes, now)


@given(shifts, overrides, people, hours)
def test_a_removal_written_last_leaves_that_person_in_peace(
    plan: list[Shift], changes: list[Override], absent: UUID, now: datetime
) -> None:
    removal = Override(absent, None, now, now + timedelta(hours=1))

    assert absent not in ids(on_call_at(plan, [*changes, removal], now))
    assert set(ids(on_call_at(plan, [*changes, removal], now))) == set(
        ids(on_call_at(plan, changes, now))
    ) - {absent}


@given(shifts, overrides, people, people, hours)
def test_a_replacement_never_makes_more_people_than_there_were(
    plan: list[Shift], changes: list[Override], absent: UUID, who: UUID, now: datetime
) -> None:
    before = set(ids(on_call_at(plan, changes, now)))
    swap = Override(absent, who, now, now + timedelta(hours=1))

    after = set(ids(on_call_at(plan, [*changes, swap], now)))

    if absent == who or absent not in before:
        assert after == before
    else:
        assert after == (before - {absent}) | {who}


@given(shifts, overrides, hours)
def test_an_override_says_nothing_outside_its_time(
    plan: list[Shift], changes: list[Override], now: datetime
) -> None:
    elsewhere = [o for o in changes if o.starts_at <= now < o.ends_at]

    assert on_call_at(plan, changes, now) == on_call_at(plan, elsewhere, now)


@given(shifts, overrides)
def test_gaps_are_exactly_the_quarters_in_which_nobody_is_on_call(
    plan: list[Shift], changes: list[Override]
) -> None:
    quarters = [EVENING + timedelta(minutes=15 * n) for n in range(60)]
    until = quarters[-1] + timedelta(minutes=15)

    found = gaps(plan, changes, EVENING, until)

    for now in quarters:
        in_gap = any(gap.starts_at <= now < gap.ends_at for gap in found)
        assert in_gap == (not on_call_at(plan, changes, now))
    assert all(left.ends_at < right.starts_at for left, right in itertools.pairwise(found))


def test_the_stand_in_of_a_stand_in_is_called() -> None:
    night = (EVENING, EVENING + timedelta(hours=14))
    plan = [Shift(PEOPLE[0], *night)]
    changes = [Override(PEOPLE[0], PEOPLE[1], *night), Override(PEOPLE[1], PEOPLE[2], *night)]

    assert on_call_at(plan, changes, EVENING) == (OnCall(PEOPLE[2], Rank.FIRST),)


def test_two_shifts_that_meet_hand_over_without_gap_or_overlap() -> None:
    turn = EVENING + timedelta(hours=7)
    plan = [Shift(PEOPLE[0], EVENING, turn), Shift(PEOPLE[1], turn, turn + timedelta(hours=7))]

    assert ids(on_call_at(plan, [], turn - timedelta(microseconds=1))) == [PEOPLE[0]]
    assert ids(on_call_at(plan, [], turn)) == [PEOPLE[1]]
    assert gaps(plan, [], EVENING, turn + timedelta(hours=7)) == ()


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 30), date(2026, 12, 31), date(2028, 2, 28), date(2028, 2, 29), date(2027, 2, 28)],
)
def test_a_night_over_the_end_of_a_month_is_one_night(day: date) -> None:
    starts_at, ends_at = span(day, time(17, 30), time(8, 30))
    shift = Shift(PEOPLE[0], starts_at, ends_at)
    midnight = datetime.combine(day + timedelta(days=1), time(0), TOKYO)

    assert ends_at - starts_at == timedelta(hours=15)
    for now in (midnight - timedelta(microseconds=1), midnight, midnight.astimezone(UTC)):
        assert ids(on_call_at([shift], [], now)) == [PEOPLE[0]]
    assert on_call_at([shift], [], ends_at) == ()


def test_a_year_of_nights_has_no_quarter_of_an_hour_without_a_nurse() -> None:
    first = date(2027, 12, 1)
    days = [first + timedelta(days=n) for n in range(366)]
    plan = [Shift(PEOPLE[n % 5], *span(day, time(9), time(9))) for n, day in enumerate(days)]
    start = datetime.combine(first, time(9), TOKYO)

    assert gaps(plan, [], start, start + timedelta(days=366)) == ()
    for quarter in range(0, 366 * 96, 7):
        now = start + timedelta(minutes=15 * quarter)
        expected = PEOPLE[((now - start) // timedelta(days=1)) % 5]
        assert ids(on_call_at(plan[quarter // 96 : quarter // 96 + 2], [], now)) == [expected]


def test_a_period_must_run_forward_and_be_one_that_a_person_can_mean() -> None:
    assert check_period(EVENING, EVENING) == "ends-before-start"
    assert check_period(EVENING, EVENING + LONGEST + timedelta(minutes=1)) == "too-long"
    assert check_period(EVENING, EVENING + timedelta(hours=12)) is None
