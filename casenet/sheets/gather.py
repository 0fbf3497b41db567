"""One reading of everything that a sheet is drafted from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from casenet import facilities, groups, identity, timeline
from casenet.clock import JAPAN
from casenet.facilities import FacilityView
from casenet.groups import Entry, MemberView, PatientView
from casenet.identity import PersonView
from casenet.sheets.compose import Reading, Sentence, Source
from casenet.timeline import PAGE_MAX, RevisionView
from casenet.words import say


def gather(session: Session, entry: Entry, *, now: datetime) -> Reading:
    """Read the card, the record, the office, the members and the newest PAGE_MAX rows of the timeline.

    The order of `known` is the order of trust: who the patient is comes from the card alone.
    """
    record = groups.record(session, entry)
    members = groups.members(session, entry.group_id)
    posts = timeline.latest_posts(session, entry, PAGE_MAX)
    ids = {member.person_id for member in members} | {entry.person_id}
    ids |= {post.author_id for post in posts if post.author_id}
    people = identity.people(session, ids)
    offices = facilities.facilities_of(session, ids)
    day = now.astimezone(JAPAN).date()
    known = (
        (_told("card", at=record.created_at), _card(record.patient, day)),
        (_told("record", at=record.created_at, person_id=record.author_id), record.fields),
        (_told("office", at=now), _office(people[entry.person_id], offices.get(entry.person_id))),
        (_told("members", at=now), _physician(members, people, offices)),
        (_told("today"), {"hdr.date_written": day.isoformat(), "hdr.date_provided": day.isoformat()}),
    )
    functions = {member.person_id: member.function for member in members}
    return Reading(known, tuple(_sentences(posts, people, functions)), now, tuple(_admissions(posts)))


def by_hand(person_id: UUID, now: datetime) -> Source:
    """The source of what somebody typed."""
    return _told("hand", at=now, person_id=person_id)


def by_sending(person_id: UUID, now: datetime) -> Source:
    """The source of what follows from the release itself: to whom and on which day."""
    return _told("sending", at=now, person_id=person_id)


def _told(code: str, *, at: datetime | None = None, person_id: UUID | None = None) -> Source:
    return Source(say(f"sheets.source.{code}"), at, person_id)


def _card(patient: PatientView, day: date) -> dict[str, Any]:
    born = patient.birth_date
    return {
        "p.name": patient.name,
        "p.kana": patient.kana,
        "p.birth": born.isoformat(),
        "p.age": day.year - born.year - ((day.month, day.day) < (born.month, born.day)),
        "p.sex": patient.sex if patient.sex in ("male", "female") else None,
        "p.addr": patient.address,
        "p.tel": patient.tel,
    }


def _office(author: PersonView, office: FacilityView | None) -> dict[str, Any]:
    told = {"hdr.cm_name": author.name}
    if office:
        told |= {"hdr.office_name": office.name, "hdr.tel": office.tel, "hdr.fax": office.fax}
    return told


def _physician(
    members: tuple[MemberView, ...], people: dict[UUID, PersonView], offices: dict[UUID, FacilityView]
) -> dict[str, Any]:
    attending = [
        m.person_id for m in members if m.function == "attending_physician" and m.person_id in people
    ]
    if not attending:
        return {}
    physician, clinic = people[attending[0]], offices.get(attending[0])
    told = {"dr.name": physician.name, "dr.kana": physician.name_kana}
    return told | ({"dr.org": clinic.name, "dr.tel": clinic.tel} if clinic else {})


def _sentences(
    posts: tuple[RevisionView, ...], people: dict[UUID, PersonView], functions: dict[UUID, str | None]
) -> list[Sentence]:
    """The newest revision of each post; `posts` come newest first."""
    seen: set[UUID] = set()
    told: list[Sentence] = []
    for post in posts:
        author = people.get(post.author_id) if post.author_id else None
        if post.text is None or author is None or post.post_id in seen:
            continue
        seen.add(post.post_id)
        shown = _shown(author, functions.get(author.id))
        told.append(Sentence(post.sequence, post.post_id, author.id, shown, post.created_at, post.text))
    return told


def _admissions(posts: tuple[RevisionView, ...]) -> list[tuple[Source, dict[str, Any]]]:
    """Day and time at which the newest call ended with an admission; the fee depends on both."""
    for post in posts:
        notice = post.notice or {}
        if (notice.get("code"), notice.get("outcome")) == ("alert.resolved", "admission"):
            source = replace(_told("call", at=post.created_at), sequence=post.sequence, post_id=post.post_id)
            local = post.created_at.astimezone(JAPAN)
            day, time = local.date().isoformat(), f"{local:%H:%M}"
            return [(source, {"hdr.date_admitted": day, "hdr.time_admitted": time})]
    return []


def _shown(person: PersonView, function: str | None) -> str:
    """訪問看護 田中: the function in this group, else the profession, and the family name."""
    role = f"function.{function}" if function else f"profession.{person.profession}"
    return f"{say(f'vocabulary.{role}')} {person.name.split()[0]}"
