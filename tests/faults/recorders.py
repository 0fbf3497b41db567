"""The receivers of tests/receivers.py with a clock: which ping came out where, and when."""

import threading
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from casenet.notifications import tokens
from tests.receivers import MailService, Pushed, PushService


@dataclass
class Record:
    """Every call at the outside: the ping's key, and when on the wall clock.

    Pushes are known by the hash of their token, mails by the ping's id in their Message-ID.
    """

    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, key: str) -> None:
        with self.lock:
            self.calls[key].append(time.time())

    def of(self, *keys: str) -> list[float]:
        """When any of these came, in order."""
        with self.lock:
            return sorted(moment for key in keys for moment in self.calls.get(key, ()))

    @property
    def total(self) -> int:
        with self.lock:
            return sum(len(moments) for moments in self.calls.values())


def key_of_push(token_hash: bytes) -> str:
    return b64encode(token_hash).decode()


class Browsers(PushService):
    """Browsers with push; `on_push` is the service worker's part: (browser's name, message)."""

    record: Record
    on_push: Callable[[str, dict[str, Any]], None]

    def open(self, name: str, headers: dict[str, str], body: bytes) -> Pushed:
        pushed = super().open(name, headers, body)
        self.record.note(key_of_push(tokens.hash_of(pushed.message["ping_token"])))
        self.on_push(name, pushed.message)
        return pushed


class Mailboxes(MailService):
    """Mail, noted by the ping that it belongs to."""

    record: Record

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self.record.note(self.received[-1]["Message-ID"].strip("<>").partition("@")[0])
        return answer
