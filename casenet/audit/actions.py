"""Write audit rows."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, func, insert, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from casenet.audit.tables import AuditEvent


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, as its door saw it."""

    request_id: str | None = None
    address: str | None = None
    session_id: UUID | None = None


_TABLE = cast("Table", AuditEvent.__table__)
_INSERT = insert(_TABLE).values(at=func.clock_timestamp())

_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


@contextmanager
def at_door(origin: Origin) -> Generator[None, None, None]:
    """Every row written inside carries this origin."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def record(
    session: Session,
    *,
    person_id: UUID | None,
    action: str,
    group_id: UUID | None = None,
    object_id: UUID | None = None,
    revision: int | None = None,
    decision: str = "allowed",
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one row, with the database's clock. `action` is "thing.verb"; `detail` holds ids and codes only."""
    origin = _origin.get()
    session.execute(
        _INSERT,
        {
            "person_id": person_id,
            "action": action,
            "group_id": group_id,
            "object_id": object_id,
            "revision": revision,
            "decision": decision,
            "request_id": origin.request_id,
            "address": origin.address,
            "session_id": origin.session_id,
            "readers": None,
            "detail": detail,
        },
    )


def recording(group_id: ColumnElement[UUID], revision: ColumnElement[int]) -> ReturningInsert[int]:
    """A statement that adds one row for each row of whatever the two columns come from, in the same round trip.

    It is given what `facts` returns, and returns the revision. For the one hot path, where a statement more is
    felt: a post.
    """
    names = ("person_id", "action", "object_id", "request_id", "address", "session_id")
    values = [bindparam(f"audit_{name}", type_=_TABLE.c[name].type) for name in names]
    columns = ["at", "decision", "group_id", "revision", *names]
    return (
        insert(_TABLE)
        .from_select(
            columns,
            select(func.clock_timestamp(), literal("allowed"), group_id, revision, *values),
        )
        .returning(_TABLE.c.revision)
    )


def facts(*, person_id: UUID | None, action: str, object_id: UUID) -> dict[str, Any]:
    """The parameters of a `recording` statement."""
    origin = _origin.get()
    return {
        "audit_person_id": person_id,
        "audit_action": action,
        "audit_object_id": object_id,
        "audit_request_id": origin.request_id,
        "audit_address": origin.address,
        "audit_session_id": origin.session_id,
    }


def record_reads(session: Session, *, person_id: UUID, action: str, group_ids: Sequence[UUID]) -> None:
    """Add one row for each group that a list showed something of."""
    if not group_ids:
        return
    origin = _origin.get()
    session.execute(
        _INSERT,
        [
            {
                "person_id": person_id,
                "action": action,
                "group_id": group_id,
                "object_id": None,
                "revision": None,
                "decision": "allowed",
                "request_id": origin.request_id,
                "address": origin.address,
                "session_id": origin.session_id,
                "readers": None,
                "detail": None,
            }
            for group_id in group_ids
        ],
    )


def record_delivery(session: Session, *, group_id: UUID, upto: int, readers: Sequence[UUID]) -> None:
    """Add one row for a live delivery of a group's newest posts to several phones."""
    nothing = dict.fromkeys(("person_id", "object_id", "request_id", "address", "session_id", "detail"))
    facts = {"action": "posts.delivered", "group_id": group_id, "revision": upto, "decision": "allowed"}
    session.execute(_INSERT, nothing | facts | {"readers": list(readers)})
