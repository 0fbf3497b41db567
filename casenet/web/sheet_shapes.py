"""What sheets look like over HTTP."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from casenet.web.shapes import Code, Id, Line, Shape


class GroupPath(Shape):
    """A patient group."""

    group_id: Id


class SheetPath(Shape):
    """A sheet."""

    sheet_id: Id


class FormPath(Shape):
    """A kind of sheet."""

    kind: Code


class FormOut(Shape):
    """A form as data: blocks of fields with label, type and options."""

    kind: str
    form_version: str
    title: str
    source: str
    blocks: list[dict[str, Any]]


class SourceOut(Shape):
    """Where a value came from; `sequence` and `post_id` when it was a post."""

    label: str
    at: datetime | None = None
    person_id: UUID | None = None
    sequence: int | None = None
    post_id: UUID | None = None


class OfferOut(Shape):
    """A newer value that a post speaks of."""

    value: Any
    source: SourceOut


class HandoverOut(Shape):
    """The present link. `link` and `code` are told apart to the hospital: one written, one by telephone."""

    number: int
    state: str
    link: str | None
    code: str | None
    sent_at: datetime | None
    expires_at: datetime | None
    opened_at: datetime | None
    received_at: datetime | None
    received_by: str | None
    completeness: str | None


class FeeOut(Shape):
    """入院時情報連携加算: what it is worth now, and the last day of each tier. `review`: a person decides."""

    tier: str
    by_letter: str
    units: int
    reasons: list[str]
    confirmed: bool
    first_until: date | None
    second_until: date | None
    first_units: int
    second_units: int
    unsure: bool


class ReceiverOut(Shape):
    """The hospital that a sheet was released to."""

    id: UUID
    name: str


class SheetLineOut(Shape):
    """A sheet in a list."""

    id: UUID
    group_id: UUID
    kind: str
    state: str
    version: int
    facility: ReceiverOut | None
    created_by: UUID
    updated_at: datetime
    released_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None


class SheetList(Shape):
    """Sheets, the newest change first."""

    sheets: list[SheetLineOut]


class SheetOut(SheetLineOut):
    """A sheet with its answers. `digest`: SHA-256 of the released answers, for who sees them all."""

    form_version: str
    digest: str | None
    values: dict[str, Any]
    sources: dict[str, SourceOut]
    offers: dict[str, OfferOut]
    missing: list[str]
    handover: HandoverOut | None
    fee: FeeOut | None


class SheetIn(Shape):
    """A new sheet; `id` is the phone's own (UUIDv7)."""

    id: Id
    kind: Code


class ValuesIn(Shape):
    """All answers as they are to be; what is left out is empty."""

    values: dict[str, Any] = Field(max_length=400)


class ReleaseIn(Shape):
    """To whom."""

    facility_id: Id
    contact: Line | None = None


class PreviewQuery(Shape):
    """`fax`: hide what may not lie open beside a FAX machine."""

    fax: bool = False
