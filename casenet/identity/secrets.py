"""Password hashes, tokens and one-time codes: thin names over argon2-cffi, hashlib and pyotp."""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp import random_base32
from pyotp.totp import TOTP

from casenet.identity import rules

# OWASP ASVS 5.0 appendix C: 46 MiB, one pass, one lane or more.
_hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)

# Verified when the login is unknown, so that the answer takes as long as for a known one.
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str, pepper: bytes) -> str:
    """Argon2id over the peppered password; 46 MiB and some 40 ms: never on an event loop."""
    return _hasher.hash(_peppered(password, pepper))


def password_matches(stored: str | None, password: str, pepper: bytes) -> bool:
    """True when it is the password. With None it works as long and says False. Never on an event loop."""
    try:
        return _hasher.verify(stored or _nobody, _peppered(password, pepper)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _peppered(password: str, pepper: bytes) -> bytes:
    return hmac.digest(pepper, rules.normal(password).encode(), "sha256")


def new_token() -> str:
    """256 random bits, 43 characters, safe in a URL and a cookie."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """What the database keeps of a token: 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """The token that a page must show back with every change; follows from the session's own."""
    return hashlib.sha256(b"csrf" + token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def guess_key(pepper: bytes, *parts: str) -> bytes:
    """A key for counting guesses that does not tell whose they are."""
    return hmac.digest(pepper, "\0".join(parts).lower().encode(), "sha256")


def new_totp_secret() -> str:
    """160 random bits in base32, as authenticator apps read them."""
    return random_base32()


def totp_uri(secret: str, login: str) -> str:
    """What the QR code of an authenticator app says."""
    return TOTP(secret).provisioning_uri(name=login, issuer_name="CaseNet")


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code this is: the present one or the one before; None when neither."""
    totp, code = TOTP(secret), unicodedata.normalize("NFKC", code)  # １２３ is 123
    step = rules.totp_step(now)
    for candidate in (step, step - 1):
        if same(totp.generate_otp(candidate), code):
            return candidate
    return None
