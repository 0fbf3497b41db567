"""Who is on call: arithmetic over shifts and overrides. No session, no clock.

Every interval holds its start and not its end, so two shifts that meet leave neither gap nor overlap.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")


class Duty(StrEnum):
    """What somebody can be on call for."""

    HOME_NURSING_ON_CALL = "home_nursing_on_call"
    PHYSICIAN_ON_DUTY = "physician_on_duty"
    PARTNER_PHYSICIAN_ON_DUTY = "partner_physician_on_duty"


class Rank(StrEnum):
    """Who is asked first; the backup is asked when the first cannot be reached."""

    FIRST = "first"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's planned time on one duty."""

    person_id: UUID
    starts_at: datetime
    ends_at: datetime
    rank: Rank = Rank.FIRST


@dataclass(frozen=True, slots=True)
class Override:
    """A change of plan for a while.

    absent_person_id  None adds `person_id` with `rank`.
    person_id         None removes the absent person.
    Both              The person stands in, with the rank of whom he replaces, and only while that one
                      would be on call: a replacement is never an addition.
    """

    absent_person_id: UUID | None
    person_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    rank: Rank = Rank.FIRST


@dataclass(frozen=True, slots=True)
class OnCall:
    """One person on call, with the rank."""

    person_id: UUID
    rank: Rank


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody is on call."""

    starts_at: datetime
    ends_at: datetime


def on_call_at(shifts: Iterable[Shift], overrides: Iterable[Override], now: datetime) -> tuple[OnCall, ...]:
    """Who is on call at `now`: first before backup, each person once, with the better rank.

    overrides   In the order in which they were written: a later one changes what the earlier ones made,
                so a stand-in who falls ill is replaced like anybody else.
    """
    running = sorted(
        (shift for shift in shifts if shift.starts_at <= now < shift.ends_at),
        key=lambda shift: (shift.starts_at, shift.person_id),
    )
    people = [OnCall(shift.person_id, shift.rank) for shift in running]
    for override in overrides:
        if override.starts_at <= now < override.ends_at:
            people = _changed(people, override)
    ranks = list(Rank)
    best: dict[UUID, OnCall] = {}
    for person in sorted(people, key=lambda person: ranks.index(person.rank)):
        best.setdefault(person.person_id, person)
    return tuple(best.values())


def _changed(people: list[OnCall], override: Override) -> list[OnCall]:
    absent, stand_in = override.absent_person_id, override.person_id
    if absent is None:
        return people if stand_in is None else [*people, OnCall(stand_in, override.rank)]
    if stand_in is None:
        return [person for person in people if person.person_id != absent]
    return [
        replace(person, person_id=stand_in) if person.person_id == absent else person for person in people
    ]


def gaps(
    shifts: Sequence[Shift], overrides: Sequence[Override], since: datetime, until: datetime
) -> tuple[Gap, ...]:
    """The times between `since` and `until` in which nobody is on call, in order, none touching the next."""
    turns = {since} | {
        instant
        for period in (*shifts, *overrides)
        for instant in (period.starts_at, period.ends_at)
        if since < instant < until
    }
    found: list[Gap] = []
    # Between two neighbouring turns nothing changes, so looking at the first instant is looking at all.
    edges = [*sorted(turns), until]
    for starts_at, ends_at in itertools.pairwise(edges):
        if on_call_at(shifts, overrides, starts_at):
            continue
        if found and found[-1].ends_at == starts_at:
            found[-1] = Gap(found[-1].starts_at, ends_at)
        else:
            found.append(Gap(starts_at, ends_at))
    return tuple(gap for gap in found if gap.starts_at < gap.ends_at)


def span(day: date, starts: time, ends: time) -> tuple[datetime, datetime]:
    """The instants of a shift that begins on `day` in Japan; ending no later than it starts: next day."""
    last = day + timedelta(days=1) if ends <= starts else day
    return datetime.combine(day, starts, TOKYO), datetime.combine(last, ends, TOKYO)


def check_period(starts_at: datetime, ends_at: datetime) -> str | None:
    """The code of what is wrong with a period, None when nothing is."""
    if ends_at <= starts_at:
        return "ends-before-start"
    if ends_at - starts_at > LONGEST:
        return "too-long"
    return None


# A "shift" of more than a month is a slip of the finger, and would hide every gap behind it.
LONGEST = timedelta(days=31)

# Advice by telephone at night is a nurse's; an assistant nurse works under instruction (domain 5.9, 6.3).
PROFESSIONS = {
    Duty.HOME_NURSING_ON_CALL: ("nurse", "public_health_nurse"),
    Duty.PHYSICIAN_ON_DUTY: ("physician",),
    Duty.PARTNER_PHYSICIAN_ON_DUTY: ("physician",),
}
