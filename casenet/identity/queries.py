"""Reads about persons and sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Subquery, Table, bindparam, literal_column, select, update
from sqlalchemy.orm import Session

from casenet.database import Database, Prepared
from casenet.identity import rules, secrets
from casenet.identity.tables import Person, SessionRow


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as colleagues see them."""

    id: UUID
    login: str
    email: str
    name: str
    name_kana: str
    profession: str
    licence: str | None
    enrolled: bool


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is behind a request: a detached picture, also for long-lived sockets."""

    person_id: UUID
    session_id: UUID


def people(session: Session, ids: Iterable[UUID]) -> dict[UUID, PersonView]:
    """These persons by id; unknown ids are left out."""
    rows = session.execute(select(*_VIEW).where(Person.id.in_(list(ids))))
    return {row.id: _view(row) for row in rows}


_VIEW = (
    Person.id,
    Person.login,
    Person.email,
    Person.name,
    Person.name_kana,
    Person.profession,
    Person.licence,
    Person.enrolled_at,
)


def _view(row: Any) -> PersonView:
    return PersonView(
        row.id,
        row.login,
        row.email,
        row.name,
        row.name_kana,
        row.profession,
        row.licence,
        row.enrolled_at is not None,
    )


# The tables, not the classes: every request asks this, and the ORM's way costs twice as much.
_session = cast("Table", SessionRow.__table__)
_person = cast("Table", Person.__table__)
_HOLDER = (
    select(
        _session.c.person_id.label("holder_id"), _session.c.id.label("session_id"), _session.c.last_seen_at
    )
    .join(_person, _person.c.id == _session.c.person_id)
    .where(
        _session.c.token_hash == bindparam("token_hash"),
        _session.c.state == literal_column("'full'"),  # written out: every parameter costs
        _session.c.ended_at.is_(None),
        _session.c.expires_at > bindparam("now"),
        _session.c.last_seen_at > bindparam("awake_since"),
        _person.c.suspended_at.is_(None),
    )
)


_ASKER = Prepared(_HOLDER)
_TOUCH = Prepared(
    update(_session).where(_session.c.id == bindparam("seen_id")).values(last_seen_at=bindparam("seen_at"))
)


def asker(session: Database, token: str, *, idle_minutes: int, now: datetime) -> Asker | None:
    """Who holds this session token, if it is full, not ended, not idle for too long, and the person not suspended.

    One round trip in a glance, once a minute two: it also notes that the person was here.
    """
    row = _ASKER.first(session, shown(token, idle_minutes=idle_minutes, now=now))
    if row is None:
        return None
    found = Asker(row.holder_id, row.session_id)
    seen(session, found, row.last_seen_at, now=now)
    return found


def holder() -> Subquery:
    """A statement part (holder_id, session_id, last_seen_at): who holds a token. It is given what `shown` returns."""
    return _HOLDER.subquery("holder")


def shown(token: str, *, idle_minutes: int, now: datetime) -> dict[str, Any]:
    """The parameters of a statement with a `holder` or a `sighting`."""
    return {
        "token_hash": secrets.token_hash(token),
        "now": now,
        "awake_since": now - timedelta(minutes=idle_minutes),
        "seen_before": now - rules.TOUCH,
    }


def seen(session: Database, asker: Asker, last_seen_at: datetime, *, now: datetime) -> datetime:
    """Note that the person was here, once a minute. Returns when it is to be noted again."""
    if last_seen_at < now - rules.TOUCH:
        _TOUCH.do(session, {"seen_id": asker.session_id, "seen_at": now})
        last_seen_at = now
    return min(last_seen_at, now) + rules.TOUCH  # another machine's clock may be ahead


def sighting(*conditions: ColumnElement[bool]) -> CTE:
    """A statement part: note that the holder of a token was here, as `seen` does. It is given what `shown` returns.

    Whoever has the session's row in hand is not waited for: they may be waiting for what this statement holds.
    """
    due = (
        select(_session.c.id)
        .where(
            _session.c.token_hash == bindparam("token_hash"),
            _session.c.last_seen_at < bindparam("seen_before"),
            *conditions,
        )
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return update(_session).where(_session.c.id == due).values(last_seen_at=bindparam("now")).cte("sighting")


def named() -> Subquery:
    """A statement part (id, name, profession): every person."""
    return select(_person.c.id, _person.c.name, _person.c.profession).subquery("named")


def addressed() -> Subquery:
    """A statement part (id, email): every person, and where mail reaches them; empty for nowhere."""
    return select(_person.c.id, _person.c.email).subquery("addressed")


def live_sessions(
    session: Session, session_ids: Iterable[UUID], *, idle_minutes: int, now: datetime
) -> set[UUID]:
    """Those of the sessions that are still good; for sweeping open sockets. An open socket keeps its session awake."""
    ids = list(session_ids)
    good = (
        SessionRow.id.in_(ids),
        SessionRow.state == "full",
        SessionRow.ended_at.is_(None),
        SessionRow.expires_at > now,
        SessionRow.last_seen_at > now - timedelta(minutes=idle_minutes),
    )
    return set(
        session.scalars(
            select(SessionRow.id)
            .join(Person, Person.id == SessionRow.person_id)
            .where(*good, Person.suspended_at.is_(None))
        )
    )
