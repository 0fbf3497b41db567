"""Claim pings, settle them, hear the phones' receipts; drop browsers that are gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    delete,
    exists,
    select,
    update,
)
from sqlalchemy.orm import Session

from casenet import audit, identity, leases
from casenet.errors import Gone, NotFound
from casenet.notifications import rules, tokens
from casenet.notifications.letters import Fate, Letter, Outcome
from casenet.notifications.queries import PingView, subscriptions_of, view
from casenet.notifications.rules import LADDER, Channel
from casenet.notifications.tables import Ping, PushSubscription


@dataclass(frozen=True, slots=True)
class Claim:
    """A ping that is ours to send until its lease ends."""

    ping_id: UUID
    fence: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What an outcome has come to.

    step_failed   No one asked in this step and attempt can be reached any more over any channel.
    """

    ping: PingView
    step_failed: bool


def claim_due(
    session: Session,
    *,
    now: datetime,
    limit: int,
    channels: Iterable[Channel] = LADDER,
    overdue_by: timedelta = timedelta(0),
) -> tuple[Claim, ...]:
    """Take due pings for LEASE_SECONDS; commit, then send. Those that nobody wants any more are ended.

    overdue_by   Leave those that are due for less than this to a faster sender.
    """
    session.execute(
        update(Ping)
        .where(Ping.state == "pending", Ping.expires_at <= now, Ping.due_at <= now)
        .values(state="cancelled", reason="expired", ended_at=now)
    )
    rows = leases.claim(
        session,
        Ping,
        due=Ping.due_at.expression,
        now=now,
        lease_seconds=rules.LEASE_SECONDS,
        limit=limit,
        where=[
            Ping.state == "pending",
            Ping.channel.in_(tuple(channels)),
            Ping.due_at <= now - overdue_by,
        ],
    )
    return tuple(Claim(row.id, row.fence) for row in rows)


def letter_of(session: Session, claim: Claim, *, now: datetime) -> Letter | None:
    """What to send for a claim; None when it is not wanted or not ours any more. Ask right before sending."""
    ping = session.scalars(
        select(Ping).where(Ping.id == claim.ping_id, Ping.fence == claim.fence, Ping.state == "pending")
    ).first()
    if ping is None or ping.expires_at <= now:
        return None
    person = identity.people(session, [ping.person_id])[ping.person_id]
    channel = Channel(ping.channel)
    return Letter(
        ping_id=ping.id,
        channel=channel,
        about=ping.about,
        about_id=ping.about_id,
        person_id=ping.person_id,
        urgent=ping.urgent,
        token=tokens.token_of(ping.id),
        ttl_seconds=max(1, int((ping.expires_at - now).total_seconds())),
        email=person.email,
        subscriptions=subscriptions_of(session, ping.person_id) if channel is Channel.WEB_PUSH else (),
    )


def record_outcome(session: Session, claim: Claim, outcome: Outcome, *, now: datetime) -> Settled | None:
    """Write down what became of a claimed ping; None when another sender has taken it over meanwhile.

    A failure for a while comes due again; a final one hands over to the next channel at once. Dead
    subscriptions are removed.
    """
    for subscription_id in outcome.gone:
        session.execute(delete(PushSubscription).where(PushSubscription.id == subscription_id))
    mine = (Ping.id == claim.ping_id, Ping.fence == claim.fence)
    ping = session.scalars(select(Ping).where(*mine).with_for_update()).first()
    if ping is None:
        return None
    if ping.state != "pending":
        # Cancelled or already confirmed by the phone while it was on its way: keep that, and that it went.
        if outcome.fate is Fate.SENT:
            ping.sent_at = ping.sent_at or now
        return Settled(view(ping), step_failed=False)
    ping.lease_until = None
    ping.reason = outcome.reason or None
    if outcome.fate is Fate.SENT:
        ping.state, ping.sent_at = "sent", now
        return Settled(view(ping), step_failed=False)
    ping.tries += 1
    again = rules.next_try(ping.tries, now, outcome.after_seconds) if outcome.fate is Fate.RETRY else None
    if again and again < ping.expires_at:
        ping.due_at = again
        return Settled(view(ping), step_failed=False)
    ping.state, ping.ended_at = "failed", now
    session.flush()
    _bring_forward(session, ping, now)
    return Settled(view(ping), step_failed=not _anyone_left(session, ping))


def _siblings(ping: Ping) -> tuple[ColumnElement[bool], ...]:
    return (
        Ping.about == ping.about,
        Ping.about_id == ping.about_id,
        Ping.step_no == ping.step_no,
        Ping.attempt == ping.attempt,
    )


def _bring_forward(session: Session, ping: Ping, now: datetime) -> None:
    session.execute(
        update(Ping)
        .where(
            *_siblings(ping),
            Ping.person_id == ping.person_id,
            Ping.channel.in_(rules.later_channels(Channel(ping.channel))),
            Ping.state == "pending",
            Ping.due_at > now,
        )
        .values(due_at=now)
    )


def _anyone_left(session: Session, ping: Ping) -> bool:
    # A ring in the app proves nothing: perhaps no app is open. Only what leaves the house counts.
    alive = select(Ping.id).where(
        *_siblings(ping),
        Ping.channel != Channel.IN_APP,
        Ping.state.in_(["pending", "sent", "delivered"]),
    )
    return bool(session.scalar(select(exists(alive))))


def note_receipt(session: Session, token: str, *, now: datetime) -> PingView:
    """The phone has shown it: later channels are not needed for this person in this step. May be repeated.

    Raises NotFound for an unknown token, Gone for one that is too old.
    """
    ping = _by_token(session, token, now)
    if ping.delivered_at is None:
        ping.delivered_at = now
        if ping.state in ("pending", "sent"):
            ping.state = "delivered"
        session.execute(
            update(Ping)
            .where(
                *_siblings(ping),
                Ping.person_id == ping.person_id,
                Ping.channel.in_(rules.later_channels(Channel(ping.channel))),
                Ping.state == "pending",
            )
            .values(state="cancelled", reason="delivered-before", ended_at=now)
        )
        audit.record(session, person_id=ping.person_id, action="ping.receipt", object_id=ping.id)
    return view(ping)


def spend_token(session: Session, token: str, *, now: datetime) -> PingView:
    """Use a token to answer; it answers once, and the same phone repeating itself is told the same again.

    Raises NotFound for an unknown token, Gone for one that is too old or was used before.
    """
    ping = _by_token(session, token, now)
    if ping.token_used_at and now > ping.token_used_at + rules.TOKEN_REPEAT:
        raise Gone("token-used")
    ping.token_used_at = ping.token_used_at or now
    ping.delivered_at = ping.delivered_at or now
    return view(ping)


def _by_token(session: Session, token: str, now: datetime) -> Ping:
    ping = session.scalars(
        select(Ping).where(Ping.token_hash == tokens.hash_of(token)).with_for_update()
    ).first()
    if ping is None:
        raise NotFound
    if now >= ping.created_at + rules.TOKEN_LIFE:
        raise Gone("token-expired")
    return ping


def forget_tests(session: Session, *, now: datetime) -> None:
    """Delete test pings of past days; what was about a patient or a sheet stays."""
    session.execute(delete(Ping).where(Ping.about == "test", Ping.created_at < now - timedelta(days=1)))
