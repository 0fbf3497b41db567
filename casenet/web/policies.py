"""Whom a group wants to be asked, and who that would be now."""

from typing import Literal

from flask import Response
from pydantic import Field

from casenet import clock, escalation, facilities
from casenet.database import transaction
from casenet.escalation import Level, PolicyStep, PolicyView, Target, rules
from casenet.web.alert_cards import ChainStep, step_people
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.gate import enter_group
from casenet.web.groups import expected_version
from casenet.web.shapes import Id, Shape

blueprint = Blueprint("policies", __name__, url_prefix="/api/v1")


class GroupPath(Shape):
    """A patient group."""

    group_id: Id


class PolicyStepIn(Shape):
    """One step of a policy; facility_id names whose roster, None means the group's own offices."""

    target: Target
    facility_id: Id | None = None


class PolicyIn(Shape):
    """Whom to ask, in order."""

    steps: list[PolicyStepIn] = Field(min_length=1, max_length=rules.STEPS_MAX)


class PolicyOut(PolicyIn):
    """Revision 0: the default, because the group has set none."""

    revision: int


class ChainQuery(Shape):
    """For which level."""

    level: Literal["E1", "E2", "E3", "E4"] = "E3"


class ChainOut(Shape):
    """Who would be called now, in order."""

    level: str
    steps: list[ChainStep]


@blueprint.get("/groups/<uuid:group_id>/policy", responses={200: PolicyOut})
def show_policy(path: GroupPath) -> Response:
    """Whom the group wants to be asked."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        policy = escalation.policy(session, entry.group_id)
    return _policy(policy)


@blueprint.put("/groups/<uuid:group_id>/policy", responses={200: PolicyOut})
def set_policy(path: GroupPath, body: PolicyIn) -> Response:
    """Set whom the group wants to be asked; only if nobody changed it since (If-Match: revision)."""
    steps = tuple(PolicyStep(step.target, step.facility_id) for step in body.steps)
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        for facility_id in {step.facility_id for step in steps if step.facility_id}:
            facilities.facility(session, facility_id)
        policy = escalation.set_policy(
            session, entry, steps, expected_revision=expected_version(), now=clock.now()
        )
    return _policy(policy)


@blueprint.get("/groups/<uuid:group_id>/chain", responses={200: ChainOut})
def show_chain(path: GroupPath, query: ChainQuery) -> Response:
    """Who would be called if the asking person raised an alert now."""
    now = clock.now()
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        plan = escalation.make_plan(escalation.policy(session, entry.group_id).steps, Level(query.level))
        team = escalation.team_of(session, entry.group_id)
        people = escalation.people_of_plan(session, team, plan, steps_run=0, without=entry.person_id, now=now)
        known = step_people(session, {person for step in people for person in step})
        steps = [
            {
                "n": index + 1,
                "target": step.target,
                "people": [known[person] for person in people[index]],
                "wait_seconds": step.wait_seconds,
            }
            for index, step in enumerate(plan)
        ]
    return answer({"level": query.level, "steps": steps})


def _policy(policy: PolicyView) -> Response:
    steps = [{"target": step.target, "facility_id": step.facility_id} for step in policy.steps]
    response = answer({"revision": policy.revision, "steps": steps})
    response.set_etag(str(policy.revision))
    return response
