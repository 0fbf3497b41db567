"""Posts, corrections, 了解, read marks."""

from collections.abc import Iterable
from uuid import UUID

from flask import Response, current_app

from casenet import clock, crypto, timeline
from casenet.database import Glance, glance, transaction
from casenet.errors import NotFound
from casenet.groups import Entry
from casenet.timeline import Draft, MarkView, RevisionView, Shown
from casenet.web import pages
from casenet.web.answers import answer, answer_bytes
from casenet.web.blueprints import Blueprint
from casenet.web.cards import CardJson, cards
from casenet.web.gate import enter_group, recalled
from casenet.web.group_shapes import GroupPath
from casenet.web.pages import Page
from casenet.web.timeline_shapes import (
    Changes,
    CorrectionIn,
    HistoryOut,
    MarkOut,
    PostedOut,
    PostIn,
    PostPath,
    PostsQuery,
    ReadIn,
    changes_json,
    revision_json,
)

blueprint = Blueprint("timeline", __name__, url_prefix="/api/v1")

TELL = "casenet.tell"  # the app's extension that tells a post to the phones of this very process


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
    return changes_json(rows, marks, people, entry.last_sequence, entry.last_mark, has_more=has_more)


def _page_before(session: Glance, entry: Entry, query: PostsQuery) -> bytes:
    ring = crypto.ring(session, entry.group_id)
    rows, marks = timeline.page_before(session, entry, query.before, query.limit)
    has_more = bool(rows) and rows[-1].sequence > 1
    people = _people(session, rows, marks)
    body = changes_json(rows, marks, people, entry.last_sequence, entry.last_mark, has_more=has_more)
    if query.before is None:
        pages.keep(ring, query.limit, Page(timeline.shown_in(entry, rows), body))
    return body


def _people(session: Glance, rows: Iterable[RevisionView], marks: Iterable[MarkView]) -> dict[str, CardJson]:
    return cards(session, [row.author_id for row in rows] + [mark.person_id for mark in marks])


def _nothing_new(sequence: int, mark: int) -> Page:
    """What a phone is answered that knows everything already: most of the looks that it takes."""
    return Page(Shown(sequence, mark, None, None), changes_json((), (), {}, sequence, mark, has_more=False))


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
