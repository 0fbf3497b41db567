"""Pings that wait to be sent, and where a person's phones can be pushed to."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class Ping(Base):
    """One try to reach one person over one channel.

    about, about_id  What it is about ("alert", "sheet", "test") and its id; never what it says.
    step_no          Of an alert: 1.. for a step of its plan, 0 when everybody is asked. Else 0.
    attempt          The round; together with the four others it makes a ping unique, so that deciding
                     twice sends once.
    due_at           When it may go; a fallback channel waits here for the phone's receipt.
    expires_at       After this nobody wants it any more; also the push service's time to live.
    tries            How often sending has failed for a while.
    token_hash       SHA-256 of the one-time token in the message; by it a phone says "shown" or "I have it".
    fence            Raised by each claim: a sender that overslept its lease can no longer write.
    """

    __tablename__ = "ping"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    about: Mapped[str]
    about_id: Mapped[Uuid]
    step_no: Mapped[int]
    attempt: Mapped[int]
    channel: Mapped[str]
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    urgent: Mapped[bool]
    state: Mapped[str]
    due_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    lease_until: Mapped[Instant | None]
    fence: Mapped[int]
    tries: Mapped[int]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    token_used_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    delivered_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint(
            "about", "about_id", "step_no", "attempt", "channel", "person_id", name="uq_ping_once"
        ),
        CheckConstraint("about in ('alert', 'sheet', 'test')", name="about"),
        CheckConstraint("channel in ('in_app', 'web_push', 'email')", name="channel"),
        CheckConstraint("state in ('pending', 'sent', 'delivered', 'failed', 'cancelled')", name="state"),
        Index("ix_ping_due", "due_at", postgresql_where=text("state = 'pending'")),
    )


class PushSubscription(Base):
    """One browser that accepts pushes. The endpoint is checked again at each use."""

    __tablename__ = "push_subscription"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"), index=True)
    endpoint: Mapped[str] = mapped_column(unique=True)
    p256dh: Mapped[bytes] = mapped_column(LargeBinary)
    auth: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
