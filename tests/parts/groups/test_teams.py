"""The number of a group's team: it grows with whatever changes a membership, in the order of commits."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from casenet import groups
from casenet.config import Config
from casenet.database import transaction
from casenet.groups import Permission
from casenet.groups.tables import PatientGroup
from tests.cast import NOON, Cast, assemble
from tests.waiting import wait_for_a_waiter


@pytest.fixture
def cast(database: Config) -> Cast:
    with transaction() as session:
        return assemble(session)


def revisions(cast: Cast) -> tuple[int, int]:
    """Of the group and of the other one."""
    with transaction() as session:
        rows = session.execute(select(PatientGroup.id, PatientGroup.team_revision))
        found = {row.id: row.team_revision for row in rows}
    return found[cast.group], found[cast.other_group]


def add(session: Session, cast: Cast) -> None:
    entry = groups.enter(session, cast.tanaka, cast.group, Permission.INVITE)
    groups.add_member(session, entry, cast.ogawa, function=None, now=NOON)


def remove(session: Session, cast: Cast) -> None:
    entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
    groups.remove_member(session, entry, cast.mori, now=NOON)


def leave(session: Session, cast: Cast) -> None:
    groups.leave_all(session, cast.mori, by=cast.sato, now=NOON)


def cover(session: Session, cast: Cast) -> None:
    until = NOON + timedelta(hours=8)
    assert groups.admit_for_cover(session, cast.group, cast.ogawa, until=until, now=NOON)


def by_hand(statement: str) -> Callable[[Session, Cast], None]:
    def changed(session: Session, cast: Cast) -> None:
        session.execute(text(statement), {"group": cast.group, "person": cast.mori})

    return changed


@pytest.mark.parametrize(
    "change",
    [
        add,
        remove,
        leave,
        cover,
        by_hand("UPDATE membership SET role = 'family' WHERE group_id = :group AND person_id = :person"),
        by_hand("UPDATE membership SET ends_at = now() WHERE group_id = :group AND person_id = :person"),
    ],
)
def test_whatever_changes_a_membership_moves_the_number_of_its_team_alone(
    cast: Cast, change: Callable[[Session, Cast], None]
) -> None:
    group, other_group = revisions(cast)

    with transaction() as session:
        change(session, cast)

    assert revisions(cast) == (group + 1, other_group)


def test_a_leaver_and_a_removal_at_once_wait_for_each_other_instead_of_dying(cast: Cast) -> None:
    """The one who removes holds the group and wants the membership; the leaver must not hold that already."""

    def leaves() -> None:
        with transaction() as session:
            groups.leave_all(session, cast.mori, by=cast.sato, now=NOON)

    with ThreadPoolExecutor() as threads:
        with transaction() as session:
            session.scalar(select(PatientGroup.id).where(PatientGroup.id == cast.group).with_for_update())
            leaver = threads.submit(leaves)
            wait_for_a_waiter(session)
            remove(session, cast)
        leaver.result()

    assert present(cast) == {cast.tanaka, cast.sato, cast.ito}


def present(cast: Cast) -> set[UUID]:
    with transaction() as session:
        return {member.person_id for member in groups.members(session, cast.group)}
