"""Web Push: RFC 8030 (delivery), 8291 (encryption), 8292 (who we are). Content-free even when opened.

Own code over http_ece instead of pywebpush: that one follows redirects and looks a host up by itself, so
that an address checked here could still lead into our own network.
"""

import http.client
import json
import socket
import ssl

import http_ece  # pyright: ignore[reportMissingTypeStubs]
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from casenet.config import Config
from casenet.notifications.channels import vapid
from casenet.notifications.letters import Fate, Letter, Outcome, Subscription
from casenet.notifications.rules import Endpoint, is_public, read_endpoint
from casenet.words import say

log = structlog.get_logger()

TIMEOUT_SECONDS = 4  # three browsers of one person stay within the lease
# The app's page for each subject; the part after "#" never reaches a server's log.
PAGES = {"alert": "alerts/", "sheet": "sheets/", "test": "notifications/"}
PLAINTEXT_BYTES = 1024  # every message has this size; services take about 4,000


class Refused(Exception):
    """The endpoint leads where we do not go."""


def send(letter: Letter, settings: Config) -> Outcome:
    """Push to every browser of the person; one that took it is enough."""
    body = payload(letter, settings)
    outcomes = [(sub, _push(sub, body, letter, settings)) for sub in letter.subscriptions]
    gone = tuple(sub.id for sub, outcome in outcomes if outcome.reason == "push-gone")
    for fate in (Fate.SENT, Fate.RETRY):
        for _, outcome in outcomes:
            if outcome.fate is fate:
                return Outcome(fate, outcome.reason, outcome.after_seconds, gone)
    reason = outcomes[0][1].reason if outcomes else "no-subscription"
    return Outcome(Fate.GIVE_UP, reason, None, gone)


def payload(letter: Letter, settings: Config) -> bytes:
    """The message, padded with spaces to one size. Declarative ("web_push": 8030), so that it shows even
    when the service worker fails; `kind`, the id and the token are for the service worker.
    """
    message = {
        "web_push": 8030,
        "notification": {
            "title": say(f"notices.push.{letter.about}.title"),
            "body": say(f"notices.push.{letter.about}.body"),
            "lang": "ja",
            "tag": f"{letter.about}-{letter.about_id}",
            "navigate": f"{settings.public_origin}/#/{PAGES[letter.about]}{letter.about_id}",
            "silent": False,
        },
        "kind": letter.about,
        f"{letter.about}_id": str(letter.about_id),
        "ping_token": letter.token,
    }
    return json.dumps(message, ensure_ascii=False).encode().ljust(PLAINTEXT_BYTES)


def seal_for(subscription: Subscription, plaintext: bytes) -> bytes:
    """Encrypt to one browser, aes128gcm (RFC 8291), with a key pair of its own for each message."""
    return http_ece.encrypt(  # pyright: ignore[reportUnknownVariableType]
        plaintext,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscription.p256dh,
        auth_secret=subscription.auth,
        version="aes128gcm",
    )


def _push(subscription: Subscription, body: bytes, letter: Letter, settings: Config) -> Outcome:
    endpoint = read_endpoint(subscription.endpoint, settings.push_hosts)
    if endpoint is None:
        return Outcome.give_up("push-endpoint-refused")
    headers = {
        "TTL": str(letter.ttl_seconds),
        "Urgency": "high" if letter.urgent else "normal",
        "Topic": letter.about_id.hex,
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "Authorization": vapid.authorization(settings, endpoint.origin),
    }
    try:
        status, retry_after = _post(endpoint, seal_for(subscription, body), headers)
    except Refused:
        return Outcome.give_up("push-address-refused")
    except (OSError, http.client.HTTPException) as error:
        return Outcome.retry(f"push-{type(error).__name__}")
    return read_answer(status, retry_after)


def read_answer(status: int, retry_after: str | None) -> Outcome:
    """What a push service's answer means (RFC 8030 5). A redirect is not followed."""
    if 200 <= status < 300:
        return Outcome.sent()
    if status in (404, 410):
        return Outcome.give_up("push-gone")
    if status == 429 or status >= 500:
        seconds = int(retry_after) if retry_after and retry_after.isdecimal() else None
        return Outcome.retry(f"push-{status}", seconds)
    return Outcome.give_up(f"push-{status}")


def _post(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
    connection = _connection(endpoint)
    try:
        connection.request("POST", endpoint.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After")
    finally:
        connection.close()


def _connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    # Looked up once, checked, and connected to as an address: a second look-up could answer differently.
    raw = socket.create_connection((_address(endpoint), endpoint.port), timeout=TIMEOUT_SECONDS)
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.sock = (
            ssl.create_default_context().wrap_socket(raw, server_hostname=endpoint.host)
            if endpoint.tls
            else raw
        )
    except OSError:
        raw.close()
        raise
    return connection


def _address(endpoint: Endpoint) -> str:
    if endpoint.loopback:
        return endpoint.host
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Refused
    return addresses[0]
