"""Ids made by the server. A phone makes its own, of the same kind."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """UUIDv7 (RFC 9562 5.7): 48 bits of Unix milliseconds, then random bits; sorts by time of making."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
