"""The newest page of a timeline as it was answered last: ten phones that ask for it get the same bytes.

Who may have it is asked each time, and each time the audit trail says so (timeline/looks.py).
"""

from typing import NamedTuple
from uuid import UUID

from casenet.crypto import Ring, ring_at_hand
from casenet.timeline import Shown

PAGE_BYTES_MAX = 128 * 1024  # fifty posts have 60 kB; one page for each ring, so 128 MB were all rings full
_KEPT = "newest page"


class Page(NamedTuple):
    """An answer as JSON, and what it shows."""

    shown: Shown
    body: bytes


def find(group_id: UUID, limit: int) -> Page | None:
    """The newest page of so many rows as it was answered last, unless the ring that has opened it is gone."""
    ring = ring_at_hand(group_id)
    kept_limit, page = ring.kept.get(_KEPT, (None, None)) if ring else (None, None)
    return page if kept_limit == limit else None


def keep(ring: Ring, limit: int, page: Page) -> None:
    """Remember the newest page for as long as the ring that has opened it, in the place of the one before."""
    if len(page.body) <= PAGE_BYTES_MAX:
        ring.kept[_KEPT] = limit, page
