"""P4: reading the last 50 posts of a group that holds 10,000, and what no read can go below."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast

import orjson

from benchmarks.floors import HISTORY_POSTS
from benchmarks.load import Load, draft_body, new_post_id, some_text, spread
from benchmarks.wire import Pool

WARM_READS, READS = 30, 400
AT_ONCE, AT_ONCE_SECONDS = 8, 1.0
PAGE_POSTS = 50
IN_TURN = "over a front's connections in turn"


class WrongAnswer(Exception):
    """The door did not answer the 50 posts that were asked for."""


@dataclass(frozen=True)
class Reads:
    """One row of reads. `one`: ms of reads one after another; `per_second`: with eight readers."""

    subject: str
    one: dict[str, float]
    per_second: float
    cpu_ms: float
    round: int = 0

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


async def measure_history(load: Load) -> list[Reads]:
    """Read the last page over and over, then whatever else the subject names. Raises WrongAnswer.

    By one reader with a connection of their own, as a phone has it; once over the connections that the load has left,
    in turn, which a subject of several processes answers by now the one, now the other.
    facts["older"]    What makes the path one of an older page, with {} for the number it ends before: each read is
                      then of a page that was not read shortly before, so that nothing kept in memory helps.
    facts["also"]     Row name → path of the same page in another way.
    facts["empty"]    Row name → path that answers 204 with nothing: what any read costs at least.
    """
    subject = load.subject
    assert subject.history is not None
    path, member = subject.history

    def asking(path: str) -> bytes:
        return subject.request("GET", path, member)

    found = [
        await _measure(load, subject.name, [asking(path)]),
        await _measure(load, f"{subject.name}, {IN_TURN}", [asking(path)], pool=load.pool),
    ]
    if older := cast("str", subject.facts.get("older", "")):
        ends = range(HISTORY_POSTS, PAGE_POSTS, -PAGE_POSTS)
        pages = [asking(path + older.format(end)) for end in ends]
        found.append(await _measure(load, f"{subject.name}, another page each time", pages))
    for name, other in cast("dict[str, str]", subject.facts.get("also", {})).items():
        found.append(await _measure(load, name, [asking(other)]))
    for name, empty in cast("dict[str, str]", subject.facts.get("empty", {})).items():
        found.append(await _measure(load, name, [asking(empty)], is_empty=True))
    return found


async def _measure(
    load: Load, name: str, requests: list[bytes], *, is_empty: bool = False, pool: Pool | None = None
) -> Reads:
    """Ask one after another, in turn, then with eight readers at once; over `pool`, or connections of their own."""
    own = Pool(load.subject)
    try:
        return await _measure_over(pool or own, load, name, cycle(requests), is_empty=is_empty)
    finally:
        own.close()


async def _measure_over(
    pool: Pool, load: Load, name: str, turns: Iterator[bytes], *, is_empty: bool
) -> Reads:
    subject = load.subject
    for _ in range(WARM_READS):
        status, body = await pool.ask(next(turns))
        if status != (204 if is_empty else 200) or not (is_empty or _posts_in(body) == PAGE_POSTS):
            raise WrongAnswer(f"{name} answered {status}: {body[:200]!r}")
    took: list[float] = []
    for _ in range(READS):
        request = next(turns)
        started = time.perf_counter()
        await pool.ask(request)
        took.append(time.perf_counter() - started)
    until = time.perf_counter() + AT_ONCE_SECONDS
    before = subject.cpu_seconds()["server"]

    async def keep_reading() -> int:
        count = 0
        while time.perf_counter() < until:
            status, _ = await pool.ask(next(turns))
            count += status in (200, 204)
        return count

    answered = sum(await asyncio.gather(*(keep_reading() for _ in range(AT_ONCE))))
    used = subject.cpu_seconds()["server"] - before
    return Reads(name, spread(took), answered / AT_ONCE_SECONDS, used * 1000 / max(answered, 1))


def _posts_in(page: bytes) -> int:
    return len(orjson.loads(page)["revisions"])


async def fill_history(load: Load) -> None:
    """Write the 10,000 posts through the subject's own door: only the rig holds its key."""
    subject = load.subject
    assert subject.history is not None
    path, member = subject.history
    left = iter(range(HISTORY_POSTS))

    async def keep_writing() -> None:
        for _ in left:
            body = draft_body(member, new_post_id(), some_text())
            await load.pool.ask(subject.request("POST", path, member, body))

    await asyncio.gather(*(keep_writing() for _ in range(16)))
