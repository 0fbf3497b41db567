"""Seeds CaseNet for a run: 50 groups of 10 members, a session for each member, one group with 10,000 posts.

Run as `python -m benchmarks.casenet_world FILE` in CaseNet's environment, so that the parts' own actions
write every row. FILE receives the world as JSON. Sessions are opened without password and code: 500 Argon2
hashes measure nothing.
"""

import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from benchmarks.floors import HISTORY_POSTS
from benchmarks.load import some_text
from benchmarks.subject import GROUPS, MEMBERS_PER_GROUP
from casenet import clock, facilities, groups, identity, timeline
from casenet.database import transaction
from casenet.ids import new_id

# One team: profession and function of each of the ten.
TEAM: tuple[tuple[str, str | None], ...] = (
    ("physician", "attending_physician"),
    ("physician", "deputy_physician"),
    ("nurse", "visiting_nurse"),
    ("nurse", None),
    ("care_manager", "responsible_care_manager"),
    ("pharmacist", "visiting_pharmacist"),
    ("physical_therapist", "rehabilitation"),
    ("care_worker", None),
    ("home_helper", "home_help"),
    ("social_worker", None),
)
POSTS_AT_ONCE = 500
HISTORY_HOURS = 24 * 365 * 2


def seed() -> dict[str, Any]:
    """Write the world; returns the ids and session tokens that the generator needs.

    groups    50 group ids
    members   500 {person, token, csrf}, ten to a group
    history   the group with 10,000 posts; member 0 may read it
    """
    now = clock.now()
    with transaction() as session:
        clinic = new_id()
        office = facilities.NewFacility(clinic, "clinic", "測定診療所", "03-0000-0000")
        facilities.add_facility(session, office, by=None, now=now)
    people: list[UUID] = []
    members: list[dict[str, str]] = []
    group_ids: list[UUID] = []
    for number in range(GROUPS):
        with transaction() as session:
            team = [add_member(session, clinic, number, place, now) for place in range(MEMBERS_PER_GROUP)]
            tokens = [
                identity.open_session(session, person, device="benchmark", hours=12, now=now)
                for person in team
            ]
            group_ids.append(open_group(session, clinic, team, number, now))
        people += team
        members += [
            {"person": str(person), "token": token, "csrf": identity.csrf_token(token)}
            for person, token in zip(team, tokens, strict=True)
        ]
    with transaction() as session:
        history = open_group(session, clinic, people[:MEMBERS_PER_GROUP], GROUPS, now)
    fill_history(history, people[0], now)
    return {"groups": [str(group_id) for group_id in group_ids], "members": members, "history": str(history)}


def add_member(session: Session, clinic: UUID, number: int, place: int, now: datetime) -> UUID:
    """One invented person of the clinic."""
    person = new_id()
    login = f"member-{number}-{place}"
    name = f"測定　{number}の{place}"
    new = identity.NewPerson(person, login, f"{login}@casenet.invalid", name, "そくてい", TEAM[place][0])
    facilities.add_staff(session, clinic, new, is_administrator=False, by=None, now=now)
    return person


def open_group(session: Session, clinic: UUID, team: list[UUID], number: int, now: datetime) -> UUID:
    """One invented patient's group with its ten members."""
    group_id = new_id()
    patient = groups.PatientView(
        f"架空　{number}", "かくう", date(1940, 1, 1), "female", "東京都", summary="心不全"
    )
    function = TEAM[0][1]
    groups.open_group(
        session, group_id, patient, founder_id=team[0], org_id=clinic, function=function, now=now
    )
    entry = groups.enter(session, team[0], group_id, groups.Permission.INVITE)
    for person, (_, function) in zip(team[1:], TEAM[1:], strict=True):
        groups.add_member(session, entry, person, function=function, now=now)
    return group_id


def fill_history(group_id: UUID, author: UUID, now: datetime) -> None:
    """10,000 posts over two years."""
    for first in range(0, HISTORY_POSTS, POSTS_AT_ONCE):
        with transaction() as session:
            entry = groups.enter(session, author, group_id, groups.Permission.POST)
            for number in range(first, first + POSTS_AT_ONCE):
                at = now - timedelta(hours=HISTORY_HOURS * (1 - number / HISTORY_POSTS))
                draft = timeline.Draft(new_id(), "report", some_text())
                timeline.publish_post(session, entry, draft, now=at)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(seed()), "utf-8")
