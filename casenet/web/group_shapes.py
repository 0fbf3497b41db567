"""What goes in and out at the doors of patient groups."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from casenet.web.answers import as_json
from casenet.web.shapes import Code, Day, Id, Line, OptionalLine, OptionalText, Shape


class GroupPath(Shape):
    """A patient group."""

    group_id: Id


class MemberPath(Shape):
    """A member of a patient group."""

    group_id: Id
    person_id: Id


class PatientIn(Shape):
    """Who the patient is."""

    name: Line
    kana: Line
    birth_date: Day
    sex: Code
    address: OptionalText
    tel: OptionalLine = ""
    summary: OptionalLine = ""


class PatientLine(Shape):
    """The patient in a list. `age` in completed years, today in Japan."""

    name: str
    kana: str
    birth_date: date
    age: int
    sex: str
    summary: str


class LastPost(Shape):
    """The newest line of a group."""

    kind: str
    excerpt: str
    author_name: str
    created_at: datetime
    notice: dict[str, Any] | None


class GroupLine(Shape):
    """A group in the list."""

    id: UUID
    patient: PatientLine
    last_sequence: int
    last_mark: int
    read_sequence: int
    unread: int
    awaiting: int
    last_post: LastPost | None
    open_alert_id: UUID | None


class GroupList(Shape):
    """Every group that the person belongs to, the newest line first."""

    groups: list[GroupLine]


class GroupIn(Shape):
    """A new group; `id` is the phone's own (UUIDv7)."""

    id: Id
    patient: PatientIn
    function: Code | None = None


class GroupState(Shape):
    """How far a group has come."""

    id: UUID
    last_sequence: int
    last_mark: int


class GroupStates(Shape):
    """The cheap look that a phone takes every 20 seconds, every 5 with an open alert."""

    groups: list[GroupState]
    open_alerts: list[UUID]


class PatientCard(PatientLine):
    """The patient as members see them."""

    address: str
    tel: str


class HostFacility(Shape):
    """The office that is responsible for the group."""

    id: UUID
    name: str
    tel: str


class My(Shape):
    """What the asking person may do here."""

    role: str
    function: str | None
    permissions: list[str]


class Member(Shape):
    """A present member."""

    person_id: UUID
    name: str
    name_kana: str
    profession: str
    facility_name: str
    facility_tel: str
    function: str | None
    role: str
    read_sequence: int
    ends_at: datetime | None


class GroupOut(Shape):
    """One group with its team."""

    id: UUID
    patient: PatientCard
    host_facility: HostFacility
    my: My
    members: list[Member]
    last_sequence: int
    last_mark: int
    read_sequence: int
    open_alert_id: UUID | None


class MemberIn(Shape):
    """Whom to let in, and as what."""

    person_id: Id
    function: Code | None = None


class RecordOut(Shape):
    """The patient's record; `fields` keyed as in the admission form."""

    revision: int
    patient: PatientIn
    fields: dict[str, Any]
    saved_at: datetime


def _can_be_shown(value: dict[str, Any]) -> dict[str, Any]:
    try:
        as_json(value)
    except TypeError:
        raise ValueError("must be what an answer can carry: 64-bit numbers, some 250 levels") from None
    return value


class RecordIn(Shape):
    """The record as it is to be."""

    patient: PatientIn
    fields: Annotated[dict[str, Any], AfterValidator(_can_be_shown), Field(max_length=300)]


class RecordSaved(Shape):
    """The number of the new revision."""

    revision: int
