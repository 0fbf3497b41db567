"""The vectors of domain.md 4.1 and every case in which we must ask instead of guess."""

from datetime import date, time

import pytest

from casenet.sheets import fees

HOURS = fees.usual_hours()
# A week of November 2026 without a holiday: Monday the 9th to Sunday the 15th, and the week after.
MON, TUE, WED, THU, FRI, SAT, SUN = (date(2026, 11, day) for day in range(9, 16))
NEXT_MON, NEXT_TUE = date(2026, 11, 16), date(2026, 11, 17)
AFTERNOON, EVENING, NIGHT, MORNING = time(14), time(19, 30), time(21, 30), time(10)


@pytest.mark.parametrize(
    ("admitted_on", "at", "provided_on", "tier"),
    [
        (TUE, AFTERNOON, TUE, "first"),
        (TUE, AFTERNOON, MON, "first"),
        (TUE, AFTERNOON, WED, "second"),
        (TUE, AFTERNOON, THU, "second"),
        (TUE, AFTERNOON, FRI, "none"),
        (TUE, EVENING, WED, "first"),
        (FRI, EVENING, SAT, "first"),
        (FRI, EVENING, NEXT_MON, "second"),
        (SAT, MORNING, SUN, "first"),
        (SAT, MORNING, NEXT_MON, "second"),
        # Further edges of the same rule.
        (TUE, time(7), WED, "second"),
        (TUE, time(18), WED, "second"),
        (TUE, time(18, 1), WED, "first"),
        (FRI, EVENING, NEXT_TUE, "none"),
        (FRI, AFTERNOON, NEXT_MON, "none"),
        (SAT, MORNING, NEXT_TUE, "none"),
        (TUE, EVENING, FRI, "none"),
    ],
)
def test_a_hand_over_reaches_the_tier_of_the_rule(admitted_on, at, provided_on, tier):
    claim = fees.claim(admitted_on, at, provided_on, HOURS)

    assert claim.tier == tier
    assert claim.units == {"first": 250, "second": 200, "none": 0}[tier]


def test_case_a_sent_on_saturday_morning_reaches_the_first_tier():
    claim = fees.claim(date(2026, 11, 20), NIGHT, date(2026, 11, 21), HOURS)

    assert (claim.tier, claim.units, claim.reasons) == ("first", 250, ("after-closing",))


def test_case_a_sent_on_the_holiday_monday_is_the_second_tier_by_the_letter_and_wants_a_look():
    claim = fees.claim(date(2026, 11, 20), NIGHT, date(2026, 11, 23), HOURS)

    assert (claim.tier, claim.by_letter, claim.units) == ("review", "second", 200)
    assert "extension-day-closed" in claim.reasons


def test_the_day_after_a_closed_extension_day_is_a_review_and_nothing_by_the_letter():
    claim = fees.claim(date(2026, 11, 20), NIGHT, date(2026, 11, 24), HOURS)

    assert (claim.tier, claim.by_letter) == ("review", "none")


def test_admission_on_a_closed_day_with_a_closed_third_day_is_a_review():
    # Saturday 21 November 2026; the third day is Monday the 23rd, Labour Thanksgiving Day.
    claim = fees.claim(date(2026, 11, 21), MORNING, date(2026, 11, 24), HOURS)

    assert (claim.tier, claim.by_letter) == ("review", "none")


@pytest.mark.parametrize(
    ("provided_on", "tier"), [(TUE, "first"), (WED, "review"), (THU, "second"), (FRI, "none")]
)
def test_an_unknown_time_of_admission_is_a_review_only_where_it_matters(provided_on, tier):
    claim = fees.claim(TUE, None, provided_on, HOURS)

    assert claim.tier == tier


def test_an_unknown_time_on_a_friday_may_or_may_not_prolong_the_second_tier():
    assert fees.claim(FRI, None, NEXT_MON, HOURS).tier == "review"


def test_an_unknown_time_on_a_closed_day_needs_no_review():
    assert fees.claim(SAT, None, SUN, HOURS).tier == "first"


def test_before_april_2024_the_older_figures_hold():
    assert fees.claim(date(2024, 3, 26), AFTERNOON, date(2024, 3, 29), HOURS).units == 200
    assert fees.claim(date(2024, 3, 26), AFTERNOON, date(2024, 4, 2), HOURS).units == 100
    assert fees.claim(date(2024, 4, 1), AFTERNOON, date(2024, 4, 1), HOURS).units == 250


def test_before_any_rule_that_we_know_a_person_decides():
    assert fees.claim(date(2017, 1, 10), AFTERNOON, date(2017, 1, 10), HOURS).reasons == ("no-rule-in-force",)


def test_the_clock_names_the_last_day_of_each_tier():
    clock = fees.clock(FRI, EVENING, HOURS)

    assert clock == fees.Clock(SAT, NEXT_MON, 250, 200, unsure=False)


def test_the_clock_says_when_it_is_not_sure():
    clock = fees.clock(date(2026, 11, 20), NIGHT, HOURS)

    assert clock is not None
    assert (clock.first_until, clock.unsure) == (date(2026, 11, 21), True)
