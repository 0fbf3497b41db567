import os
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from casenet.crypto import seal as cne1
from casenet.crypto.seal import BYTES, TEXT, Place, SealBroken, open_seal, seal

KEY = bytes(range(32))
PLACE = Place(
    "timeline_revision",
    "body",
    UUID(bytes=b"\x01" * 16),
    UUID(bytes=b"\x11" * 16),
    UUID(bytes=b"\x22" * 16),
    1,
    UUID(bytes=b"\x33" * 16),
    datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=1_790_000_000_000_000),
)
VECTOR = bytes.fromhex(
    "010100000003202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fe7c138c8f022039ca77fbc2a3b0a"
    "1e19e1f1b04378087e7bdab1ce6258c89fb36f29043af46c76d1451fe861ad1c6fc2883392501b8db3bc9950a38c7c1b12e03d9a"
    "d9a585a640eee29d19a3663084a15c89d09a4285b3d17ff92ed2e6dac84ce97035cf61254dd52b6e37423faadedd"
)
TEXT_OF_VECTOR = "血圧 182/98 要連絡".encode()


def test_the_published_vector_is_sealed_to_these_very_bytes() -> None:
    sealed = cne1._seal(KEY, 3, PLACE.digest(), TEXT_OF_VECTOR, TEXT, bytes(range(0x20, 0x40)))  # pyright: ignore[reportPrivateUsage]

    assert PLACE.digest().hex() == "20d8a5d1af39be753ecd1318d063f9112145f7bb1a865728e2d35dec7e67f9c3"
    assert sealed == VECTOR
    assert open_seal({3: KEY}, PLACE, VECTOR) == (TEXT, TEXT_OF_VECTOR)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 by the library, so that the format is checked against something that is not our code."""
    return HKDF(SHA512(), length, salt, info).derive(key)


def independent_open(key: bytes, place: bytes, blob: bytes) -> bytes:
    """A second implementation from the format's description: own HKDF, GCM in the low-level interface."""
    salt, commitment, sealed, tag = blob[6:38], blob[38:70], blob[70:-16], blob[-16:]
    assert hkdf(key, salt, b"CNE1 commit" + blob[:6] + place, 32) == commitment
    secret = hkdf(key, salt, b"CNE1 key" + blob[:6] + place, 44)
    opener = Cipher(algorithms.AES(secret[:32]), modes.GCM(secret[32:], tag)).decryptor()
    opener.authenticate_additional_data(blob[:70] + place)
    body = opener.update(sealed) + opener.finalize()
    size = struct.unpack(">I", body[1:5])[0]
    return body[5 : 5 + size]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1), st.binary(max_size=5000))
def test_a_second_implementation_opens_what_we_seal(key: bytes, epoch: int, data: bytes) -> None:
    blob = seal(key, epoch, PLACE, data, kind=BYTES)

    assert independent_open(key, PLACE.digest(), blob) == data
    assert open_seal({epoch: key}, PLACE, blob) == (BYTES, data)


def test_every_flipped_bit_is_rejected() -> None:
    for position in range(len(VECTOR) * 8):
        blob = bytearray(VECTOR)
        blob[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            open_seal({3: KEY}, PLACE, bytes(blob))


def test_every_truncation_and_an_extension_is_rejected() -> None:
    for size in range(len(VECTOR)):
        with pytest.raises(SealBroken):
            open_seal({3: KEY}, PLACE, VECTOR[:size])
    with pytest.raises(SealBroken):
        open_seal({3: KEY}, PLACE, VECTOR + b"\0")


@pytest.mark.parametrize(
    "moved",
    [
        PLACE._replace(table="patient_record"),
        PLACE._replace(column="fields"),
        PLACE._replace(org_id=UUID(int=1)),
        PLACE._replace(group_id=UUID(int=1)),
        PLACE._replace(row_id=UUID(int=1)),
        PLACE._replace(revision=2),
        PLACE._replace(author_id=UUID(int=1)),
        PLACE._replace(created_at=PLACE.created_at + timedelta(microseconds=1)),
        PLACE._replace(flags=1),
    ],
)
def test_a_value_moved_to_another_place_does_not_open(moved: Place) -> None:
    with pytest.raises(SealBroken):
        open_seal({3: KEY}, moved, VECTOR)


def test_fields_of_a_place_cannot_flow_into_each_other() -> None:
    assert PLACE._replace(table="ab", column="c").digest() != PLACE._replace(table="a", column="bc").digest()


def test_another_groups_key_of_the_same_epoch_does_not_open() -> None:
    with pytest.raises(SealBroken):
        open_seal({3: os.urandom(32)}, PLACE, VECTOR)
    with pytest.raises(SealBroken):
        open_seal({4: KEY}, PLACE, VECTOR)


def test_lengths_are_hidden_in_steps() -> None:
    sizes = {len(seal(KEY, 1, PLACE, b"x" * size)) for size in range(60)}

    assert sizes == {86 + 64}
    assert len(seal(KEY, 1, PLACE, b"x" * 60)) == 86 + 128
    long = len(seal(KEY, 1, PLACE, b"x" * 100_000)) - 86
    assert 100_005 <= long <= 100_005 * 1.12


def test_no_two_seals_share_a_salt() -> None:
    salts = {seal(KEY, 1, PLACE, b"")[6:38] for _ in range(20_000)}

    assert len(salts) == 20_000
