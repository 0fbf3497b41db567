"""Sealing: what a patient's team writes is stored so that it opens only with its group's key and in its place.

`seal` holds the format CNE1, `keys` the keys. The blind index for exact look-ups comes with search.
"""

from casenet.crypto.keys import (
    NOBODY,
    GroupKey,
    KeyMissing,
    Ring,
    create_group_key,
    drop_old_rings,
    group_key,
    open_bytes,
    open_for_server,
    open_text,
    ring,
    ring_at_hand,
    rings,
    seal_bytes,
    seal_for_server,
    seal_text,
)
from casenet.crypto.seal import Place, SealBroken

__all__ = [
    "NOBODY",
    "GroupKey",
    "KeyMissing",
    "Place",
    "Ring",
    "SealBroken",
    "create_group_key",
    "drop_old_rings",
    "group_key",
    "open_bytes",
    "open_for_server",
    "open_text",
    "ring",
    "ring_at_hand",
    "rings",
    "seal_bytes",
    "seal_for_server",
    "seal_text",
]
