"""入院時情報連携加算: which tier a hand-over reaches, and until when. Pure; the figures are dated data.

Source: domain.md 4.1. Where the text of the rule does not decide, the answer is "review" with the reason
and what the letter of the rule would give: a person decides, not we.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

import jpholiday

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tier:
    """What one tier pays, and how many days after admission it still does."""

    units: int
    days: int


@dataclass(frozen=True)
class Period:
    """The rule as it stood between two dates, both included.

    extensions  Admission at night or on a closed day prolongs a tier.
    """

    effective_from: date
    effective_to: date | None
    first: Tier
    second: Tier
    extensions: bool


@dataclass(frozen=True)
class Hours:
    """When the office works. is_open says whether it works at all on a day."""

    closes: time
    is_open: Callable[[date], bool]


@dataclass(frozen=True)
class Claim:
    """What a hand-over is worth.

    tier        "first" (Ⅰ), "second" (Ⅱ), "none" or "review".
    by_letter   The tier by the letter of the rule; differs from `tier` only in a review.
    units       For by_letter; 0 for none.
    reasons     Codes, for people: why it is later than usual, why it needs a look.
    """

    tier: str
    by_letter: str
    units: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clock:
    """The last days on which handing over still reaches a tier; None when it never can."""

    first_until: date
    second_until: date
    first_units: int
    second_units: int
    unsure: bool


def claim(admitted_on: date, admitted_at: time | None, provided_on: date, hours: Hours) -> Claim:
    """The tier that handing over on `provided_on` reaches.

    admitted_at  Local time of day; None when nobody wrote it down.
    """
    period = _period_at(admitted_on)
    if period is None:
        return Claim("review", "none", 0, ("no-rule-in-force",))
    days = (provided_on - admitted_on).days
    if not period.extensions:
        tier = "first" if days <= period.first.days else "second" if days <= period.second.days else "none"
        return Claim(tier, tier, _units(period, tier))
    early = _extended(period, admitted_on, admitted_at or time.min, days, hours)
    late = _extended(period, admitted_on, admitted_at or time.max, days, hours)
    if early.tier != late.tier:
        return Claim("review", early.by_letter, early.units, ("admission-time-unknown",))
    return late


def clock(admitted_on: date, admitted_at: time | None, hours: Hours) -> Clock | None:
    """Until when each tier can be reached; None when no rule was in force then."""
    period = _period_at(admitted_on)
    if period is None:
        return None
    last: dict[str, date] = {}
    unsure = False
    for days in range(period.second.days + 3):
        found = claim(admitted_on, admitted_at, admitted_on + days * ONE_DAY, hours)
        unsure = unsure or found.tier == "review"
        last[found.tier] = admitted_on + days * ONE_DAY
    return Clock(
        last["first"], last.get("second", last["first"]), period.first.units, period.second.units, unsure
    )


def _extended(period: Period, day: date, at: time, days: int, hours: Hours) -> Claim:
    open_then = hours.is_open(day)
    after_closing = open_then and at > hours.closes
    reason = "after-closing" if after_closing else "closed-day"
    late = after_closing or not open_then
    if days <= period.first.days:
        return Claim("first", "first", period.first.units)
    if days == period.first.days + 1 and late:
        return Claim("first", "first", period.first.units, (reason,))
    if days <= period.second.days:
        return Claim("second", "second", period.second.units)
    third_day_closed = not hours.is_open(day + period.second.days * ONE_DAY)
    if not (late and third_day_closed) or not _within_extension(period, day, days, hours):
        return Claim("none", "none", 0)
    if not after_closing:
        # The text names admission after closing time only; nothing is said of a closed day.
        return Claim("review", "none", 0, ("closed-day", "third-day-closed"))
    if not hours.is_open(day + (period.second.days + 1) * ONE_DAY):
        by_letter = "second" if days == period.second.days + 1 else "none"
        reasons = ("after-closing", "third-day-closed", "extension-day-closed")
        return Claim("review", by_letter, _units(period, by_letter), reasons)
    return Claim("second", "second", period.second.units, ("after-closing", "third-day-closed"))


def _within_extension(period: Period, day: date, days: int, hours: Hours) -> bool:
    """True up to the first open day after the closed third day."""
    after = (day + n * ONE_DAY for n in range(period.second.days + 1, days))
    return not any(hours.is_open(each) for each in after)


def _units(period: Period, tier: str) -> int:
    return {"first": period.first.units, "second": period.second.units}.get(tier, 0)


def _period_at(day: date) -> Period | None:
    for period in _periods():
        if period.effective_from <= day and (period.effective_to is None or day <= period.effective_to):
            return period
    return None


def usual_hours() -> Hours:
    """Weekdays nine to six, closed on Japanese public holidays, until an office says otherwise."""
    raw = _document()["office_hours"]
    weekdays = frozenset(raw["weekdays"])

    def is_open(day: date) -> bool:
        return day.weekday() in weekdays and (raw["open_on_holidays"] or not jpholiday.is_holiday(day))

    return Hours(time.fromisoformat(raw["closes"]), is_open)


@cache
def _periods() -> tuple[Period, ...]:
    return tuple(
        Period(
            date.fromisoformat(raw["effective_from"]),
            date.fromisoformat(raw["effective_to"]) if raw["effective_to"] else None,
            Tier(raw["first"]["units"], raw["first"]["days"]),
            Tier(raw["second"]["units"], raw["second"]["days"]),
            raw["extensions"],
        )
        for raw in _document()["periods"]
    )


@cache
def _document() -> dict[str, Any]:
    folder = resources.files("casenet.sheets.forms")
    return json.loads(folder.joinpath("admission_fee.json").read_text("utf-8"))
