"""Decisions about passwords, guessing and sessions."""

import unicodedata
from datetime import datetime, timedelta

PASSWORD_CHARS_MIN = 13  # security.md 1.3: meets an MHLW example and ASVS 5.0 at once
PASSWORD_CHARS_MAX = 256  # longer than any passphrase; bounds the hashing
LOGIN_CHARS_MAX = 254  # the longest e-mail address

HALF_SESSION = timedelta(minutes=5)  # to fetch the code from the authenticator
INVITATION = timedelta(hours=72)  # JP-07
CODE_TRIES_MAX = 5  # then the password is asked again
TOUCH = timedelta(seconds=60)  # last_seen_at is written at most this often

# Too common to be tried only once by a guesser; the long list belongs to the identity issue.
COMMON = frozenset(
    "password passwordpassword 1234567890123 123456789012345 qwertyuiop123 iloveyou12345 administrator "
    "aaaaaaaaaaaaa 0000000000000 1111111111111 casenetcasenet kaigokaigokaigo kangokangokango".split()
)


def normal(password: str) -> str:
    """The form in which a password is hashed: NFKC, so that every keyboard types the same one."""
    return unicodedata.normalize("NFKC", password)


def password_fault(password: str, *, own_words: tuple[str, ...]) -> str | None:
    """The code of what is wrong with a new password, or None. No composition rule, no forced change.

    own_words  Login, name, office name: none may make up the password's most part.
    """
    text = normal(password)
    if len(text) < PASSWORD_CHARS_MIN:
        return "too-short"
    if len(text) > PASSWORD_CHARS_MAX:
        return "too-long"
    lower = text.lower()
    if lower in COMMON or len(set(lower)) < 5:
        return "too-common"
    if any(len(word) >= 4 and len(lower.replace(word.lower(), "")) < 8 for word in own_words):
        return "too-personal"
    return None


def wait_after(failures: int, *, free: int, longest: timedelta) -> timedelta:
    """How long no further guess is looked at: nothing for `free` failures, then 2, 4, 8 … seconds."""
    if failures <= free:
        return timedelta(0)
    return min(longest, timedelta(seconds=2 ** min(failures - free, 20)))


def session_ends(created_at: datetime, *, hours: int) -> datetime:
    """The instant at which a session ends whatever happens."""
    return created_at + timedelta(hours=hours)


def totp_step(now: datetime) -> int:
    """The number of the 30-second step (RFC 6238)."""
    return int(now.timestamp()) // 30
