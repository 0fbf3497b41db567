"""What goes in and out at the doors of the timeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from casenet import timeline
from casenet.timeline import MarkView, RevisionView
from casenet.web.answers import as_json
from casenet.web.cards import Card, CardJson
from casenet.web.shapes import Code, Id, Sequence, Shape, Text

PAGE = 50  # what a phone shows at first


class PostPath(Shape):
    """A post of a patient group."""

    group_id: Id
    post_id: Id


class PostsQuery(Shape):
    """Either what came `after` a number (ascending) or the page `before` one (newest first)."""

    after: Sequence | None = None
    marks_after: Sequence | None = None
    before: Sequence | None = None
    limit: int = Field(PAGE, ge=1, le=timeline.PAGE_MAX)


class Revision(Shape):
    """One row of the timeline's log: a post (revision 1) or a correction of it."""

    sequence: int
    post_id: UUID
    revision: int
    kind: str
    author_id: UUID | None
    created_at: datetime
    reply_to: UUID | None
    text: str | None
    notice: dict[str, Any] | None


class Mark(Shape):
    """One 了解."""

    mark: int
    post_id: UUID
    person_id: UUID
    created_at: datetime


class Changes(Shape):
    """A stretch of a group's log, the 了解 that go with it, and the persons who appear in it."""

    revisions: list[Revision]
    marks: list[Mark]
    people: dict[str, Card]
    last_sequence: int
    last_mark: int
    has_more: bool


class PostIn(Shape):
    """A post as the phone made it; `id` is the phone's own (UUIDv7)."""

    id: Id
    kind: Code
    text: Text
    reply_to: Id | None = None


class PostedOut(Shape):
    """Where the post stands."""

    id: UUID
    sequence: int
    created_at: datetime


class CorrectionIn(Shape):
    """A corrected text; `revision` is the number that it is to get."""

    revision: int = Field(ge=2, le=1000)
    text: Text


class HistoryOut(Shape):
    """Every revision of one post, oldest first."""

    revisions: list[Revision]
    people: dict[str, Card]


class MarkOut(Shape):
    """The number of the 了解."""

    mark: int


class ReadIn(Shape):
    """How far the member has read."""

    sequence: Sequence


def revision_json(view: RevisionView) -> dict[str, Any]:
    """A row of the log as JSON; also what sockets send."""
    return {
        "sequence": view.sequence,
        "post_id": view.post_id,
        "revision": view.revision,
        "kind": view.kind,
        "author_id": view.author_id,
        "created_at": view.created_at,
        "reply_to": view.reply_to,
        "text": view.text,
        "notice": view.notice,
    }


def mark_json(view: MarkView) -> dict[str, Any]:
    """A 了解 as JSON."""
    return {
        "mark": view.mark,
        "post_id": view.post_id,
        "person_id": view.person_id,
        "created_at": view.created_at,
    }


def changes_json(
    rows: Iterable[RevisionView],
    marks: Iterable[MarkView],
    people: dict[str, CardJson],
    last_sequence: int,
    last_mark: int,
    *,
    has_more: bool,
) -> bytes:
    """`Changes` as JSON."""
    return as_json(
        {
            "revisions": [revision_json(row) for row in rows],
            "marks": [mark_json(mark) for mark in marks],
            "people": people,
            "last_sequence": last_sequence,
            "last_mark": last_mark,
            "has_more": has_more,
        }
    )
