"""Patient groups: the list, one group, its members, the patient's record."""

from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from casenet import clock, escalation, facilities, groups, identity, timeline
from casenet.database import after_commit, transaction
from casenet.errors import Invalid, NotFound
from casenet.groups import Entry, MemberView, PatientView
from casenet.realtime import ring_person
from casenet.timeline import RevisionView
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.cards import CardJson, cards
from casenet.web.gate import asking, enter_group
from casenet.web.group_shapes import (
    GroupIn,
    GroupList,
    GroupOut,
    GroupPath,
    GroupState,
    GroupStates,
    MemberIn,
    MemberPath,
    RecordIn,
    RecordOut,
    RecordSaved,
)

blueprint = Blueprint("groups", __name__, url_prefix="/api/v1")

EXCERPT_CHARS = 80  # two lines on a phone


def patient_line(patient: PatientView) -> dict[str, Any]:
    """The patient as in lists and headers."""
    return {
        "name": patient.name,
        "kana": patient.kana,
        "birth_date": patient.birth_date,
        "age": age(patient.birth_date, clock.today_in_japan()),
        "sex": patient.sex,
        "summary": patient.summary,
    }


def age(birth_date: date, today: date) -> int:
    """Completed years."""
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


@blueprint.get("/groups", responses={200: GroupList})
def list_groups() -> Response:
    """Every group of the asking person."""
    person_id = asking().person_id
    with transaction() as session:
        entries = groups.entries_of(session, person_id)
        ids = [entry.group_id for entry in entries]
        patients = groups.patients(session, entries)
        lines = timeline.last_lines(session, entries)
        authors = cards(session, [_who(line) for line in lines.values()])
        read = timeline.read_by(session, person_id)
        unread = timeline.unread(session, person_id, ids)
        since = clock.now() - timedelta(days=timeline.AWAITING_DAYS)
        awaiting = timeline.awaiting(session, person_id, entries, since=since)
        alerts = _open_alerts(session, ids)
        listed = [
            {
                "id": entry.group_id,
                "patient": patient_line(patients[entry.group_id]),
                "last_sequence": entry.last_sequence,
                "last_mark": entry.last_mark,
                "read_sequence": read.get(entry.group_id, 0),
                "unread": unread.get(entry.group_id, 0),
                "awaiting": awaiting.get(entry.group_id, 0),
                "last_post": _last_post(lines.get(entry.group_id), authors),
                "open_alert_id": alerts.get(entry.group_id),
            }
            for entry in entries
        ]
    listed.sort(key=_newest_first, reverse=True)
    return answer({"groups": listed})


def _open_alerts(session: Session, group_ids: list[UUID]) -> dict[UUID, UUID]:
    """The gravest open alert of each group, of equals the newest."""
    found = sorted(
        escalation.open_alerts(session, group_ids), key=lambda alert: (alert.level, alert.raised_at)
    )
    return {alert.group_id: alert.id for alert in found}


def _newest_first(line: dict[str, Any]) -> tuple[bool, str]:
    last = line["last_post"]
    return line["open_alert_id"] is not None, last["created_at"].isoformat() if last else ""


def _who(line: RevisionView) -> UUID | None:
    """Who wrote the line, or did what a notice says."""
    acting = (line.notice or {}).get("person_id")
    return UUID(str(acting)) if acting else line.author_id


def _last_post(line: RevisionView | None, authors: dict[str, CardJson]) -> dict[str, Any] | None:
    if line is None:
        return None
    author = authors.get(str(_who(line)))
    return {
        "kind": line.kind,
        "excerpt": " ".join((line.text or "").split())[:EXCERPT_CHARS],
        "author_name": author["name"] if author else "",
        "created_at": line.created_at,
        "notice": line.notice,
    }


@blueprint.get("/groups/state", responses={200: GroupStates})
def group_states() -> Response:
    """How far every group of the asking person has come; no content."""
    with transaction() as session:
        entries = groups.entries_of(session, asking().person_id)
        alerts = _open_alerts(session, [entry.group_id for entry in entries])
    states = [
        {"id": entry.group_id, "last_sequence": entry.last_sequence, "last_mark": entry.last_mark}
        for entry in entries
    ]
    return answer({"groups": states, "open_alerts": list(alerts.values())})


@blueprint.post("/groups", responses={201: GroupState})
def open_group(body: GroupIn) -> Response:
    """Open a group for a patient; the founder's office hosts it."""
    person_id = asking().person_id
    with transaction() as session:
        home = facilities.facility_of(session, person_id)
        if home is None:
            raise NotFound
        role = groups.ROLE_OF_PROFESSION[identity.people(session, [person_id])[person_id].profession]
        if not groups.function_fits(body.function, role):
            raise Invalid("function-does-not-fit", {"function": "does-not-fit"})
        groups.open_group(
            session,
            body.id,
            PatientView(**body.patient.model_dump()),
            founder_id=person_id,
            org_id=home.id,
            function=body.function,
            now=clock.now(),
        )
    return answer({"id": body.id, "last_sequence": 0, "last_mark": 0}, 201)


@blueprint.get("/groups/<uuid:group_id>", responses={200: GroupOut})
def show_group(path: GroupPath) -> Response:
    """One group: patient, team, and what the asking person may do."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        patient = groups.patient(session, entry)
        host = facilities.facility(session, entry.org_id)
        read = timeline.read_sequences(session, entry.group_id)
        return answer(
            {
                "id": entry.group_id,
                "patient": patient_line(patient) | {"address": patient.address, "tel": patient.tel},
                "host_facility": {"id": host.id, "name": host.name, "tel": host.tel},
                "my": {
                    "role": entry.role,
                    "function": entry.function,
                    "permissions": sorted(groups.RIGHTS[entry.role]),
                },
                "members": _members(session, entry, read),
                "last_sequence": entry.last_sequence,
                "last_mark": entry.last_mark,
                "read_sequence": read.get(entry.person_id, 0),
                "open_alert_id": _open_alerts(session, [entry.group_id]).get(entry.group_id),
            }
        )


def _members(session: Session, entry: Entry, read: dict[UUID, int]) -> list[dict[str, Any]]:
    present = groups.members(session, entry.group_id)
    ids = [member.person_id for member in present]
    people = identity.people(session, ids)
    homes = facilities.facilities_of(session, ids)

    def line(member: MemberView) -> dict[str, Any]:
        person, home = people[member.person_id], homes.get(member.person_id)
        return {
            "person_id": member.person_id,
            "name": person.name,
            "name_kana": person.name_kana,
            "profession": person.profession,
            "facility_name": home.name if home else "",
            "facility_tel": home.tel if home else "",
            "function": member.function,
            "role": member.role,
            "read_sequence": read.get(member.person_id, 0),
            "ends_at": member.ends_at,
        }

    return [line(member) for member in present]


@blueprint.post("/groups/<uuid:group_id>/members", responses={201: MemberIn})
def add_member(path: GroupPath, body: MemberIn) -> Response:
    """Let a person into the group."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        groups.add_member(session, entry, body.person_id, function=body.function, now=clock.now())
    return answer(body, 201)


@blueprint.delete("/groups/<uuid:group_id>/members/<uuid:person_id>", responses={204: None})
def remove_member(path: MemberPath) -> Response:
    """Let a person out; their open sockets see nothing more."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        groups.remove_member(session, entry, path.person_id, now=clock.now())
    return Response(status=204)


@blueprint.get("/groups/<uuid:group_id>/record", responses={200: RecordOut})
def show_record(path: GroupPath) -> Response:
    """The patient's record, from which sheets are drafted."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        record = groups.record(session, entry)
    response = answer(
        {
            "revision": record.revision,
            "patient": asdict(record.patient),
            "fields": record.fields,
            "saved_at": record.created_at,
        }
    )
    response.set_etag(str(record.revision))
    return response


@blueprint.put("/groups/<uuid:group_id>/record", responses={200: RecordSaved})
def save_record(path: GroupPath, body: RecordIn) -> Response:
    """Keep a new revision; only if nobody saved one since (If-Match)."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        revision = groups.save_record(
            session,
            entry,
            patient=PatientView(**body.patient.model_dump()),
            fields=body.fields,
            expected_revision=expected_version(),
            now=clock.now(),
        )
        for member in groups.members(session, entry.group_id):
            after_commit(session, partial(ring_person, member.person_id, f"record:{entry.group_id}"))
    return answer({"revision": revision})


def expected_version() -> int:
    """The version that the If-Match header names. Raises Invalid when it is missing or no number."""
    for tag in request.if_match.as_set():
        if tag.isdecimal() and len(tag) < 10:
            return int(tag)
    raise Invalid("if-match-missing", {"If-Match": "missing"})
