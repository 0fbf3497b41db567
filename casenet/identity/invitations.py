"""One-time invitations: a new person chooses a password and gets a second factor."""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from casenet import audit
from casenet.crypto import seal_for_server
from casenet.database import after_commit
from casenet.errors import Gone
from casenet.identity import rules, secrets
from casenet.identity.factors import totp_place, usable_step
from casenet.identity.tables import Invitation, Person, SessionRow
from casenet.realtime import ring_person


def invite(session: Session, person_id: UUID, *, now: datetime) -> str:
    """Make a one-time invitation, valid 72 hours; earlier ones end. Returns its token."""
    session.execute(
        update(Invitation)
        .where(Invitation.person_id == person_id, Invitation.used_at.is_(None))
        .values(used_at=now)
    )
    token = secrets.new_token()
    session.add(
        Invitation(
            token_hash=secrets.token_hash(token),
            person_id=person_id,
            tries=0,
            created_at=now,
            expires_at=now + rules.INVITATION,
        )
    )
    return token


def invite_again(session: Session, person_id: UUID, *, by: UUID | None, now: datetime) -> str:
    """A lost phone or a forgotten password: both factors are void, every session ends, and a new invitation
    is made. The office has looked at the person; nobody chooses a password for them. Returns the token.
    """
    person = session.get_one(Person, person_id, with_for_update=True)
    person.password_hash = None
    person.totp_secret = None
    person.enrolled_at = None
    session.execute(
        update(SessionRow)
        .where(SessionRow.person_id == person_id, SessionRow.ended_at.is_(None))
        .values(ended_at=now)
    )
    audit.record(session, person_id=by, action="person.invite_again", object_id=person_id)
    after_commit(session, partial(ring_person, person_id, "session"))
    return invite(session, person_id, now=now)


def invited_person(session: Session, token: str, *, now: datetime) -> Person:
    """The person behind a valid invitation. Raises Gone when it was used or has expired, or never was."""
    row = _invitation(session, token, now=now)
    return session.get_one(Person, row.person_id)


def set_password(session: Session, token: str, password_hash: str, *, now: datetime) -> tuple[str, str]:
    """First half of taking up an invitation: keep the password's hash, hand out a second-factor secret.

    Returns (TOTP secret in base32, its URI). May be repeated until the first code is confirmed.
    """
    person = invited_person(session, token, now=now)
    secret = secrets.new_totp_secret()
    person.password_hash = password_hash
    person.totp_secret = seal_for_server(totp_place(person), secret.encode())
    person.totp_step = None
    return secret, secrets.totp_uri(secret, person.login)


def confirm_second_factor(session: Session, token: str, code: str, *, now: datetime) -> bool:
    """Second half: the first code is right, the invitation is used. False when the code is wrong."""
    row = _invitation(session, token, now=now)
    person = session.get_one(Person, row.person_id, with_for_update=True)
    step = usable_step(person, code, now)
    if step is None:
        row.tries += 1
        if row.tries >= rules.CODE_TRIES_MAX:
            row.used_at = now
        return False
    person.totp_step = step
    person.enrolled_at = now
    row.used_at = now
    audit.record(session, person_id=person.id, action="person.enrol", object_id=person.id)
    return True


def _invitation(session: Session, token: str, *, now: datetime) -> Invitation:
    row = session.get(Invitation, secrets.token_hash(token), with_for_update=True)
    if row is None or row.used_at or row.expires_at <= now:
        raise Gone("invitation-gone")
    return row
