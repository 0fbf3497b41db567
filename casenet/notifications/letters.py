"""What goes to a channel, and what comes back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from casenet.notifications.rules import Channel


@dataclass(frozen=True, slots=True)
class Subscription:
    """One browser: where to push, and the two values that encrypt to it (RFC 8291)."""

    id: UUID
    endpoint: str
    p256dh: bytes
    auth: bytes
    created_at: datetime

    @property
    def host(self) -> str:
        """The push service's name; the rest of the address lets anybody push."""
        return urlsplit(self.endpoint).hostname or ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One ping ready to leave. Ids and an address, nothing about a patient.

    token        One-time, the same at every repeat of this ping.
    ttl_seconds  How long it is of use to anybody.
    """

    ping_id: UUID
    channel: Channel
    about: str
    about_id: UUID
    person_id: UUID
    urgent: bool
    token: str
    ttl_seconds: int
    email: str
    subscriptions: tuple[Subscription, ...]


class Fate(StrEnum):
    """What became of a letter."""

    SENT = "sent"
    RETRY = "retry"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a channel says after sending. Failures outside are values, because they are normal.

    reason         A code, never an answer's text.
    after_seconds  When the other side asked us to wait.
    gone           Subscriptions that do not exist any more.
    """

    fate: Fate
    reason: str = ""
    after_seconds: int | None = None
    gone: tuple[UUID, ...] = ()

    @classmethod
    def sent(cls) -> "Outcome":
        """Whoever carries it has taken it; the person need not have it yet."""
        return cls(Fate.SENT)

    @classmethod
    def retry(cls, reason: str, after_seconds: int | None = None) -> "Outcome":
        """It may work later."""
        return cls(Fate.RETRY, reason, after_seconds)

    @classmethod
    def give_up(cls, reason: str) -> "Outcome":
        """It will not work on this channel."""
        return cls(Fate.GIVE_UP, reason)
