"""Tasks that put away what nobody needs any more. Nothing urgent, nothing that a person could miss."""

from casenet import identity, notifications
from casenet.database import database_now, transaction
from workers import rounds
from workers.app import app


@app.task(name="housekeeping.expire")
def expire() -> None:
    """Forget test pings of past days, and wrong sign-ins that slow nobody any more."""
    with transaction() as session:
        now = database_now(session)
        notifications.forget_tests(session, now=now)
        identity.forget_guesses(session, now=now)
    rounds.beat("housekeeping.expire")
