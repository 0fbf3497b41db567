"""Offices and their people."""

from uuid import UUID

from flask import Response

from casenet import clock, facilities, groups, identity
from casenet.database import transaction
from casenet.errors import Invalid
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.gate import asking
from casenet.web.shapes import Code, Id, Line, MailAddress, Shape

blueprint = Blueprint("facilities", __name__, url_prefix="/api/v1")


class FacilityPath(Shape):
    """An office."""

    facility_id: Id


class StaffPath(Shape):
    """A person of an office."""

    facility_id: Id
    person_id: Id


class Facility(Shape):
    """An office as everybody may see it."""

    id: UUID
    kind: str
    name: str
    tel: str
    fax: str
    address: str


class Facilities(Shape):
    """All offices."""

    facilities: list[Facility]


class PersonLine(Shape):
    """A person of an office. `enrolled`: has taken up the invitation."""

    id: UUID
    name: str
    name_kana: str
    profession: str
    is_administrator: bool
    enrolled: bool


class People(Shape):
    """The present staff of an office."""

    people: list[PersonLine]


class PersonIn(Shape):
    """A new person. `licence`: the licence held, apart from any role."""

    id: Id
    login: Line
    email: MailAddress
    name: Line
    name_kana: Line
    profession: Code
    licence: Line | None = None
    is_administrator: bool = False


class PersonAdded(Shape):
    """The one-time link goes to the new person by hand or by a channel of the office's own; it lives 72 hours."""

    id: UUID
    invitation_path: str


@blueprint.get("/facilities", responses={200: Facilities})
def list_facilities() -> Response:
    """All offices of the region."""
    asking()
    with transaction() as session:
        found = facilities.facilities(session)
    return answer(
        {
            "facilities": [
                {
                    "id": office.id,
                    "kind": office.kind,
                    "name": office.name,
                    "tel": office.tel,
                    "fax": office.fax,
                    "address": office.address,
                }
                for office in found
            ]
        }
    )


@blueprint.get("/facilities/<uuid:facility_id>/people", responses={200: People})
def list_people(path: FacilityPath) -> Response:
    """The staff of an office, so that colleagues can invite them to a group."""
    asking()
    with transaction() as session:
        facilities.facility(session, path.facility_id)
        staff = facilities.staff_of(session, path.facility_id)
        people = identity.people(session, [member.person_id for member in staff])
    listed = [
        {
            "id": member.person_id,
            "name": people[member.person_id].name,
            "name_kana": people[member.person_id].name_kana,
            "profession": people[member.person_id].profession,
            "is_administrator": member.is_administrator,
            "enrolled": people[member.person_id].enrolled,
        }
        for member in staff
    ]
    return answer({"people": listed})


@blueprint.post("/facilities/<uuid:facility_id>/people", responses={201: PersonAdded})
def add_person(path: FacilityPath, body: PersonIn) -> Response:
    """Add a person to the office that one administers."""
    if body.profession not in groups.ROLE_OF_PROFESSION:
        raise Invalid("profession-unknown", {"profession": "unknown"})
    new = identity.NewPerson(**body.model_dump(exclude={"is_administrator"}))
    with transaction() as session:
        token = facilities.add_staff(
            session,
            path.facility_id,
            new,
            is_administrator=body.is_administrator,
            by=asking().person_id,
            now=clock.now(),
        )
    return answer({"id": body.id, "invitation_path": f"/invitations/{token}"}, 201)


@blueprint.post(
    "/facilities/<uuid:facility_id>/people/<uuid:person_id>/invitation", responses={201: PersonAdded}
)
def invite_again(path: StaffPath) -> Response:
    """A lost phone or a forgotten password: a new one-time link; the old factors and sessions end."""
    with transaction() as session:
        token = facilities.invite_again(
            session, path.facility_id, path.person_id, by=asking().person_id, now=clock.now()
        )
    return answer({"id": path.person_id, "invitation_path": f"/invitations/{token}"}, 201)


@blueprint.delete("/facilities/<uuid:facility_id>/people/<uuid:person_id>", responses={204: None})
def remove_person(path: StaffPath) -> Response:
    """A leaver, in one act: no sign-in, no session, no membership any more. What they wrote stays."""
    asker = asking()
    if asker.person_id == path.person_id:
        raise Invalid("not-oneself", {"person_id": "oneself"})
    with transaction() as session:
        now = clock.now()
        facilities.leave(session, path.facility_id, path.person_id, by=asker.person_id, now=now)
        groups.leave_all(session, path.person_id, by=asker.person_id, now=now)
    return Response(status=204)
