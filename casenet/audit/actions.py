"""Write audit rows."""

from collections.abc import Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, func, insert, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from casenet.audit.tables import AuditEvent
from casenet.database import Database, Prepared


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, as its door saw it."""

    request_id: str | None = None
    address: str | None = None
    session_id: UUID | None = None


# A live delivery: whatever comes from number `revision` on goes to `readers`, by the process `object_id`, until
# its next row about the group. After a crash nobody writes the end: so long at most may a row say too much.
LIVE = "posts.live"
LIVE_MINUTES = 10

_TABLE = cast("Table", AuditEvent.__table__)
_GIVEN = [column for column in _TABLE.c if column.name not in ("id", "at")]
_INSERT = insert(_TABLE).values(at=func.clock_timestamp())
_RECORD = Prepared(
    _INSERT.values({column.name: bindparam(f"audit_{column.name}", type_=column.type) for column in _GIVEN})
)

_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


def at_door(origin: Origin) -> Token[Origin]:
    """Every row written from here on carries this origin, until `leave_door` is given what this returns."""
    return _origin.set(origin)


def by_session(session_id: UUID) -> None:
    """The door knows now which session it is: every row written from here on names it."""
    origin = _origin.get()
    _origin.set(Origin(origin.request_id, origin.address, session_id))


def leave_door(token: Token[Origin]) -> None:
    """What is written from here on carries no origin, or the one before."""
    _origin.reset(token)


def record(
    session: Database,
    *,
    person_id: UUID | None,
    action: str,
    group_id: UUID | None = None,
    object_id: UUID | None = None,
    revision: int | None = None,
    decision: str = "allowed",
    readers: Sequence[UUID] | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one row, with the database's clock. `action` is "thing.verb"; `detail` holds ids and codes only."""
    origin = _origin.get()
    _RECORD.do(
        session,
        {
            "audit_person_id": person_id,
            "audit_action": action,
            "audit_group_id": group_id,
            "audit_object_id": object_id,
            "audit_revision": revision,
            "audit_decision": decision,
            "audit_request_id": origin.request_id,
            "audit_address": origin.address,
            "audit_session_id": origin.session_id,
            "audit_readers": readers,
            "audit_detail": detail,
        },
    )


def recording_each(**columns: ColumnElement[Any]) -> ReturningInsert[int]:
    """A statement that adds one row for each row of whatever the columns come from, in the same round trip.

    It is given what `origin` returns, and returns the revisions.
    """
    came = {name: bindparam(f"audit_{name}", type_=_TABLE.c[name].type) for name in _ORIGIN}
    values = [func.clock_timestamp(), literal("allowed", _TABLE.c.decision.type), *columns.values()]
    names = ["at", "decision", *columns, *came]
    return insert(_TABLE).from_select(names, select(*values, *came.values())).returning(_TABLE.c.revision)


_ORIGIN = ("request_id", "address", "session_id")


def origin() -> dict[str, Any]:
    """The parameters of a `recording_each` statement."""
    known = _origin.get()
    return {f"audit_{name}": getattr(known, name) for name in _ORIGIN}


def recording(group_id: ColumnElement[UUID], revision: ColumnElement[int]) -> ReturningInsert[int]:
    """`recording_each` about one thing, for the one hot path, where a statement more is felt: a post.

    It is given what `facts` returns.
    """
    names = ("person_id", "action", "object_id")
    given = {name: bindparam(f"audit_{name}", type_=_TABLE.c[name].type) for name in names}
    return recording_each(group_id=group_id, revision=revision, **given)


def facts(*, person_id: UUID | None, action: str, object_id: UUID) -> dict[str, Any]:
    """The parameters of a `recording` statement."""
    about = {"audit_person_id": person_id, "audit_action": action, "audit_object_id": object_id}
    return about | origin()


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
