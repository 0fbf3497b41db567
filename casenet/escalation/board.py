"""Which groups have a call that nobody has ended."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from casenet.escalation.tables import Alert


def open_alerts(session: Session, group_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The newest open alert of each of these groups, by group; groups without one are left out."""
    rows = session.execute(
        select(Alert.group_id, Alert.id)
        .where(Alert.group_id.in_(list(group_ids)), Alert.state.not_in(("resolved", "cancelled")))
        .order_by(Alert.raised_at)
    )
    return {row.group_id: row.id for row in rows}
