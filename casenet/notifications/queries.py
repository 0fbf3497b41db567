"""Reads about pings and push subscriptions."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ARRAY, Interval, Table, Uuid, bindparam, exists, func, select, text
from sqlalchemy.orm import Session

from casenet import identity
from casenet.database import Database, Prepared
from casenet.notifications.letters import Subscription
from casenet.notifications.rules import Channel
from casenet.notifications.tables import Ping, PushSubscription


@dataclass(frozen=True, slots=True)
class PingView:
    """One try to reach one person over one channel."""

    id: UUID
    about: str
    about_id: UUID
    step_no: int
    attempt: int
    channel: str
    person_id: UUID
    state: str
    due_at: datetime
    tries: int
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    reason: str | None


def view(row: Ping) -> PingView:
    """A row as others may see it: without token, lease and fence."""
    return PingView(
        id=row.id,
        about=row.about,
        about_id=row.about_id,
        step_no=row.step_no,
        attempt=row.attempt,
        channel=row.channel,
        person_id=row.person_id,
        state=row.state,
        due_at=row.due_at,
        tries=row.tries,
        created_at=row.created_at,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        ended_at=row.ended_at,
        reason=row.reason,
    )


def pings_about(session: Session, about: str, about_id: UUID) -> tuple[PingView, ...]:
    """Every ping about one thing, oldest first."""
    rows = session.scalars(
        select(Ping)
        .where(Ping.about == about, Ping.about_id == about_id)
        .order_by(Ping.created_at, Ping.id)
        .execution_options(populate_existing=True)
    )
    return tuple(view(row) for row in rows)


def waiting_test(session: Session, person_id: UUID) -> UUID | None:
    """The test of this person's browsers that has not gone out yet."""
    return session.scalar(
        select(Ping.about_id)
        .where(Ping.about == "test", Ping.person_id == person_id, Ping.state == "pending")
        .limit(1)
    )


def subscriptions_of(session: Session, person_id: UUID) -> tuple[Subscription, ...]:
    """The browsers of a person, oldest first."""
    rows = session.scalars(
        select(PushSubscription)
        .where(PushSubscription.person_id == person_id)
        .order_by(PushSubscription.created_at)
    )
    return tuple(Subscription(row.id, row.endpoint, row.p256dh, row.auth, row.created_at) for row in rows)


_addressed = identity.addressed()
_subscription = cast("Table", PushSubscription.__table__)
_CHANNELS = Prepared(
    select(
        _addressed.c.id,
        (_addressed.c.email != "").label("has_mail"),
        exists().where(_subscription.c.person_id == _addressed.c.id).label("has_push"),
    ).where(_addressed.c.id == func.any(bindparam("persons", type_=ARRAY(Uuid))))
)


def channels_of(session: Database, person_ids: Iterable[UUID]) -> dict[UUID, frozenset[Channel]]:
    """Over which channels each of these persons has: the app always, the others when they are set up."""
    found: dict[UUID, frozenset[Channel]] = {}
    for row in _CHANNELS.all(session, {"persons": list(person_ids)}):
        has = {Channel.IN_APP: True, Channel.WEB_PUSH: row.has_push, Channel.EMAIL: row.has_mail}
        found[row.id] = frozenset(channel for channel, there in has.items() if there)
    return found


def can_be_reached(channels: Collection[Channel]) -> bool:
    """Whether a ping finds them also when no app is open."""
    return any(channel is not Channel.IN_APP for channel in channels)


_ping = cast("Table", Ping.__table__)
# The state as it stands in the index's own condition: a plan made once for all parameters finds it only so.
_DUE = Prepared(
    select(
        exists().where(
            _ping.c.due_at <= func.now() - bindparam("by", type_=Interval), text("state = 'pending'")
        )
    )
)


def anything_due(session: Database, by: timedelta) -> bool:
    """Whether a ping has been due for `by` by the database's clock: a look that costs next to nothing."""
    return _DUE.first(session, {"by": by})[0]


def overdue(session: Session, now: datetime, by: timedelta) -> int:
    """How many pings should have gone out more than `by` ago."""
    return (
        session.scalar(
            select(func.count()).select_from(Ping).where(Ping.state == "pending", Ping.due_at < now - by)
        )
        or 0
    )


def figures(session: Session) -> dict[tuple[str, str], int]:
    """Pings of the last day by channel and state, for the metrics page."""
    rows = session.execute(
        select(Ping.channel, Ping.state, func.count())
        .where(Ping.created_at > func.now() - timedelta(days=1))
        .group_by(Ping.channel, Ping.state)
    )
    return {(channel, state): count for channel, state, count in rows}


def lateness(session: Session) -> dict[tuple[str, float], float]:
    """Seconds from due to sent over the last day, by channel and quantile (0.5, 0.99); empty without pings."""
    seconds = func.extract("epoch", Ping.sent_at - Ping.due_at)
    rows = session.execute(
        select(
            Ping.channel,
            func.percentile_disc(0.5).within_group(seconds),
            func.percentile_disc(0.99).within_group(seconds),
        )
        .where(Ping.created_at > func.now() - timedelta(days=1), Ping.sent_at.is_not(None))
        .group_by(Ping.channel)
    )
    return {
        (channel, quantile): float(value)
        for channel, half, most in rows
        for quantile, value in ((0.5, half), (0.99, most))
    }
