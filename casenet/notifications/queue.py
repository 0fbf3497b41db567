"""Queue pings in the transaction of whoever decides; end those that nobody wants any more."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, String, Table, Uuid, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet.database import Prepared, given_rows, notify
from casenet.ids import new_id
from casenet.notifications import tokens
from casenet.notifications.rules import LADDER, Channel
from casenet.notifications.tables import Ping


@dataclass(frozen=True, slots=True)
class Subject:
    """What pings are about: an id and where it stands, never a content. See the table `ping`."""

    about: str
    about_id: UUID
    step_no: int = 0
    attempt: int = 1
    urgent: bool = True


def queue_pings(
    session: Session,
    subject: Subject,
    channels: Mapping[UUID, Collection[Channel]],
    *,
    now: datetime,
    lifetime: timedelta,
    fallback: timedelta,
) -> None:
    """Have these persons reached over these channels. The same subject and persons a second time change nothing.

    channels   By person, as `channels_of` finds them.
    lifetime   After this nobody wants the pings any more.
    fallback   How long the channel before e-mail may stay without a phone's receipt.
    """
    rows: list[dict[str, Any]] = []
    for person_id, has in channels.items():
        for channel in (channel for channel in LADDER if channel in has):
            waits = channel is Channel.EMAIL and Channel.WEB_PUSH in has
            ping_id = new_id()
            ping = {
                "id": ping_id,
                "channel": channel,
                "person_id": person_id,
                "state": "pending",
                "due_at": now + fallback if waits else now,
                "expires_at": now + lifetime,
                "fence": 0,
                "tries": 0,
                "token_hash": tokens.hash_of(tokens.token_of(ping_id)).hex(),
                "created_at": now,
            }
            rows.append(ping | asdict(subject))
    _QUEUE.do(session, {"pings": rows})
    notify(session, "alerts_due")


_GIVEN = {
    "id": Uuid,
    "about": String,
    "about_id": Uuid,
    "step_no": Integer,
    "attempt": Integer,
    "channel": String,
    "person_id": Uuid,
    "urgent": Boolean,
    "state": String,
    "due_at": DateTime(timezone=True),
    "expires_at": DateTime(timezone=True),
    "fence": Integer,
    "tries": Integer,
    "created_at": DateTime(timezone=True),
}
_given = given_rows("pings", _GIVEN | {"token_hash": String})
_token_hash = func.decode(_given.c.token_hash, "hex")
_QUEUE = Prepared(
    insert(cast("Table", Ping.__table__))
    .from_select([*_GIVEN, "token_hash"], select(*(_given.c[name] for name in _GIVEN), _token_hash))
    .on_conflict_do_nothing(constraint="uq_ping_once")
)


def cancel_pings(session: Session, about: str, about_id: UUID, *, reason: str, now: datetime) -> None:
    """Send nothing more about this. A sender looks again right before it sends."""
    session.execute(
        update(Ping)
        .where(Ping.about == about, Ping.about_id == about_id, Ping.state == "pending")
        .values(state="cancelled", reason=reason, ended_at=now)
    )
