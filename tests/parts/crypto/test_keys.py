from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import casenet.config
from casenet import groups, timeline
from casenet.config import Config
from casenet.crypto import KeyMissing, SealBroken, keys
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
    place = timeline.queries.revision_place(mine.org_id, mine.group_id, report().id, 1, cast.tanaka, NOON)
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
