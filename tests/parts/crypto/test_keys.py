import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import casenet.config
from casenet import groups, timeline
from casenet.config import Config
from casenet.crypto import GroupKey, KeyMissing, Place, Ring, SealBroken, keys
from casenet.timeline import queries
from casenet.web.answers import as_json
from tests.cast import NOON, assemble, report


def test_a_groups_key_is_stored_wrapped_only(session: Session) -> None:
    cast = assemble(session)

    key = keys.group_key(session, cast.group)
    wrapped = session.execute(text("SELECT wrapped FROM group_key")).scalars().all()

    assert len(key.key) == 32
    assert all(key.key not in bytes(row) for row in wrapped)


def test_a_body_swapped_with_another_groups_does_not_open(session: Session) -> None:
    cast = assemble(session)
    mine = groups.enter(session, cast.tanaka, cast.group, groups.Permission.POST)
    theirs = groups.enter(session, cast.ogawa, cast.other_group, groups.Permission.POST)
    timeline.publish_post(session, mine, report("一"), now=NOON)
    timeline.publish_post(session, theirs, report("二"), now=NOON)
    session.commit()

    # What an attacker with write access to the database would do; our role may not even do that.
    with pytest.raises(Exception, match="permission denied"):
        session.execute(text("UPDATE timeline_revision SET body = '\\x00'"))
    session.rollback()

    rows = session.execute(text("SELECT body FROM timeline_revision ORDER BY sequence")).scalars().all()
    place = queries.revision_place(mine.org_id, mine.group_id, report().id, 1, cast.tanaka, NOON)
    for row in rows:
        with pytest.raises(SealBroken):
            keys.open_text(keys.ring(session, mine.group_id), place, bytes(row))


def test_without_the_key_encryption_key_nothing_opens(
    session: Session, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = assemble(session)
    keys.forget_rings()
    monkeypatch.delenv("KEK_FILE")
    casenet.config.current.cache_clear()

    with pytest.raises(KeyMissing):
        keys.group_key(session, cast.group)


@pytest.fixture(autouse=True)
def _no_key_left_over() -> Iterator[None]:
    keys.forget_rings()
    yield
    keys.forget_rings()


@pytest.mark.parametrize("content", ["", "1:short\n", "x:AAAA\n", "1:!!!!\n"])
def test_a_damaged_key_file_is_no_key(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kek"
    path.write_text(content)

    with pytest.raises(KeyMissing):
        keys.read_kek(path)


def test_a_new_key_line_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    path.write_text(keys.new_kek(1) + keys.new_kek(2))

    assert set(keys.read_kek(path)) == {1, 2}


GROUP, ORG, PERSON = UUID(int=1), UUID(int=2), UUID(int=3)
KEY = GroupKey(GROUP, ORG, 1, bytes(range(32)))


def some_place(row: int = 4) -> Place:
    return Place("timeline_revision", "body", ORG, GROUP, UUID(int=row), 1, PERSON, NOON)


def some_ring() -> Ring:
    return Ring(KEY, {1: KEY.key})


def test_what_was_opened_is_remembered_by_its_bytes_and_its_place() -> None:
    ring, place = some_ring(), some_place()
    blob = keys.seal_text(KEY, place, "血圧 120/70")

    assert ring.opened.recall(place, blob) is None
    assert keys.open_text(ring, place, blob) == "血圧 120/70"
    assert ring.opened.recall(some_place(), bytes(bytearray(blob))) == "血圧 120/70"
    assert some_ring().opened.recall(place, blob) is None


@pytest.mark.parametrize(
    "moved",
    [
        some_place()._replace(table="patient_record"),
        some_place()._replace(column="fields"),
        some_place()._replace(org_id=UUID(int=9)),
        some_place()._replace(group_id=UUID(int=9)),
        some_place()._replace(row_id=UUID(int=9)),
        some_place()._replace(revision=2),
        some_place()._replace(author_id=UUID(int=9)),
        some_place()._replace(created_at=NOON + timedelta(microseconds=1)),
        some_place()._replace(flags=1),
    ],
)
def test_what_is_remembered_does_not_open_elsewhere(moved: Place) -> None:
    ring, blob = some_ring(), keys.seal_text(KEY, some_place(), "血圧 120/70")
    keys.open_text(ring, some_place(), blob)

    with pytest.raises(SealBroken):
        keys.open_text(ring, moved, blob)


def test_what_is_remembered_does_not_open_when_a_bit_of_it_was_changed() -> None:
    ring, blob = some_ring(), keys.seal_text(KEY, some_place(), "血圧 120/70")
    keys.open_text(ring, some_place(), blob)

    for position in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            keys.open_text(ring, some_place(), bytes(changed))


def test_a_ring_remembers_no_more_than_its_measure() -> None:
    ring, text = some_ring(), "長" * 10_000
    blobs = [keys.seal_text(KEY, some_place(row), text) for row in range(20)]
    for row, blob in enumerate(blobs):
        keys.open_text(ring, some_place(row), blob)

    remembered = [row for row, blob in enumerate(blobs) if ring.opened.recall(some_place(row), blob)]

    # 30 kB sealed, 20 kB as Python holds it, 30 kB as it is sent.
    assert remembered == [18, 19]
    large = os.urandom(keys.OPENED_BYTES_MAX).hex()
    place = some_place(99)
    assert keys.open_text(ring, place, keys.seal_text(KEY, place, large)) == large
    assert ring.opened.recall(some_place(19), blobs[19]) is None


def test_what_was_sent_meanwhile_does_not_widen_the_measure() -> None:
    ring, text = some_ring(), "訪" * 300
    blobs = [keys.seal_text(KEY, some_place(row), text) for row in range(200)]
    for _ in range(5):
        for row, blob in enumerate(blobs):
            as_json(keys.open_text(ring, some_place(row), blob))

    remembered = [row for row, blob in enumerate(blobs) if ring.opened.recall(some_place(row), blob)]

    assert 50 <= len(remembered) <= 100
    assert remembered[-1] == 199


def test_a_ring_and_what_it_opened_go_after_their_time_also_when_nobody_asks_for_them(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = assemble(session)
    mine = keys.ring(session, cast.group)
    monkeypatch.setattr(keys, "RING_SECONDS", 0)

    keys.drop_old_rings()

    assert cast.group not in keys._rings  # pyright: ignore[reportPrivateUsage]
    assert keys.ring(session, cast.group) is not mine
