"""The invented ward: offices, people, patients, posts, a duty roster. Nobody and no office in it is real.

Written through the parts' own actions, as people would have written it, with their instants in the past.
`python -m casenet.cli.world CARD POSTS_MAX` fills an empty database and writes var/demo.json's words to CARD.
"""

import json
import os
import sys
import time as stopwatch
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from casenet import clock, config, facilities, groups, identity, rosters, timeline
from casenet.cli.chatter import Chatter, Line
from casenet.database import sessions
from casenet.ids import new_id

DATA = Path(__file__).parent / "ward"
DUTY_DAYS = 8  # tonight and the week after


@dataclass
class Ward:
    """What has been written so far. `people` and `offices` by their keys in ward/*.json."""

    now: datetime
    pepper: bytes
    offices: dict[str, UUID] = field(default_factory=dict[str, UUID])
    people: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    patients: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def read(name: str) -> Any:
    """One of the ward's data files."""
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


def write_ward(
    maker: sessionmaker[Session], *, now: datetime, pepper: bytes, posts_max: int = 10_000
) -> dict[str, Any]:
    """Fill an empty database and return the card. Commits as it goes; nothing rings.

    posts_max   Cuts the longest timeline, for tests.
    """
    ward = Ward(now, pepper)
    offices = read("offices")
    with maker() as session:
        _open_offices(session, ward, offices)
        _plan_duties(session, ward, offices["on_call"])
        session.commit()
    chatter = Chatter(read("phrases"))
    for described in read("patients"):
        with maker() as session:
            _write_patient(session, ward, described, chatter, posts_max)
            session.commit()
    return _card(ward, offices)


def _open_offices(session: Session, ward: Ward, offices: dict[str, Any]) -> None:
    founded = ward.now - timedelta(days=1500)
    for office in offices["facilities"]:
        ward.offices[office["key"]] = new_id()
        place = {name: office[name] for name in ("kind", "name", "tel", "fax", "address")}
        new = facilities.NewFacility(id=ward.offices[office["key"]], **place)
        facilities.add_facility(session, new, by=None, now=founded)
    passwords: dict[str, str] = {person["login"]: token_urlsafe(12) for person in offices["people"]}
    hashed = partial(identity.hash_password, pepper=ward.pepper)
    with ThreadPoolExecutor(2) as pool:  # a hash takes 40 ms of one core, on purpose
        hashes = dict(zip(passwords, pool.map(hashed, passwords.values()), strict=True))
    for person in offices["people"]:
        login, secret = person["login"], identity.new_totp_secret()
        new_person = identity.NewPerson(
            id=new_id(),
            login=login,
            email=f"{login}@casenet.example",
            name=person["name"],
            name_kana=person["kana"],
            profession=person["profession"],
        )
        administrator = person.get("administrator", False)
        office_id = ward.offices[person["facility"]]
        facilities.add_staff(
            session, office_id, new_person, is_administrator=administrator, by=None, now=founded
        )
        identity.enrol_directly(session, new_person.id, hashes[login], secret, now=founded)
        ward.people[login] = person | {
            "id": new_person.id,
            "email": new_person.email,
            "password": passwords[login],
            "totp_secret": secret,
        }


def _plan_duties(session: Session, ward: Ward, on_call: dict[str, Any]) -> None:
    """Nights (18 to 9) and days (9 to 18) of the week to come, by turns; at night the next is backup."""
    today = ward.now.astimezone(rosters.TOKYO).date()
    for duty, plan in on_call.items():
        office, turns = ward.offices[plan["facility"]], [ward.people[login]["id"] for login in plan["people"]]
        for day in range(-1, DUTY_DAYS):
            for period, (starts_at, ends_at) in enumerate(_periods(today + timedelta(days=day))):
                first = turns[day % len(turns)]
                backup = turns[(day + 1) % len(turns)]
                ranks = [(first, rosters.Rank.FIRST)]
                if backup != first and period == 1:
                    ranks.append((backup, rosters.Rank.BACKUP))
                for person_id, rank in ranks:
                    shift = rosters.NewShift(
                        new_id(), rosters.Duty(duty), person_id, starts_at, ends_at, rank
                    )
                    rosters.add_shift(session, office, shift, by=None, now=ward.now - timedelta(days=14))


def _periods(day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The day (9 to 18) and the night (18 to 9) that begin on `day`, in Japan's time."""
    morning = datetime.combine(day, time(9), rosters.TOKYO)
    evening = datetime.combine(day, time(18), rosters.TOKYO)
    return (morning, evening), (evening, datetime.combine(day + timedelta(days=1), time(9), rosters.TOKYO))


def _write_patient(
    session: Session, ward: Ward, described: dict[str, Any], chatter: Chatter, posts_max: int
) -> None:
    started = stopwatch.monotonic()
    group_id = new_id()
    opened_at = ward.now - timedelta(days=described["days"], hours=3)
    described = described | {"posts": min(described["posts"], posts_max)}
    members: dict[str, str | None] = described["members"]
    founder = next(iter(members))
    born = {"birth_date": date.fromisoformat(described["patient"]["birth_date"])}
    patient = groups.PatientView(**described["patient"] | born)
    founder_id = ward.people[founder]["id"]
    groups.open_group(
        session,
        group_id,
        patient,
        founder_id=founder_id,
        org_id=ward.offices[ward.people[founder]["facility"]],
        function=members[founder],
        now=opened_at,
    )
    entry = groups.enter(session, founder_id, group_id, groups.Permission.INVITE)
    for login, function in members.items():
        groups.add_member(session, entry, ward.people[login]["id"], function=function, now=opened_at)
    groups.save_record(
        session, entry, patient=patient, fields=described["fields"], expected_revision=1, now=opened_at
    )
    entries = {
        login: groups.enter(session, ward.people[login]["id"], group_id, groups.Permission.POST)
        for login in members
    }
    professions = {login: ward.people[login]["profession"] for login in members}
    _write_posts(session, entries, chatter.timeline(described, professions, ward.now))
    ward.patients.append(
        {"id": group_id, "name": patient.name, "posts": described["posts"], "members": members}
    )
    seconds = stopwatch.monotonic() - started
    print(
        f"   {patient.name}: {described['posts']} posts, {len(members)} members ({seconds:.1f} s)", flush=True
    )


def _write_posts(session: Session, entries: dict[str, groups.Entry], lines: list[Line]) -> None:
    """Publish all lines; who was there 了解s some of them and has read nearly everything."""
    ids: list[UUID] = []
    for line in lines:
        draft = timeline.Draft(
            new_id(), line.kind, line.text, None if line.reply_to is None else ids[line.reply_to]
        )
        posted = timeline.publish_post(session, entries[line.by], draft, now=line.at)
        ids.append(posted.post_id)
    for line, post_id in list(zip(lines, ids, strict=True))[-60:]:
        for login in line.seen_by:
            timeline.acknowledge_post(session, entries[login], post_id, now=line.at + timedelta(minutes=7))
    last_own = {line.by: number for number, line in enumerate(lines, start=1)}
    for number, login in enumerate(entries):
        reached = max(last_own.get(login, 0), len(lines) - number % 5)
        here = groups.enter(
            session, entries[login].person_id, entries[login].group_id, groups.Permission.READ
        )
        timeline.mark_read(session, here, reached, now=lines[-1].at)


def _card(ward: Ward, offices: dict[str, Any]) -> dict[str, Any]:
    names = {office["key"]: office["name"] for office in offices["facilities"]}
    order = {login: rank for rank, login in enumerate(offices["show_first"])}
    people = [
        {
            "id": str(person["id"]),
            "login": login,
            "email": person["email"],
            "password": person["password"],
            "totp_secret": person["totp_secret"],
            "name": person["name"],
            "profession": person["profession"],
            "facility_id": str(ward.offices[person["facility"]]),
            "facility": names[person["facility"]],
            "is_administrator": person.get("administrator", False),
        }
        for login, person in sorted(ward.people.items(), key=lambda item: order.get(item[0], len(order)))
    ]
    return {
        "people": people,
        "groups": [patient | {"id": str(patient["id"])} for patient in ward.patients],
        "facilities": [
            {"id": str(ward.offices[office["key"]]), "kind": office["kind"], "name": office["name"]}
            for office in offices["facilities"]
        ],
        "try": offices["try"],
    }


def _fill(card: Path, posts_max: int) -> None:
    settings = config.current()
    written = write_ward(sessions(settings), now=clock.now(), pepper=settings.pepper, posts_max=posts_max)
    with os.fdopen(os.open(card, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(written, file, ensure_ascii=False)


if __name__ == "__main__":
    _fill(Path(sys.argv[1]), int(sys.argv[2]))
