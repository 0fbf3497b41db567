"""The one-time token of a ping.

Made from the ping's id under the installation's pepper, so that every repeat of a ping carries the same
token although only its hash is stored: a copy of the database lets nobody answer an alert.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from uuid import UUID

from casenet import config


def token_of(ping_id: UUID) -> str:
    """43 characters, base64url."""
    secret = hmac.digest(config.current().pepper, b"ping-token" + ping_id.bytes, "sha256")
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """What the table keeps."""
    return hashlib.sha256(token.encode()).digest()
