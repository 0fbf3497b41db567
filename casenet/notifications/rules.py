"""How a ping is tried, and which push addresses are acceptable."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec


class Channel(StrEnum):
    """The ways to reach a person, in the order of the ladder: the next one stands in for the one before."""

    IN_APP = "in_app"
    WEB_PUSH = "web_push"
    EMAIL = "email"


LADDER = tuple(Channel)

RETRY_SECONDS = 15  # security.md 5.4
RETRIES_MAX = 3
RETRY_AFTER_SECONDS_MAX = 60  # a push service may ask for an hour; the step has minutes
LEASE_SECONDS = 15  # a killed sender's pings are taken up by another after this long (R6)
TOKEN_LIFE = timedelta(hours=12)  # a late "I have it" still counts while the alert is open
TOKEN_REPEAT = timedelta(minutes=2)  # a phone that heard no answer repeats; later the token is used up
SUBSCRIPTIONS_MAX = 5  # phones and computers of one person; each is pushed to at every ping
ENDPOINT_CHARS_MAX = 1000


_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")  # an empty label makes the look-up stumble


def later_channels(channel: Channel) -> tuple[Channel, ...]:
    """The channels that stand in when this one fails or stays silent."""
    return LADDER[LADDER.index(channel) + 1 :]


def next_try(tries: int, now: datetime, after_seconds: int | None = None) -> datetime | None:
    """When to try again after `tries` failures for a while; None when it is the next channel's turn."""
    if tries > RETRIES_MAX:
        return None
    wait = min(after_seconds or RETRY_SECONDS, RETRY_AFTER_SECONDS_MAX)
    return now + timedelta(seconds=wait)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A push address taken apart. loopback: a receiver on this machine, for demo and tests."""

    host: str
    port: int
    path: str
    tls: bool
    loopback: bool

    @property
    def origin(self) -> str:
        """As VAPID's audience wants it (RFC 8292): no default port."""
        scheme, default = ("https", 443) if self.tls else ("http", 80)
        return f"{scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


def read_endpoint(address: str, allowed: Iterable[str]) -> Endpoint | None:
    """Take a push address apart; None unless it leads to one of the allowed push services.

    address   Chosen by whoever calls our API: without this check they could make our server call anything.
    allowed   Hosts; ".example.com" allows every name under it; a literal loopback address, with or
              without its port, is the only kind that may be spoken to without TLS.
    """
    if len(address) > ENDPOINT_CHARS_MAX or not address.isascii():
        return None
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if not host or parts.username is not None or parts.fragment or _ODD.search(address):
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if is_loopback(host):
        known = port is not None and not {host, f"{host}:{port}"}.isdisjoint(allowed)
        plain = parts.scheme in ("http", "https")
        return Endpoint(host, port or 0, path, parts.scheme == "https", True) if known and plain else None
    named = _NAME.fullmatch(host) and _is_listed(host, allowed)
    if parts.scheme != "https" or port not in (None, 443) or not named:
        return None
    return Endpoint(host, 443, path, True, False)


def _is_listed(host: str, allowed: Iterable[str]) -> bool:
    return any(host.endswith(name) if name.startswith(".") else host == name for name in allowed)


def is_loopback(host: str) -> bool:
    """True for a literal loopback address; a name is never trusted to be one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """True for an address out in the internet: not private, link-local, loopback, multicast or reserved."""
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not (mapped or found).is_multicast


def are_push_keys(p256dh: bytes, auth: bytes) -> bool:
    """True when these can encrypt to a browser: a point on P-256 and a 16-byte secret (RFC 8291)."""
    if len(p256dh) != 65 or len(auth) != 16:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except ValueError:
        return False
    return True
