"""Publish, correct, acknowledge, read."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit
from casenet.crypto import KeyMissing, group_key, open_text, ring, seal_text
from casenet.database import Database, Glance, Prepared, after_commit
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.groups import Entry, Recalled, give_back_mark, next_mark
from casenet.realtime import ring_group
from casenet.timeline import rules
from casenet.timeline.live import Written
from casenet.timeline.log import Numbered, Posted, append
from casenet.timeline.queries import ROW, RevisionView, revision_place
from casenet.timeline.rules import Draft
from casenet.timeline.tables import PostMark, ReadMark, TimelineRevision


def publish_post(
    session: Database,
    entry: Entry,
    draft: Draft,
    *,
    now: datetime,
    tell: Callable[[Written], object] | None = None,
) -> Posted:
    """Add a post to the group's timeline. Sending the same draft twice adds one post.

    tell    Called with a new post once it is committed, before the bell.
    Raises Invalid, NotAllowed, Conflict when the id is another member's post, NotFound for a reply to nothing.
    """
    rules.check_draft(draft, entry.role)
    if draft.reply_to is not None:
        _check_post(session, entry.group_id, draft.reply_to)
    return _publish(session, entry, draft, now=now, tell=tell) or _own_post(session, entry, draft.id)


def publish_recalled(
    session: Glance,
    recalled: Recalled,
    draft: Draft,
    *,
    now: datetime,
    tell: Callable[[Written], object] | None = None,
) -> Posted | None:
    """Add a post by somebody who is remembered, in the one statement that checks whether that still stands.

    None whenever this is not simply a new post by a member: nothing was done, and nothing is said about the group.
    Who they are is then to be asked, and `publish_post` says the rest.
    """
    if draft.reply_to is not None:
        return None  # whether there is such a post is told to members only
    try:
        rules.check_draft(draft, recalled.entry.role)
        return _publish(session, recalled.entry, draft, now=now, tell=tell, recalled=recalled)
    except (Invalid, NotAllowed, KeyMissing):
        return None


def _publish(
    session: Database,
    entry: Entry,
    draft: Draft,
    *,
    now: datetime,
    tell: Callable[[Written], object] | None,
    recalled: Recalled | None = None,
) -> Posted | None:
    """None when the post is there already, or when the proof does not hold."""
    place = revision_place(entry.org_id, entry.group_id, draft.id, 1, entry.person_id, now)
    return append(
        session,
        entry.group_id,
        {
            "post_id": draft.id,
            "revision": 1,
            "kind": draft.kind,
            "author_id": entry.person_id,
            "created_at": now,
            "reply_to": draft.reply_to,
            "body": seal_text(group_key(session, entry.group_id), place, draft.text),
            "notice": None,
        },
        by=entry.person_id,
        action="post.publish",
        tell=tell and (lambda number: tell(_written(entry, draft, number, now))),
        recalled=recalled,
    )


def _written(entry: Entry, draft: Draft, number: Numbered, now: datetime) -> Written:
    row = RevisionView(
        number.sequence, draft.id, 1, draft.kind, entry.person_id, now, draft.reply_to, draft.text, None
    )
    return Written(entry.group_id, row, number.last_mark, number.team_revision)


def correct_post(
    session: Session, entry: Entry, post_id: UUID, text: str, *, revision: int, now: datetime
) -> Posted:
    """Add a corrected revision of one's own post; the old one stays readable.

    revision    The number that the writer expects the correction to get: one more than they saw.
    Raises NotFound for a post that is not there or not one's own, Conflict when another correction came first.
    """
    rules.check_text(text)
    latest = session.scalars(
        select(TimelineRevision)
        .where(TimelineRevision.group_id == entry.group_id, TimelineRevision.post_id == post_id)
        .order_by(TimelineRevision.revision.desc())
        .limit(1)
    ).first()
    if latest is None or latest.author_id != entry.person_id:
        raise NotFound
    if revision != latest.revision + 1:
        return _own_correction(session, entry, latest, text, revision=revision)
    place = revision_place(entry.org_id, entry.group_id, post_id, revision, entry.person_id, now)
    posted = append(
        session,
        entry.group_id,
        {
            "post_id": post_id,
            "revision": revision,
            "kind": latest.kind,
            "author_id": entry.person_id,
            "created_at": now,
            "reply_to": latest.reply_to,
            "body": seal_text(group_key(session, entry.group_id), place, text),
            "notice": None,
        },
        by=entry.person_id,
        action="post.correct",
    )
    if posted is None:
        # While we waited for the lock another correction came in: perhaps this one, whose answer was lost.
        return _own_correction(session, entry, latest, text, revision=revision)
    return posted


def _own_correction(
    session: Session, entry: Entry, latest: TimelineRevision, text: str, *, revision: int
) -> Posted:
    """The correction that stands there already when it is this one, sent again. Else raises Conflict."""
    there = session.scalars(
        select(TimelineRevision).where(
            TimelineRevision.group_id == entry.group_id,
            TimelineRevision.post_id == latest.post_id,
            TimelineRevision.revision == revision,
        )
    ).first()
    if there is None or revision == 1 or _text_of(session, entry, there) != text:
        raise Conflict("revision-taken", revision=max(latest.revision, revision if there else 0))
    _ring_again(session, entry.group_id, there.sequence)
    return Posted(there.post_id, there.sequence, there.created_at, is_new=False)


_FIRST = Prepared(
    select(ROW.c.sequence, ROW.c.created_at, ROW.c.author_id).where(
        ROW.c.group_id == bindparam("group"), ROW.c.post_id == bindparam("post"), ROW.c.revision == 1
    )
)


def _own_post(session: Database, entry: Entry, post_id: UUID) -> Posted:
    """Only by this member: an id is chosen by a phone, so asking for somebody else's must not hand out their post."""
    row = _FIRST.all(session, {"group": entry.group_id, "post": post_id})[0]
    if row.author_id != entry.person_id:
        raise Conflict("id-taken")
    _ring_again(session, entry.group_id, row.sequence)
    return Posted(post_id, row.sequence, row.created_at, is_new=False)


def _ring_again(session: Database, group_id: UUID, sequence: int) -> None:
    """Perhaps nobody was told: the answer to the first try may have been lost with its bell."""
    after_commit(session, partial(ring_group, group_id, sequence))


def _check_post(session: Database, group_id: UUID, post_id: UUID) -> None:
    if _FIRST.first(session, {"group": group_id, "post": post_id}) is None:
        raise Invalid("post-unknown", {"reply_to": "unknown"})


def _text_of(session: Session, entry: Entry, row: TimelineRevision) -> str | None:
    if row.body is None or row.author_id is None:
        return None
    place = revision_place(
        entry.org_id, entry.group_id, row.post_id, row.revision, row.author_id, row.created_at
    )
    return open_text(ring(session, entry.group_id), place, row.body)


def acknowledge_post(session: Session, entry: Entry, post_id: UUID, *, now: datetime) -> tuple[int, bool]:
    """Say 了解 to a post. Returns (number of the mark, whether it is new). Raises NotFound for no such post."""
    known = session.scalar(
        select(TimelineRevision.sequence)
        .where(TimelineRevision.group_id == entry.group_id, TimelineRevision.post_id == post_id)
        .limit(1)
    )
    if known is None:
        raise NotFound
    mark = next_mark(session, entry.group_id)
    added = session.scalar(
        insert(PostMark)
        .values(
            group_id=entry.group_id, mark=mark, post_id=post_id, person_id=entry.person_id, created_at=now
        )
        .on_conflict_do_nothing()
        .returning(PostMark.mark)
    )
    if added is None:
        give_back_mark(session, entry.group_id)
        return _own_mark(session, entry, post_id), False
    audit.record(
        session,
        person_id=entry.person_id,
        action="post.acknowledge",
        group_id=entry.group_id,
        object_id=post_id,
    )
    # No number: whoever has told the newest post has not told this.
    after_commit(session, partial(ring_group, entry.group_id, 0))
    return mark, True


def _own_mark(session: Session, entry: Entry, post_id: UUID) -> int:
    return session.scalars(
        select(PostMark.mark).where(
            PostMark.group_id == entry.group_id,
            PostMark.post_id == post_id,
            PostMark.person_id == entry.person_id,
        )
    ).one()


def mark_read(session: Session, entry: Entry, sequence: int, *, now: datetime) -> None:
    """Note how far this member has read; never backwards, never beyond what is there."""
    reached = min(sequence, entry.last_sequence)
    fresh = insert(ReadMark).values(
        group_id=entry.group_id, person_id=entry.person_id, sequence=reached, updated_at=now
    )
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=[ReadMark.group_id, ReadMark.person_id],
            set_={"sequence": func.greatest(ReadMark.sequence, reached), "updated_at": now},
        )
    )
    audit.record(
        session,
        person_id=entry.person_id,
        action="posts.mark_read",
        group_id=entry.group_id,
        revision=reached,
    )
