"""From a plan to the persons behind it, at one moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from casenet import facilities, groups, notifications, rosters
from casenet.escalation.rules import Plan, Step, Target
from casenet.groups import MemberView
from casenet.notifications import Channel
from casenet.rosters import Duty, Rank

ROSTERED = {
    Target.HOME_NURSING_ON_CALL: Duty.HOME_NURSING_ON_CALL,
    Target.PHYSICIAN_ON_DUTY: Duty.PHYSICIAN_ON_DUTY,
    Target.PARTNER_PHYSICIAN_ON_DUTY: Duty.PARTNER_PHYSICIAN_ON_DUTY,
}


@dataclass(frozen=True, slots=True)
class Team:
    """Who belongs to a group now, and the offices that they come from."""

    host_facility_id: UUID
    members: tuple[MemberView, ...]
    offices: dict[UUID, facilities.FacilityView]

    def holding(self, function: str, *, standing: bool = False) -> list[UUID]:
        """Members with this function; standing: without those let in for one night."""
        return [
            member.person_id
            for member in self.members
            if member.function == function and not (standing and member.ends_at)
        ]

    def offices_of(self, person_ids: Iterable[UUID]) -> list[UUID]:
        """The offices of these members, each once."""
        return list(dict.fromkeys(self.offices[person].id for person in person_ids if person in self.offices))

    def physicians(self) -> list[UUID]:
        """Every physician of the group."""
        return [member.person_id for member in self.members if member.role == "physician"]

    def ids(self) -> list[UUID]:
        """Every member, in the order of joining."""
        return [member.person_id for member in self.members]

    def readers(self) -> list[UUID]:
        """Whoever may read the timeline."""
        may_read = groups.Permission.READ
        return [member.person_id for member in self.members if groups.may(member.role, may_read)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom each step of a plan asks, and over which channels each of them can be reached."""

    steps: tuple[tuple[UUID, ...], ...]
    channels: dict[UUID, frozenset[Channel]]


def team_of(session: Session, group_id: UUID) -> Team:
    """The group's team as it stands."""
    host, members = groups.host_and_members(session, group_id)
    offices = facilities.facilities_of(session, [member.person_id for member in members])
    return Team(host, members, offices)


def people_of_plan(
    session: Session, team: Team, plan: Plan, *, steps_run: int, without: UUID | None, now: datetime
) -> tuple[tuple[UUID, ...], ...]:
    """For each step of a plan, whom it would ask at `now`: only persons who can be reached. See `asked_by`."""
    return asked_by(session, team, plan, steps_run=steps_run, without=without, now=now).steps


def asked_by(
    session: Session, team: Team, plan: Plan, *, steps_run: int, without: UUID | None, now: datetime
) -> Asked:
    """Whom a plan asks at `now`: only persons who work somewhere and can be reached.

    steps_run   Where the alert stands. From the second time through, the backups are asked as well; before
                that only when no first can be reached.
    without     Who raised the alert: nobody is called to their own call.
    """
    asked = _on_steps(session, team, plan, now)
    known = {person for firsts, backups in asked for person in (*firsts, *backups)} - {without}
    channels = notifications.channels_of(session, known)
    strangers = known.difference(team.ids())
    homes = team.offices.keys() | (facilities.facilities_of(session, strangers).keys() if strangers else ())
    there = {
        person for person, has in channels.items() if person in homes and notifications.can_be_reached(has)
    }
    found: list[tuple[UUID, ...]] = []
    for index, (firsts, backups) in enumerate(asked):
        first = [person for person in firsts if person in there]
        backup = [person for person in backups if person in there]
        times_run = (steps_run - index - 1) // len(plan) + 1
        chosen = [*first, *backup] if times_run >= 1 else first or backup
        found.append(tuple(dict.fromkeys(chosen)))
    return Asked(tuple(found), channels)


def _on_steps(session: Session, team: Team, plan: Plan, now: datetime) -> list[tuple[list[UUID], list[UUID]]]:
    """First and backup of each step, whether they can be reached or not."""
    offices = [_offices(team, step) if step.target in ROSTERED else [] for step in plan]
    looked_at = {office for step in offices for office in step}
    on_call = rosters.on_call(session, looked_at, now) if looked_at else {}
    found: list[tuple[list[UUID], list[UUID]]] = []
    for step, step_offices in zip(plan, offices, strict=True):
        duty = ROSTERED.get(step.target)
        if duty is None:
            found.append((team.holding(step.target), []))
            continue
        people = [person for office in step_offices for person in on_call.get((office, duty), ())]
        found.append(
            (
                [person.person_id for person in people if person.rank is Rank.FIRST],
                [person.person_id for person in people if person.rank is not Rank.FIRST],
            )
        )
    return found


def _offices(team: Team, step: Step) -> list[UUID]:
    """Whose roster a step looks at: the one that the policy names, else those of the group's own offices."""
    if step.facility_id:
        return [step.facility_id]
    if step.target is Target.HOME_NURSING_ON_CALL:
        return [office for office in team.offices_of(team.ids()) if _kind(team, office) == "home_nursing"]
    attending = team.offices_of(team.holding("attending_physician"))
    if step.target is Target.PHYSICIAN_ON_DUTY:
        return list(dict.fromkeys([*attending, team.host_facility_id]))
    partners = team.offices_of(team.holding("partner_physician", standing=True))
    return list(dict.fromkeys([*partners, *attending, team.host_facility_id]))


def _kind(team: Team, facility_id: UUID) -> str:
    return next(office.kind for office in team.offices.values() if office.id == facility_id)


def everybody(session: Session, team: Team, *, without: UUID | None) -> dict[UUID, frozenset[Channel]]:
    """Whom to ask when the chain has ended, over which channels: the group's physicians, the host's administrators."""
    known = [*team.physicians(), *facilities.administrators(session, team.host_facility_id)]
    channels = notifications.channels_of(session, known)
    return {
        person: channels[person]
        for person in dict.fromkeys(known)
        if person != without and notifications.can_be_reached(channels.get(person, ()))
    }


def frozen(plan: Plan) -> list[dict[str, Any]]:
    """A plan as it is kept in an alert."""
    return [
        {
            "target": step.target,
            "facility_id": str(step.facility_id) if step.facility_id else None,
            "wait_seconds": step.wait_seconds,
            "with_next": step.with_next,
        }
        for step in plan
    ]


def thawed(kept: Sequence[dict[str, Any]]) -> Plan:
    """A plan from an alert."""
    return tuple(
        Step(
            Target(step["target"]),
            UUID(step["facility_id"]) if step["facility_id"] else None,
            step["wait_seconds"],
            step["with_next"],
        )
        for step in kept
    )
