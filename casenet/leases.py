"""Claim due rows for a while, so that no two workers hold one.

A row that waits has `due_at`-like column, `lease_until` and `fence`. A claim takes rows whose time has
come and whose lease has ended, in one statement that two workers cannot both win; it raises the fence, so
that a worker which slept through its lease can no longer write its outcome.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import DeclarativeBase, Session

Row = TypeVar("Row", bound=DeclarativeBase)


def claim(
    session: Session,
    row: type[Row],
    *,
    due: ColumnElement[Any],
    now: datetime,
    lease_seconds: int,
    limit: int,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[Row]:
    """Take up to `limit` rows that are due at `now`, oldest first, for `lease_seconds`.

    row     A mapped class with columns id, lease_until (nullable instant) and fence (integer).
    due     Its indexed column "when"; rows where it is None are never due.
    Returns the rows with their new fence; commit before doing the work, or the claim is worth nothing.
    """
    table: Any = row
    free = (
        select(table.id)
        .where(due <= now, or_(table.lease_until.is_(None), table.lease_until <= now), *where)
        .order_by(due)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = session.scalars(
        update(row)
        .where(table.id.in_(free))
        .values(lease_until=now + timedelta(seconds=lease_seconds), fence=table.fence + 1)
        .returning(row)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(taken)
