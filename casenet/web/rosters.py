"""Who is on call: my facility's plan with its gaps, and its changes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from casenet import clock, facilities, rosters
from casenet.database import transaction
from casenet.errors import Invalid, NotFound
from casenet.rosters import Duty, NewOverride, NewShift, Rank
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.cards import Card, cards
from casenet.web.gate import asking
from casenet.web.shapes import Id, Moment, Shape

blueprint = Blueprint("rosters", __name__, url_prefix="/api/v1")

DAYS_SHOWN = 7
DAYS_MAX = 62  # two months on one page


class FacilityPath(Shape):
    """An office."""

    facility_id: Id


class ShiftPath(Shape):
    """A shift of an office."""

    facility_id: Id
    shift_id: Id


class ShiftIn(Shape):
    """A planned shift; `id` is the phone's own."""

    id: Id
    duty: Duty
    person_id: Id
    starts_at: Moment
    ends_at: Moment
    rank: Rank = Rank.FIRST


class OverrideIn(Shape):
    """A change of plan: add (nobody absent), replace (both), remove (nobody instead)."""

    id: Id
    duty: Duty
    absent_person_id: Id | None = None
    person_id: Id | None = None
    starts_at: Moment
    ends_at: Moment
    rank: Rank = Rank.FIRST


class ShiftOut(Shape):
    """A planned shift."""

    id: UUID
    duty: str
    person_id: UUID
    rank: str
    starts_at: datetime
    ends_at: datetime


class OverrideOut(Shape):
    """A change of plan."""

    id: UUID
    duty: str
    absent_person_id: UUID | None
    person_id: UUID | None
    rank: str
    starts_at: datetime
    ends_at: datetime


class GapOut(Shape):
    """A time in which nobody is on call for a duty that this facility plans."""

    duty: str
    starts_at: datetime
    ends_at: datetime


class OnCallOut(Shape):
    """Somebody on call now, with the number to call by hand."""

    duty: str
    person_id: UUID
    rank: str
    tel: str


class DutyOut(Shape):
    """The plan of the asking person's facility between two instants."""

    facility_id: UUID
    shifts: list[ShiftOut]
    overrides: list[OverrideOut]
    gaps: list[GapOut]
    people: dict[str, Card]


class DutyNow(Shape):
    """Who is on call now, first before backup."""

    facility_id: UUID
    on_call: list[OnCallOut]
    people: dict[str, Card]


class DutyQuery(Shape):
    """From when to when; without, the next seven days."""

    since: Moment | None = Field(None, alias="from")
    to: Moment | None = None


class Kept(Shape):
    """It stands in the plan."""

    id: UUID


@blueprint.get("/duty", responses={200: DutyOut})
def show_duty(query: DutyQuery) -> Response:
    """My facility's plan with its changes and gaps."""
    since = query.since or clock.now()
    until = query.to or since + timedelta(days=DAYS_SHOWN)
    if not since < until <= since + timedelta(days=DAYS_MAX):
        raise Invalid("period-impossible", {"to": "out-of-range"})
    with transaction() as session:
        home = _home(session)
        plan = rosters.roster(session, home, since, until)
        ids = {s.person_id for s in plan.shifts} | {o.person_id for o in plan.overrides}
        people = cards(session, ids | {o.absent_person_id for o in plan.overrides})
    return answer(
        {
            "facility_id": home,
            "shifts": [_shift_json(shift) for shift in plan.shifts],
            "overrides": [_shift_json(o) | {"absent_person_id": o.absent_person_id} for o in plan.overrides],
            "gaps": _gaps(plan, since, until),
            "people": people,
        }
    )


def _shift_json(shift: rosters.ShiftView | rosters.OverrideView) -> dict[str, Any]:
    return {
        "id": shift.id,
        "duty": shift.duty,
        "person_id": shift.person_id,
        "rank": shift.rank,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
    }


def _gaps(plan: rosters.RosterView, since: datetime, until: datetime) -> list[dict[str, Any]]:
    planned = {shift.duty for shift in plan.shifts} | {override.duty for override in plan.overrides}
    return [
        {"duty": duty, "starts_at": gap.starts_at, "ends_at": gap.ends_at}
        for duty in Duty
        if duty in planned
        for gap in rosters.facility_gaps(plan, duty, since, until)
    ]


@blueprint.get("/duty/now", responses={200: DutyNow})
def show_duty_now() -> Response:
    """Who of my facility is on call at this moment."""
    with transaction() as session:
        home = _home(session)
        found = rosters.duties_now(session, home, clock.now())
        ids = {person.person_id for people in found.values() for person in people}
        offices = facilities.facilities_of(session, ids)
        people = cards(session, ids)
    on_call = [
        {
            "duty": duty,
            "person_id": person.person_id,
            "rank": person.rank,
            "tel": offices[person.person_id].tel if person.person_id in offices else "",
        }
        for duty, on_duty in found.items()
        for person in on_duty
    ]
    return answer(
        {
            "facility_id": home,
            "on_call": on_call,
            "people": people,
        }
    )


def _home(session: Session) -> UUID:
    home = facilities.facility_of(session, asking().person_id)
    if home is None:
        raise NotFound
    return home.id


@blueprint.post("/facilities/<uuid:facility_id>/shifts", responses={201: Kept})
def add_shift(path: FacilityPath, body: ShiftIn) -> Response:
    """Plan a shift."""
    now = clock.now()
    new = NewShift(body.id, body.duty, body.person_id, body.starts_at, body.ends_at, body.rank)
    with transaction() as session:
        rosters.add_shift(session, path.facility_id, new, by=asking().person_id, now=now)
    return answer({"id": body.id}, 201)


@blueprint.delete("/facilities/<uuid:facility_id>/shifts/<uuid:shift_id>", responses={204: None})
def withdraw_shift(path: ShiftPath) -> Response:
    """Take a shift out of the plan."""
    now = clock.now()
    with transaction() as session:
        rosters.withdraw_shift(session, path.facility_id, path.shift_id, by=asking().person_id, now=now)
    return Response(status=204)


@blueprint.post("/facilities/<uuid:facility_id>/overrides", responses={201: Kept})
def add_override(path: FacilityPath, body: OverrideIn) -> Response:
    """Change the plan for a while."""
    new = NewOverride(
        body.id,
        body.duty,
        body.absent_person_id,
        body.person_id,
        body.starts_at,
        body.ends_at,
        body.rank,
    )
    with transaction() as session:
        rosters.add_override(session, path.facility_id, new, by=asking().person_id, now=clock.now())
    return answer({"id": body.id}, 201)
