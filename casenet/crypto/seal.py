"""CNE1: sealing of one value, bound to its place. The one module that touches AES-GCM.

Layout (bytes; docs/threat-model.md says what it does and does not hide):

    0   1    version = 1
    1   1    suite   = 1 (HKDF-SHA512 / AES-256-GCM / 32-byte commitment)
    2   4    epoch, big endian (for a wrapped group key: version of the key-encryption key)
    6   32   salt, random for each value
    38  32   commitment to the key
    70  n    ciphertext of the padded body, then the 16-byte tag

    body = type u8 | length u32 | data | zeros up to the padded size

Every value has a key and nonce of its own, derived from a 256-bit random salt, so the limit of random
nonces per key (NIST SP 800-38D, 8.3) never applies. The commitment stops one blob from opening under two
keys. Composition as in the AWS Encryption SDK; no primitive is ours.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

VERSION = 1
SUITE = 1
HEADER = struct.Struct(">BBI")
COMMITMENT_AT = 38
CIPHERTEXT_AT = 70
SHORTEST = CIPHERTEXT_AT + 64 + 16  # the smallest padded body is 64 bytes

TEXT = 1
BYTES = 2
KEY = 3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SealBroken(Exception):
    """It does not open: wrong key, wrong place, cut, or changed. One error for all, on purpose."""


class Place(NamedTuple):
    """Where a sealed value belongs. Bound, not stored: moved anywhere else, it no longer opens.

    created_at  Aware instant with microseconds, as the row stores it.
    flags       Reserved, 0.

    A tuple: a page makes fifty of them, and a frozen dataclass takes three times as long.
    """

    table: str
    column: str
    org_id: UUID
    group_id: UUID
    row_id: UUID
    revision: int
    author_id: UUID
    created_at: datetime
    flags: int = 0

    def digest(self) -> bytes:
        """SHA-256 over the context fields in the order of the format, each after its length: 32 bytes."""
        since = self.created_at - _EPOCH
        microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        place = _PLACE.pack(
            16,
            self.org_id.bytes,
            16,
            self.group_id.bytes,
            16,
            self.row_id.bytes,
            4,
            self.revision,
            16,
            self.author_id.bytes,
            8,
            microseconds,
            2,
            self.flags,
        )
        return hashlib.sha256(_named(self.table, self.column) + place).digest()


# org_id, group_id, row_id, revision, author_id, created_at, flags
_PLACE = struct.Struct(">I16sI16sI16sIII16sIqIH")


@cache
def _named(table: str, column: str) -> bytes:
    names = (name.encode() for name in (table, column))
    return b"CNE1ctx" + b"".join(struct.pack(">I", len(name)) + name for name in names)


def seal(key: bytes, epoch: int, place: Place, data: bytes, *, kind: int = TEXT) -> bytes:
    """Encrypt `data` so that it opens only with `key` and only in `place`.

    key     32 bytes, the group's root key of `epoch`.
    kind    TEXT, BYTES or KEY; returned by open_seal.
    Returns  86 bytes more than the padded body.
    """
    return _seal(key, epoch, place.digest(), data, kind, os.urandom(32))


def _seal(key: bytes, epoch: int, place: bytes, data: bytes, kind: int, salt: bytes) -> bytes:
    header = HEADER.pack(VERSION, SUITE, epoch)
    commitment, secret, nonce = _derive(key, salt, header + place)
    bound = header + salt + commitment + place
    return header + salt + commitment + AESGCM(secret).encrypt(nonce, _pad(kind, data), bound)


def open_seal(ring: Mapping[int, bytes], place: Place, blob: bytes) -> tuple[int, bytes]:
    """Decrypt a blob in its place.

    ring    Epoch to 32-byte key: every key of the group that may still open something.
    Returns  (kind, data). Raises SealBroken on any doubt.
    """
    if len(blob) < SHORTEST:
        raise SealBroken
    version, suite, epoch = HEADER.unpack_from(blob)
    if (version, suite) != (VERSION, SUITE) or epoch not in ring:
        raise SealBroken
    header, salt, commitment = blob[:6], blob[6:COMMITMENT_AT], blob[COMMITMENT_AT:CIPHERTEXT_AT]
    digest = place.digest()
    expected, secret, nonce = _derive(ring[epoch], salt, header + digest)
    if not hmac.compare_digest(commitment, expected):
        raise SealBroken
    try:
        body = AESGCM(secret).decrypt(nonce, blob[CIPHERTEXT_AT:], blob[:CIPHERTEXT_AT] + digest)
    except InvalidTag:
        raise SealBroken from None
    return _unpad(body)


def _derive(key: bytes, salt: bytes, info: bytes) -> tuple[bytes, bytes, bytes]:
    # HKDF (RFC 5869): extract once, then two outputs of one block each, from one HMAC that was given its key once.
    # The library's own class would extract twice: a third more for a seal. tests/parts/crypto holds both equal.
    extracted = _mac(HMAC(salt, SHA512()), key)
    expanding = HMAC(extracted, SHA512())
    commitment = _mac(expanding.copy(), b"CNE1 commit" + info + b"\x01")
    secret = _mac(expanding, b"CNE1 key" + info + b"\x01")
    return commitment[:32], secret[:32], secret[32:44]


def _mac(keyed: HMAC, message: bytes) -> bytes:
    keyed.update(message)
    return keyed.finalize()


def _pad(kind: int, data: bytes) -> bytes:
    body = struct.pack(">BI", kind, len(data)) + data
    return body.ljust(_padded_size(len(body)), b"\0")


def _padded_size(size: int) -> int:
    """Steps of 64 bytes up to 1,024, then Padmé: at most 12 % more, so that length tells little."""
    if size <= 1024:
        return -(-size // 64) * 64
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def _unpad(body: bytes) -> tuple[int, bytes]:
    kind, size = struct.unpack_from(">BI", body)
    if size > len(body) - 5 or any(body[5 + size :]):
        raise SealBroken
    return kind, body[5 : 5 + size]
