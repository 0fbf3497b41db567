"""Tasks that put away what nobody needs any more. Nothing urgent, nothing that a person could miss."""

from casenet import notifications
from casenet.database import database_now, transaction
from workers import rounds
from workers.app import app


@app.task(name="housekeeping.expire")
def expire() -> None:
    """Forget test pings of past days."""
    with transaction() as session:
        notifications.forget_tests(session, now=database_now(session))
    rounds.beat("housekeeping.expire")
