"""Sign-in in two factors, sessions, invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit
from casenet.crypto import seal_for_server
from casenet.database import after_commit
from casenet.errors import Conflict, Invalid, NotSignedIn, TooMany
from casenet.identity import rules, secrets
from casenet.identity.factors import totp_place, usable_step
from casenet.identity.invitations import invite
from casenet.identity.tables import Guess, Invitation, Person, SessionRow
from casenet.ids import new_id
from casenet.realtime import ring_person


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against. `password_hash` is None when nobody has this login."""

    person_id: UUID | None
    password_hash: str | None
    guess_keys: tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person as their office enters them."""

    id: UUID
    login: str
    email: str
    name: str
    name_kana: str
    profession: str
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class _Limit:
    """How many failures are free for one kind of key, and the longest wait after them."""

    free: int
    longest: timedelta


# By account and address: a person's own mistakes. By account: an outsider who guesses from many addresses
# may slow the owner by a minute at most, never lock a doctor out. By address: one office behind one router, or
# thousands of phones behind one carrier's, where one guesser may not lock out all others either.
_LIMITS = (
    _Limit(free=0, longest=timedelta(minutes=15)),
    _Limit(free=30, longest=timedelta(minutes=1)),
    _Limit(free=50, longest=timedelta(minutes=1)),
)
# Who has the password could open half sessions for ever, five codes each. By person and address, and by person.
_CODE_LIMITS = (
    _Limit(free=rules.CODE_TRIES_MAX, longest=timedelta(minutes=15)),
    _Limit(free=30, longest=timedelta(minutes=1)),
)
_FORGET = timedelta(hours=1)


def look_up_credentials(
    session: Session, login: str, *, address: str, pepper: bytes, now: datetime
) -> Credentials:
    """Find what to verify a password against. Raises TooMany while guesses are being slowed."""
    keys = (
        secrets.guess_key(pepper, "both", login, address),
        secrets.guess_key(pepper, "account", login),
        secrets.guess_key(pepper, "address", address),
    )
    _check_pace(session, keys, now)
    known = or_(func.lower(Person.login) == login.lower(), func.lower(Person.email) == login.lower())
    found = session.execute(
        select(Person.id, Person.password_hash).where(known, Person.suspended_at.is_(None))
    ).first()
    return Credentials(found.id if found else None, found.password_hash if found else None, keys)


def note_wrong_password(session: Session, credentials: Credentials, *, now: datetime) -> None:
    """Count a failure against account and address."""
    _count(session, credentials.guess_keys, _LIMITS, now)
    audit.record(session, person_id=credentials.person_id, action="session.refuse", decision="denied")


def _check_pace(session: Session, keys: Sequence[bytes], now: datetime) -> None:
    blocked = session.scalar(select(func.max(Guess.not_before)).where(Guess.key.in_(keys)))
    if blocked and blocked > now:
        raise TooMany("too-many-tries", retry_after_seconds=int((blocked - now).total_seconds()) + 1)


def _count(session: Session, keys: Sequence[bytes], limits: Sequence[_Limit], now: datetime) -> None:
    for key, limit in zip(keys, limits, strict=True):
        fresh = insert(Guess).values(key=key, failures=1, not_before=now, last_at=now)
        counted = case((Guess.last_at < now - _FORGET, 1), else_=Guess.failures + 1)
        failures = session.scalars(
            fresh.on_conflict_do_update(
                index_elements=[Guess.key], set_={"failures": counted, "last_at": now}
            ).returning(Guess.failures)
        ).one()
        wait = rules.wait_after(failures, free=limit.free, longest=limit.longest)
        session.execute(update(Guess).where(Guess.key == key).values(not_before=now + wait))


def forget_guesses(session: Session, *, now: datetime) -> None:
    """Delete the counts of wrong sign-ins that are older than a day."""
    session.execute(delete(Guess).where(Guess.last_at < now - timedelta(days=1)))


def start_session(session: Session, person_id: UUID, *, device: str, now: datetime) -> str:
    """Open a half session after the right password. Returns its token; the code is awaited for 5 minutes."""
    token = secrets.new_token()
    session.add(
        SessionRow(
            id=new_id(),
            token_hash=secrets.token_hash(token),
            person_id=person_id,
            state="code",
            tries=0,
            created_at=now,
            last_seen_at=now,
            expires_at=now + rules.HALF_SESSION,
            device=device[:200],
        )
    )
    return token


def finish_session(
    session: Session, token: str, code: str, *, address: str, pepper: bytes, hours: int, now: datetime
) -> str | None:
    """Turn a half session into a full one by the second factor. Returns a new token.

    None when the code is wrong or was used before; after CODE_TRIES_MAX the half session ends.
    Raises NotSignedIn when there is no half session, TooMany while guesses of this person's codes are slowed.
    """
    half = session.scalars(
        select(SessionRow)
        .where(
            SessionRow.token_hash == secrets.token_hash(token),
            SessionRow.state == "code",
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > now,
        )
        .with_for_update()
    ).first()
    if half is None:
        raise NotSignedIn("not-signed-in")
    person = session.get_one(Person, half.person_id, with_for_update=True)
    keys = (
        secrets.guess_key(pepper, "code", str(person.id), address),
        secrets.guess_key(pepper, "code", str(person.id)),
    )
    _check_pace(session, keys, now)
    step = usable_step(person, code, now)
    if step is None:
        _count(session, keys, _CODE_LIMITS, now)
        half.tries += 1
        if half.tries >= rules.CODE_TRIES_MAX:
            half.ended_at = now
        audit.record(session, person_id=person.id, action="session.refuse", decision="denied")
        return None
    person.totp_step = step
    half.ended_at = now
    return open_session(session, person.id, device=half.device, hours=hours, now=now)


def open_session(session: Session, person_id: UUID, *, device: str, hours: int, now: datetime) -> str:
    """Open a full session. The caller has proven both factors, or is the demo's marked button."""
    token = secrets.new_token()
    row = SessionRow(
        id=new_id(),
        token_hash=secrets.token_hash(token),
        person_id=person_id,
        state="full",
        tries=0,
        created_at=now,
        last_seen_at=now,
        expires_at=rules.session_ends(now, hours=hours),
        device=device[:200],
    )
    session.add(row)
    audit.record(session, person_id=person_id, action="session.open", object_id=row.id)
    return token


def end_session(session: Session, session_id: UUID, person_id: UUID, *, now: datetime) -> None:
    """Sign one device out."""
    session.execute(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.person_id == person_id, SessionRow.ended_at.is_(None))
        .values(ended_at=now)
    )
    audit.record(session, person_id=person_id, action="session.end", object_id=session_id)
    after_commit(session, partial(ring_person, person_id, "session"))


def add_person(session: Session, new: NewPerson, *, by: UUID | None, now: datetime) -> str:
    """Add a person and return the token of their one-time invitation. Raises Conflict if id, login or mail is taken."""
    if find_person_by_login(session, new.login) or find_person_by_login(session, new.email):
        raise Conflict("login-taken")
    if session.get(Person, new.id) is not None:
        raise Conflict("id-taken")
    session.add(
        Person(
            id=new.id,
            login=new.login,
            email=new.email,
            name=new.name,
            name_kana=new.name_kana,
            profession=new.profession,
            licence=new.licence,
            created_at=now,
        )
    )
    session.flush()
    audit.record(session, person_id=by, action="person.add", object_id=new.id)
    return invite(session, new.id, now=now)


def find_person_by_login(session: Session, login: str) -> UUID | None:
    """The person with this login or mail address."""
    lower = login.lower()
    return session.scalar(
        select(Person.id).where(or_(func.lower(Person.login) == lower, func.lower(Person.email) == lower))
    )


def enrol_directly(
    session: Session, person_id: UUID, password_hash: str, totp_secret: str, *, now: datetime
) -> None:
    """Give an invented person of the demo a known password and second factor."""
    person = session.get_one(Person, person_id)
    person.password_hash = password_hash
    person.totp_secret = seal_for_server(totp_place(person), totp_secret.encode())
    person.enrolled_at = now
    session.execute(update(Invitation).where(Invitation.person_id == person_id).values(used_at=now))


def suspend(session: Session, person_id: UUID, *, by: UUID, now: datetime) -> None:
    """A leaver: no sign-in any more, every session ends at once. The record of what they did stays."""
    person = session.get_one(Person, person_id)
    person.suspended_at = now
    session.execute(
        update(SessionRow)
        .where(SessionRow.person_id == person_id, SessionRow.ended_at.is_(None))
        .values(ended_at=now)
    )
    audit.record(session, person_id=by, action="person.suspend", object_id=person_id)
    after_commit(session, partial(ring_person, person_id, "session"))


def check_new_password(password: str, own_words: Sequence[str]) -> None:
    """Raise Invalid naming what is wrong with a new password."""
    if fault := rules.password_fault(password, own_words=tuple(own_words)):
        raise Invalid("password-refused", {"password": fault})
