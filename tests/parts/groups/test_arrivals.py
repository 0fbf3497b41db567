"""Somebody who came a moment ago is recalled; the statement that uses it asks whether that still stands."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast as cast_to
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from casenet import clock, groups, identity, timeline
from casenet.audit.tables import AuditEvent
from casenet.config import Config
from casenet.database import Glance, glance, transaction
from casenet.groups import Permission, Recalled, arrivals
from casenet.groups.tables import PatientGroup
from casenet.identity.tables import SessionRow
from casenet.timeline.tables import TimelineRevision
from tests.cast import NOON, Cast, assemble, report, sign_in
from tests.waiting import wait_for_a_waiter

IDLE_MINUTES = 30


@pytest.fixture
def cast(database: Config) -> Cast:
    with transaction() as session:
        return assemble(session)


def token_of(person_id: UUID) -> str:
    with transaction() as session:
        return sign_in(session, person_id)


def arrives(cast: Cast, token: str) -> None:
    groups.arrive(glance(), token, cast.group, idle_minutes=IDLE_MINUTES, now=clock.now())


def recalled(cast: Cast, token: str, *, in_seconds: float = 0, group: UUID | None = None) -> Recalled | None:
    now = clock.now() + timedelta(seconds=in_seconds)
    return groups.recall(token, group or cast.group, Permission.POST, idle_minutes=IDLE_MINUTES, now=now)


def comes(cast: Cast) -> Recalled:
    """The care worker, who has just come and is recalled."""
    token = token_of(cast.ito)
    arrives(cast, token)
    known = recalled(cast, token)
    assert known is not None
    return known


def publishes(known: Recalled) -> timeline.Posted | None:
    return timeline.publish_recalled(glance(), known, report(), now=clock.now())


def last_seen(token: str) -> datetime:
    with transaction() as session:
        shown = identity.shown(token, idle_minutes=IDLE_MINUTES, now=NOON)["token_hash"]
        return session.scalars(select(SessionRow.last_seen_at).where(SessionRow.token_hash == shown)).one()


def later(cast: Cast, token: str, *, minutes: float = 2) -> Recalled:
    """Recalled by a clock that has gone on since they came."""
    known = recalled(cast, token, in_seconds=minutes * 60)
    assert known is not None
    return known


def stands(cast: Cast) -> tuple[int, int, int]:
    """The group's number, its rows, and their audit rows."""
    with transaction() as session:
        number = session.scalar(select(PatientGroup.last_sequence).where(PatientGroup.id == cast.group))
        rows = session.scalars(select(TimelineRevision).where(TimelineRevision.group_id == cast.group)).all()
        noted = session.scalars(select(AuditEvent).where(AuditEvent.action == "post.publish")).all()
    return number or 0, len(rows), len(noted)


def test_who_came_is_recalled_for_ten_minutes_in_this_group_and_with_this_token_alone(cast: Cast) -> None:
    token, other = token_of(cast.ito), token_of(cast.ito)
    assert recalled(cast, token) is None

    arrives(cast, token)

    known = recalled(cast, token, in_seconds=595)
    assert known is not None
    assert (known.entry.person_id, known.entry.role) == (cast.ito, "care_worker")
    assert recalled(cast, token, in_seconds=601) is None
    assert recalled(cast, token, group=cast.other_group) is None
    assert recalled(cast, other) is None
    assert groups.recall(token, cast.group, Permission.POLICY, idle_minutes=30, now=clock.now()) is None
    assert publishes(known) is not None
    assert stands(cast) == (1, 1, 1)


def test_once_a_minute_a_post_notes_too_that_they_were_here(cast: Cast) -> None:
    token = token_of(cast.ito)
    with transaction() as session:
        session.execute(text("UPDATE session SET last_seen_at = last_seen_at - interval '50 seconds'"))
    arrives(cast, token)

    seen: list[bool] = []
    for seconds in (5, 15, 70, 80):
        known = later(cast, token, minutes=seconds / 60)
        seen.append(known.is_to_be_seen)
        assert publishes(known) is not None
        assert (last_seen(token) == known.proof["now"]) == known.is_to_be_seen

    assert seen == [False, True, False, True]


def test_whoever_was_recalled_and_wrote_nothing_is_to_be_seen_by_the_next_one(cast: Cast) -> None:
    token = token_of(cast.ito)
    arrives(cast, token)

    assert later(cast, token).is_to_be_seen
    assert later(cast, token).is_to_be_seen


def test_who_was_noted_by_another_process_meanwhile_is_not_noted_again(cast: Cast) -> None:
    token = token_of(cast.ito)
    arrives(cast, token)
    known = later(cast, token)
    with transaction() as session:
        session.execute(text("UPDATE session SET last_seen_at = last_seen_at + interval '90 seconds'"))
    seen_at = last_seen(token)

    assert publishes(known) is not None

    assert last_seen(token) == seen_at


def test_a_post_that_is_not_written_keeps_nobody_awake(cast: Cast) -> None:
    token, post = token_of(cast.ito), report()
    arrives(cast, token)
    seen_at = last_seen(token)
    timeline.publish_recalled(glance(), later(cast, token, minutes=0.5), post, now=clock.now())
    there_already = timeline.publish_recalled(glance(), later(cast, token), post, now=clock.now())
    with transaction() as session:
        removed(session, cast)
    not_proven = publishes(later(cast, token, minutes=4))

    assert (there_already, not_proven) == (None, None)
    assert last_seen(token) == seen_at


def test_a_session_that_somebody_has_in_hand_is_not_waited_for(cast: Cast) -> None:
    """Whoever lets a leaver out holds their session and then wants their groups."""
    token = token_of(cast.ito)
    arrives(cast, token)
    seen_at = last_seen(token)

    with transaction() as session:
        session.execute(text("SELECT 1 FROM session FOR UPDATE"))
        assert publishes(later(cast, token)) is not None

    assert last_seen(token) == seen_at


def test_a_clock_that_is_ahead_leaves_nobody_unseen_for_longer(cast: Cast) -> None:
    token = token_of(cast.ito)
    with transaction() as session:
        session.execute(text("UPDATE session SET last_seen_at = last_seen_at + interval '10 minutes'"))

    arrives(cast, token)

    assert later(cast, token, minutes=61 / 60).is_to_be_seen


def test_without_a_proof_that_can_be_asked_nothing_is_written(cast: Cast) -> None:
    known = comes(cast)

    with pytest.raises(TypeError), transaction() as session:
        timeline.publish_recalled(cast_to("Glance", session), known, report(), now=NOON)
    with pytest.raises(SQLAlchemyError):
        publishes(replace(known, proof={}))

    assert stands(cast) == (0, 0, 0)


def test_whoever_is_in_until_an_hour_is_never_recalled(cast: Cast) -> None:
    """No number says when a cover has ended: the clock does."""
    with transaction() as session:
        until = clock.now() + timedelta(hours=8)
        groups.admit_for_cover(session, cast.group, cast.ogawa, until=until, now=clock.now())
    token = token_of(cast.ogawa)

    arrives(cast, token)

    assert recalled(cast, token) is None


def test_an_outsider_is_not_remembered(cast: Cast) -> None:
    token = token_of(cast.ogawa)

    arrives(cast, token)

    assert recalled(cast, token) is None


def removed(session: Session, cast: Cast) -> None:
    entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
    groups.remove_member(session, entry, cast.ito, now=NOON)


def let_go(session: Session, cast: Cast) -> None:
    groups.leave_all(session, cast.ito, by=cast.mori, now=NOON)


def suspended(session: Session, cast: Cast) -> None:
    identity.suspend(session, cast.ito, by=cast.mori, now=clock.now())


def by_hand(statement: str) -> Callable[[Session, Cast], None]:
    def change(session: Session, cast: Cast) -> None:
        session.execute(text(statement), {"group": cast.group, "person": cast.ito})

    return change


CHANGES = {
    "removed": removed,
    "left every group": let_go,
    "suspended": suspended,
    "suspended, session forgotten": by_hand("UPDATE person SET suspended_at = now() WHERE id = :person"),
    "signed out": by_hand("UPDATE session SET ended_at = now() WHERE person_id = :person"),
    "expired": by_hand(
        "UPDATE session SET expires_at = now() - interval '1 second' WHERE person_id = :person"
    ),
    "idle": by_hand(
        "UPDATE session SET last_seen_at = now() - interval '31 minutes' WHERE person_id = :person"
    ),
    "half signed in": by_hand("UPDATE session SET state = 'code' WHERE person_id = :person"),
    "another role": by_hand("UPDATE membership SET role = 'family' WHERE person_id = :person"),
    "until an hour": by_hand("UPDATE membership SET ends_at = now() WHERE person_id = :person"),
    "somebody else's token": by_hand(
        "UPDATE session SET person_id = (SELECT id FROM person WHERE login = 'mori') WHERE person_id = :person"
    ),
    "a new member": by_hand(
        "INSERT INTO membership (id, group_id, person_id, role, joined_at) "
        "SELECT gen_random_uuid(), :group, id, 'observer', now() FROM person WHERE login = 'ogawa' AND :person <> id"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_is_written_for_whom_anything_has_changed(
    cast: Cast, change: Callable[[Session, Cast], None]
) -> None:
    known = comes(cast)
    with transaction() as session:
        change(session, cast)

    assert publishes(known) is None

    assert stands(cast) == (0, 0, 0)


def test_whoever_is_removed_while_their_post_waits_for_its_number_has_not_written_it(cast: Cast) -> None:
    known = comes(cast)

    with ThreadPoolExecutor() as threads:
        with transaction() as session:
            removed(session, cast)
            post = threads.submit(publishes, known)
            wait_for_a_waiter(session)

        assert post.result() is None
    assert stands(cast) == (0, 0, 0)


def test_a_post_that_waited_for_another_one_only_is_written(cast: Cast) -> None:
    known = comes(cast)

    with ThreadPoolExecutor() as threads:
        with transaction() as session:
            entry = groups.enter(session, cast.tanaka, cast.group, Permission.POST)
            timeline.publish_post(session, entry, report(), now=NOON)
            post = threads.submit(publishes, known)
            wait_for_a_waiter(session)

        assert (posted := post.result()) is not None
    assert posted.sequence == 2
    assert stands(cast) == (2, 2, 2)


def test_what_is_remembered_does_not_grow_without_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "REMEMBERED_MAX", 2)
    monkeypatch.setattr(arrivals, "_remembered", OrderedDict())
    tokens = [token_of(person) for person in (cast.ito, cast.mori, cast.sato)]

    for token in (*tokens[:2], tokens[0], tokens[2]):
        arrives(cast, token)

    assert [recalled(cast, token) is not None for token in tokens] == [True, False, True]
