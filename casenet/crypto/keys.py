"""Keys: the key-encryption key from its file, group keys wrapped in the database, one ring per group.

Processes without KEK_FILE (escalation, notifier, nightwatch, beat) can not open anything: every call here
raises KeyMissing in them.
"""

import os
import sys
import time
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, bindparam, func, or_, select
from sqlalchemy.orm import Session

from casenet import config
from casenet.crypto.seal import BYTES, KEY, TEXT, Place, SealBroken, open_seal, seal
from casenet.crypto.tables import GroupKeyRow
from casenet.database import Database, Prepared
from casenet.errors import Unavailable

NOBODY = UUID(int=0)
RING_SECONDS = 60  # how long a shredded or rotated key may still open something in a running process
RINGS_MAX = 1000  # rings kept; about 300 bytes each, and what they have opened
# What one ring remembers: a page of fifty posts of 300 characters. Were all rings full within their minute, 192 MB.
OPENED_BYTES_MAX = 192 * 1024
OPENED_BYTES_EACH = 350  # what Python needs for one text beside its forms


class KeyMissing(Unavailable):
    """This process holds no key-encryption key, or not the version that is needed."""

    def __init__(self) -> None:
        super().__init__("key-unavailable")


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A group's root key, ready to seal. `key` is 32 bytes and never leaves memory."""

    group_id: UUID
    org_id: UUID
    epoch: int
    key: bytes


# A place by numbers instead of ids: a UUID compares itself in Python, which would take three times as long.
_Spot = tuple[str, str, int, int, int, int, int, datetime, int]


class Opened:
    """The texts that were opened lately, by all that decides what opens: the sealed bytes and their place.

    Opening the same again takes twenty times as long (docs/decisions/0018). The oldest go first.
    """

    __slots__ = ("_bytes", "_texts")

    def __init__(self) -> None:
        self._texts: OrderedDict[bytes, tuple[_Spot, str, int]] = OrderedDict()
        self._bytes = 0

    def recall(self, place: Place, blob: bytes) -> str | None:
        """The text that these very bytes held in this very place, or None."""
        found = self._texts.get(blob)
        return found[1] if found and found[0] == _spot(place) else None

    def keep(self, place: Place, blob: bytes, text: str) -> None:
        """Remember a text, and forget the oldest beyond OPENED_BYTES_MAX."""
        if blob in self._texts:
            return  # the same bytes open in no second place
        # Python keeps a third form (UTF-8) with a text that was sent, and counts it from then on.
        size = 2 * len(blob) + sys.getsizeof(text) + OPENED_BYTES_EACH
        self._texts[blob] = (_spot(place), text, size)
        self._bytes += size
        while self._bytes > OPENED_BYTES_MAX:
            _, (_, _, size) = self._texts.popitem(last=False)
            self._bytes -= size


def _spot(place: Place) -> _Spot:
    table, column, org_id, group_id, row_id, revision, author_id, created_at, flags = place
    return table, column, org_id.int, group_id.int, row_id.int, revision, author_id.int, created_at, flags


@dataclass(frozen=True, slots=True)
class Ring:
    """Every key of one group that may still open something; `active` seals what is new.

    opened  What these keys opened lately, in the clear; it goes when the ring goes.
    kept    What a door has made of that, by its own names; it goes when the ring goes, too.
    """

    active: GroupKey
    keys: Mapping[int, bytes]
    opened: Opened = field(default_factory=Opened, repr=False, compare=False)
    kept: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)


def read_kek(path: Path | None) -> dict[int, bytes]:
    """Key-encryption keys by version from lines `version:base64 of 32 bytes`. Raises KeyMissing."""
    if path is None:
        raise KeyMissing
    try:
        pairs = (line.split(":", 1) for line in path.read_text("ascii").split())
        keys = {int(version): b64decode(key, validate=True) for version, key in pairs}
    except (OSError, ValueError):
        raise KeyMissing from None
    if not keys or any(len(key) != 32 for key in keys.values()):
        raise KeyMissing
    return keys


def new_kek(version: int) -> str:
    """A fresh line for the file of key-encryption keys."""
    return f"{version}:{b64encode(os.urandom(32)).decode()}\n"


@cache
def _kek() -> dict[int, bytes]:
    return read_kek(config.current().kek_file)


def create_group_key(session: Session, group_id: UUID, org_id: UUID, *, now: datetime) -> GroupKey:
    """Give a new group its first key (epoch 1), wrapped under the newest key-encryption key."""
    version = max(_kek())
    key = os.urandom(32)
    place = _key_place(group_id, org_id, epoch=1, created_at=now)
    session.add(
        GroupKeyRow(
            group_id=group_id,
            epoch=1,
            org_id=org_id,
            kek_version=version,
            wrapped=seal(_kek()[version], version, place, key, kind=KEY),
            state="active",
            reason="created",
            created_at=now,
        )
    )
    return GroupKey(group_id, org_id, 1, key)


def group_key(session: Database, group_id: UUID) -> GroupKey:
    """The key that seals what is new in this group. Raises KeyMissing."""
    return ring(session, group_id).active


_rings: OrderedDict[UUID, tuple[float, Ring]] = OrderedDict()


def ring(session: Database, group_id: UUID) -> Ring:
    """All keys of one group, at most RING_SECONDS old. Raises KeyMissing."""
    return ring_at_hand(group_id) or rings(session, [group_id])[group_id]


def ring_at_hand(group_id: UUID) -> Ring | None:
    """The ring that this process holds now, without asking for one."""
    drop_old_rings()
    found = _rings.get(group_id)
    return found[1] if found else None


def rings(session: Database, group_ids: Iterable[UUID]) -> dict[UUID, Ring]:
    """The rings of many groups in one read, for lists. Raises KeyMissing when one can not be unwrapped."""
    drop_old_rings()
    wanted = list(group_ids)
    found = {id: _rings[id][1] for id in wanted if id in _rings}
    missing = [id for id in wanted if id not in found]
    if not missing:
        return found
    fresh = _unwrap(session, missing)
    for group_id in missing:
        if group_id not in fresh:
            raise KeyMissing
        _rings[group_id] = (time.monotonic(), fresh[group_id])
        _rings.move_to_end(group_id)
    while len(_rings) > RINGS_MAX:
        _rings.popitem(last=False)
    return found | fresh


def drop_old_rings() -> None:
    """Forget keys older than RING_SECONDS, and what they opened. Web and worker also call it when nobody asks."""
    oldest = time.monotonic() - RING_SECONDS
    while _rings and next(iter(_rings.values()))[0] < oldest:
        _rings.popitem(last=False)


def forget_rings() -> None:
    """Drop every unwrapped key of this process."""
    _rings.clear()
    _kek.cache_clear()


_row = cast("Table", GroupKeyRow.__table__)
_USABLE = Prepared(
    select(_row).where(
        _row.c.group_id == func.any(bindparam("groups", type_=ARRAY(Uuid))),
        or_(_row.c.state == "active", _row.c.state == "old"),
    )
)


def _unwrap(session: Database, group_ids: list[UUID]) -> dict[UUID, Ring]:
    rows = _USABLE.all(session, {"groups": group_ids})
    keys: dict[UUID, dict[int, bytes]] = {}
    active: dict[UUID, GroupKey] = {}
    for row in rows:
        place = _key_place(row.group_id, row.org_id, epoch=row.epoch, created_at=row.created_at)
        try:
            _, key = open_seal(_kek(), place, row.wrapped)
        except SealBroken:
            raise KeyMissing from None
        keys.setdefault(row.group_id, {})[row.epoch] = key
        if row.state == "active":
            active[row.group_id] = GroupKey(row.group_id, row.org_id, row.epoch, key)
    return {group_id: Ring(active[group_id], keys[group_id]) for group_id in active}


def _key_place(group_id: UUID, org_id: UUID, *, epoch: int, created_at: datetime) -> Place:
    return Place("group_key", "wrapped", org_id, group_id, group_id, epoch, NOBODY, created_at)


def seal_text(key: GroupKey, place: Place, text: str) -> bytes:
    """Seal one text of a group in its place."""
    return seal(key.key, key.epoch, place, text.encode(), kind=TEXT)


def open_text(keys: Ring, place: Place, blob: bytes) -> str:
    """Open one sealed text. Raises SealBroken."""
    text = keys.opened.recall(place, blob)
    if text is None:
        text = open_seal(keys.keys, place, blob)[1].decode()
        keys.opened.keep(place, blob, text)
    return text


def seal_bytes(key: GroupKey, place: Place, data: bytes) -> bytes:
    """Seal bytes of a group (a document) in their place; up to some megabytes."""
    return seal(key.key, key.epoch, place, data, kind=BYTES)


def open_bytes(keys: Ring, place: Place, blob: bytes) -> bytes:
    """Open sealed bytes. Raises SealBroken."""
    return open_seal(keys.keys, place, blob)[1]


def seal_for_server(place: Place, data: bytes) -> bytes:
    """Seal a secret that belongs to no group (a person's TOTP secret) under the newest key-encryption key."""
    version = max(_kek())
    return seal(_kek()[version], version, place, data, kind=BYTES)


def open_for_server(place: Place, blob: bytes) -> bytes:
    """Open what seal_for_server sealed. Raises SealBroken, KeyMissing."""
    return open_seal(_kek(), place, blob)[1]
