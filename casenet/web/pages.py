"""Pages of the timeline as they were answered lately: ten phones that ask for the same one get the same bytes.

Who may have it is asked each time, and each time the audit trail says so (timeline/looks.py).
"""

from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from casenet.crypto import Ring, ring_at_hand
from casenet.timeline import Shown

PAGES_BYTES_MAX = 64 * 1024 * 1024  # a thousand pages of fifty posts; a ward has 900 groups


class Page(NamedTuple):
    """An answer as JSON, and what it shows."""

    shown: Shown
    body: bytes


# Group, the number that the page ends before, and how many rows were asked for.
Asked = tuple[UUID, int | None, int]
# With the ring that has opened it: when that goes, so does the page. The newest last.
_pages: OrderedDict[Asked, tuple[Page, Ring]] = OrderedDict()
_bytes = 0


def find(asked: Asked) -> Page | None:
    """The answer to the same question, if one is remembered and its ring is not gone."""
    page, ring = _pages.get(asked, (None, None))
    return page if ring is ring_at_hand(asked[0]) else None


def keep(asked: Asked, page: Page) -> None:
    """Remember an answer, and forget the oldest beyond PAGES_BYTES_MAX."""
    ring = ring_at_hand(asked[0])
    if ring is None:
        return
    _forget(asked)
    _pages[asked] = page, ring
    global _bytes
    _bytes += len(page.body)
    while _bytes > PAGES_BYTES_MAX:
        _forget(next(iter(_pages)))


def _forget(asked: Asked) -> None:
    global _bytes
    if asked in _pages:
        page, _ = _pages.pop(asked)
        _bytes -= len(page.body)


def drop_old_pages() -> None:
    """Forget every page whose ring is gone. The sockets' sweep calls it each second."""
    for asked, (_, ring) in list(_pages.items()):
        if ring is not ring_at_hand(asked[0]):
            _forget(asked)
