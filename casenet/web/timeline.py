"""Posts, corrections, 了解, read marks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field

from casenet import clock, crypto, timeline
from casenet.database import Glance, glance, transaction
from casenet.errors import NotFound
from casenet.groups import Entry
from casenet.timeline import Draft, MarkView, RevisionView, Shown
from casenet.web import pages
from casenet.web.answers import answer, answer_bytes, as_json
from casenet.web.cards import Card, CardJson, cards
from casenet.web.gate import enter_group, recalled
from casenet.web.pages import Page
from casenet.web.shapes import Code, Id, Sequence, Shape, Text

blueprint = APIBlueprint("timeline", __name__, url_prefix="/api/v1")

PAGE = 50  # what a phone shows at first
TELL = "casenet.tell"  # the app's extension that tells a post to the phones of this very process


class GroupPath(Shape):
    """A patient group."""

    group_id: Id


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


@blueprint.get("/groups/<uuid:group_id>/posts", responses={200: Changes})
def list_posts(path: GroupPath, query: PostsQuery) -> Response:
    """One read for start-up, reconnect, background wake and scrolling back."""
    session = glance()
    page = _known(path.group_id, query)
    entry = _reader(session, path.group_id, page.shown if page else timeline.UNSHOWN)
    if page and page.shown.is_still_all(entry):
        return answer_bytes(page.body)
    if query.after is not None:
        return answer_bytes(_changes_after(session, entry, query.after, query))
    return answer_bytes(_page_before(session, entry, query))


def _known(group_id: UUID, query: PostsQuery) -> Page | None:
    """The answer, if nothing has happened in the group since."""
    if query.after is not None:
        return _nothing_new(query.after, query.marks_after or 0)
    return pages.find(group_id, query.limit) if query.before is None else None


def _reader(session: Glance, group_id: UUID, shown: Shown) -> Entry:
    """Who asks, as a reader of the group as it is now. What is still all is in the audit trail as read by them."""
    known = recalled()
    entry = known and timeline.look(session, known, shown)
    if entry is None:
        entry = enter_group(session, group_id)
        if shown.is_still_all(entry):
            timeline.record_again(session, entry, shown)
    return entry


def _changes_after(session: Glance, entry: Entry, after: int, query: PostsQuery) -> bytes:
    rows, marks = timeline.changes_after(
        session, entry, after, query.limit, marks_after=query.marks_after or 0
    )
    has_more = bool(rows) and rows[-1].sequence < entry.last_sequence
    people = _people(session, rows, marks)
    return _changes(rows, marks, people, entry.last_sequence, entry.last_mark, has_more=has_more)


def _page_before(session: Glance, entry: Entry, query: PostsQuery) -> bytes:
    ring = crypto.ring(session, entry.group_id)
    rows, marks = timeline.page_before(session, entry, query.before, query.limit)
    has_more = bool(rows) and rows[-1].sequence > 1
    people = _people(session, rows, marks)
    body = _changes(rows, marks, people, entry.last_sequence, entry.last_mark, has_more=has_more)
    if query.before is None:
        pages.keep(ring, query.limit, Page(timeline.shown_in(entry, rows), body))
    return body


def _people(session: Glance, rows: Iterable[RevisionView], marks: Iterable[MarkView]) -> dict[str, CardJson]:
    return cards(session, [row.author_id for row in rows] + [mark.person_id for mark in marks])


def _nothing_new(sequence: int, mark: int) -> Page:
    """What a phone is answered that knows everything already: most of the looks that it takes."""
    return Page(Shown(sequence, mark, None, None), _changes((), (), {}, sequence, mark, has_more=False))


def _changes(
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


@blueprint.post("/groups/<uuid:group_id>/posts", responses={201: PostedOut, 200: PostedOut})
def create_post(path: GroupPath, body: PostIn) -> Response:
    """Publish a post. The same id again answers 200 with the post that is there."""
    draft = Draft(body.id, body.kind, body.text, body.reply_to)
    timeline.check_ordinary(draft)
    session, now, tell = glance(), clock.now(), current_app.extensions.get(TELL)
    known = recalled()
    posted = known and timeline.publish_recalled(session, known, draft, now=now, tell=tell)
    if posted is None:
        entry = enter_group(session, path.group_id)
        posted = timeline.publish_post(session, entry, draft, now=now, tell=tell)
    return _posted(posted)


@blueprint.post(
    "/groups/<uuid:group_id>/posts/<uuid:post_id>/revisions", responses={201: PostedOut, 200: PostedOut}
)
def correct_post(path: PostPath, body: CorrectionIn) -> Response:
    """Correct one's own post; the old revision stays."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        posted = timeline.correct_post(
            session, entry, path.post_id, body.text, revision=body.revision, now=clock.now()
        )
    return _posted(posted)


def _posted(posted: timeline.Posted) -> Response:
    body = {"id": posted.post_id, "sequence": posted.sequence, "created_at": posted.created_at}
    return answer(body, 201 if posted.is_new else 200)


@blueprint.get("/groups/<uuid:group_id>/posts/<uuid:post_id>", responses={200: HistoryOut})
def show_post(path: PostPath) -> Response:
    """One post with all its revisions."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        rows = timeline.history(session, entry, path.post_id)
        if not rows:
            raise NotFound
        people = cards(session, [row.author_id for row in rows])
        return answer(
            {
                "revisions": [revision_json(row) for row in rows],
                "people": people,
            }
        )


@blueprint.post(
    "/groups/<uuid:group_id>/posts/<uuid:post_id>/acknowledgement", responses={201: MarkOut, 200: MarkOut}
)
def acknowledge_post(path: PostPath) -> Response:
    """Say 了解. A second time does nothing."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        mark, is_new = timeline.acknowledge_post(session, entry, path.post_id, now=clock.now())
    return answer({"mark": mark}, 201 if is_new else 200)


@blueprint.put("/groups/<uuid:group_id>/read", responses={204: None})
def mark_read(path: GroupPath, body: ReadIn) -> Response:
    """Note how far one has read; never backwards."""
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        timeline.mark_read(session, entry, body.sequence, now=clock.now())
    return Response(status=204)
