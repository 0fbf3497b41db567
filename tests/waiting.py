"""Waiting until a statement of somebody else waits for a lock."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def wait_for_a_waiter(session: Session) -> None:
    """Return once any connection waits for a lock; fail after four seconds."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(200):
        # Statistics are kept for a transaction once it has looked.
        session.execute(text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.02)"))
        if session.scalar(waiting):
            return
    raise AssertionError("nobody waits")
