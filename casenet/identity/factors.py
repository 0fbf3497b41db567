"""The second factor: a sealed secret, and codes that open once."""

from datetime import datetime

from casenet.crypto import NOBODY, Place, open_for_server
from casenet.identity import secrets
from casenet.identity.tables import Person


def usable_step(person: Person, code: str, now: datetime) -> int | None:
    """The 30-second step that this code opens, or None: wrong, used before, or the person is suspended."""
    if person.totp_secret is None or person.suspended_at:
        return None
    secret = open_for_server(totp_place(person), person.totp_secret).decode()
    step = secrets.matching_step(secret, code, now)
    return step if step is not None and step > (person.totp_step or 0) else None


def totp_place(person: Person) -> Place:
    """Where a person's sealed secret belongs."""
    return Place("person", "totp_secret", NOBODY, NOBODY, person.id, 1, person.id, person.created_at)
