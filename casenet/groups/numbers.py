"""The two counters of a group. Taking a number takes the group's row lock until the transaction ends,
so that numbers appear in the order of commits: whoever has seen n has missed nothing before n.
"""

from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Integer, bindparam, update
from sqlalchemy.orm import Session

from casenet.errors import NotFound
from casenet.groups.tables import PatientGroup


def next_sequence(*conditions: ColumnElement[bool]) -> CTE:
    """A statement part (id, last_sequence, last_mark, team_revision) that numbers a new row of the log.

    Nothing when the group's row does not meet the conditions.
    The statement that uses it is given the parameter `numbered_group_id`. The columns say what is true at this
    very number: an UPDATE reads its row anew when it had to wait for the lock. A sub-select beside it does not,
    it sees what was committed before the wait; so no list of readers may be returned with the number.
    """
    return (
        update(PatientGroup)
        .where(PatientGroup.id == bindparam("numbered_group_id"), *conditions)
        .values(last_sequence=PatientGroup.last_sequence + 1)
        .returning(
            PatientGroup.id, PatientGroup.last_sequence, PatientGroup.last_mark, PatientGroup.team_revision
        )
        .cte("numbered")
    )


def next_sequences() -> CTE:
    """As next_sequence for `number_of_rows` rows at once; last_sequence is the number of the last of them."""
    return (
        update(PatientGroup)
        .where(PatientGroup.id == bindparam("numbered_group_id"))
        .values(last_sequence=PatientGroup.last_sequence + bindparam("number_of_rows", type_=Integer))
        .returning(PatientGroup.id, PatientGroup.last_sequence)
        .cte("numbered")
    )


def give_back_sequence(session: Session, group_id: UUID) -> None:
    """Undo next_sequence in the same transaction: the row turned out to stand there already."""
    session.execute(
        update(PatientGroup)
        .where(PatientGroup.id == group_id)
        .values(last_sequence=PatientGroup.last_sequence - 1)
    )


def next_mark(session: Session, group_id: UUID) -> int:
    """Take the next number for a 了解. Raises NotFound for no such group."""
    mark = session.scalar(
        update(PatientGroup)
        .where(PatientGroup.id == group_id)
        .values(last_mark=PatientGroup.last_mark + 1)
        .returning(PatientGroup.last_mark)
    )
    if mark is None:
        raise NotFound
    return mark


def give_back_mark(session: Session, group_id: UUID) -> None:
    """Undo next_mark in the same transaction."""
    session.execute(
        update(PatientGroup).where(PatientGroup.id == group_id).values(last_mark=PatientGroup.last_mark - 1)
    )
