"""P4: reading the last 50 posts of a group that holds 10,000."""

import asyncio
import time
from dataclasses import asdict, dataclass

import orjson

from benchmarks.floors import HISTORY_POSTS
from benchmarks.load import Load, draft_body, new_post_id, some_text, spread

WARM_READS, READS = 20, 400
AT_ONCE, AT_ONCE_SECONDS = 8, 3.0
PAGE_POSTS = 50


class WrongAnswer(Exception):
    """The door did not answer the 50 posts that were asked for."""


@dataclass(frozen=True)
class Reads:
    """One subject's reads. `one`: ms of reads one after another; `per_second`: with eight readers."""

    subject: str
    one: dict[str, float]
    per_second: float
    cpu_ms: float

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


async def measure_history(load: Load) -> Reads:
    """Read the page one after another, then with eight readers at once. Raises WrongAnswer."""
    subject = load.subject
    assert subject.history is not None
    path, member = subject.history
    request = subject.request("GET", path, member)
    for _ in range(WARM_READS):
        status, body = await load.pool.ask(request)
        if status != 200 or len(orjson.loads(body)["revisions"]) != PAGE_POSTS:
            raise WrongAnswer(f"{subject.name} answered {status} to {path}: {body[:200]!r}")
    took: list[float] = []
    for _ in range(READS):
        started = time.perf_counter()
        await load.pool.ask(request)
        took.append(time.perf_counter() - started)
    until = time.perf_counter() + AT_ONCE_SECONDS
    before = subject.cpu_seconds()["server"]

    async def keep_reading() -> int:
        count = 0
        while time.perf_counter() < until:
            status, _ = await load.pool.ask(request)
            count += status == 200
        return count

    answered = sum(await asyncio.gather(*(keep_reading() for _ in range(AT_ONCE))))
    used = subject.cpu_seconds()["server"] - before
    return Reads(subject.name, spread(took), answered / AT_ONCE_SECONDS, used * 1000 / max(answered, 1))


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
