"""The generator: 500 members listening, Poisson arrivals that wait for nobody, what became of every post."""

import asyncio
import gc
import os
import random
import re
import resource
import time
from dataclasses import asdict, dataclass, field
from uuid import UUID

import orjson
import psutil

from benchmarks.subject import MEMBERS, MEMBERS_PER_GROUP, Subject
from benchmarks.wire import Pool, Socket, connect_members

TEXT_BYTES = 300
POST_ID = re.compile(rb'"post_id": ?"([0-9a-f-]{36})"')
SENTENCES = (
    "訪問時、両下腿に軽い浮腫あり。体重は先週より一キロ増えています。食事は八割ほど召し上がり、水分は一日千ミリ程度です。"
    "夜間の息苦しさはないとのこと。血圧は百三十八の七十六、脈は七十二で整。内服は妻が確認しています。"
    "歩行は杖で室内を往復でき、転倒はありません。便は二日に一度、腹部の張りはありません。次回の訪問は木曜の午後です。"
)
EVERYBODY = sum(1 << place for place in range(MEMBERS_PER_GROUP))
P99_LIMIT_SECONDS = 1.0


@dataclass(slots=True)
class Sent:
    """One post. `awaited`: bits of the members of the group whose sockets have not shown it yet."""

    sent_at: float
    member: int
    in_window: bool
    awaited: int
    acked_at: float | None = None
    status: int | None = None
    last_at: float | None = None
    delays: list[float] = field(default_factory=list[float])


@dataclass(frozen=True)
class Row:
    """One rate on one subject. Latencies: ms {p50, p95, p99, max}; CPU: seconds per 1,000 posts by account.

    kept    posts a second answered and shown on all nine other members' sockets
    each    post → one other member's socket
    all     post → the last of the nine
    lost    (post, member) pairs of answered posts that were not shown before the wait was over
    refused answers 429 and 503; failed: any other answer than 200 or 201, or none
    lag_ms  p99 of how late the generator itself was; above 5 the row says more about it than the subject
    round   rows of one round followed each other closely
    """

    subject: str
    offered: float
    seconds: float
    posts: int
    kept: float
    ack: dict[str, float]
    each: dict[str, float]
    all: dict[str, float]
    lost: int
    doubled: int
    refused: int
    failed: int
    cpu: dict[str, float]
    generator_cores: float
    other_cores: float
    memory_mib: dict[str, float]
    lag_ms: float
    round: int = 0

    @property
    def holds(self) -> bool:
        """True when the subject kept this rate: nothing lost or refused, p99 of delivery below a second.

        What is doubled is a fault of its own (goals.py), not a sign of too much load.
        """
        clean = self.lost == self.refused == self.failed == 0
        return clean and bool(self.posts) and self.each["p99"] < P99_LIMIT_SECONDS * 1000

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


class Load:
    """The members of one subject, connected. `close` drops them."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.pool = Pool(subject)
        self.sockets: list[Socket] = []
        self.sent: dict[bytes, Sent] = {}
        self.doubled = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.waiting: dict[int, tuple[bytes, asyncio.Future[float]]] = {}
        # Not the loop's clock: uvloop rounds that to milliseconds.
        self.now = time.perf_counter

    async def connect(self, seconds: float) -> None:
        """Connect all members over `seconds`."""
        self.sockets = await connect_members(self.subject, MEMBERS, seconds, self.heard)

    def close(self) -> None:
        """Drop all connections."""
        for task in self.tasks:
            task.cancel()
        for made in self.sockets:
            made.transport.abort()
        self.pool.close()

    def heard(self, member: int, text: bytes, at: float) -> None:
        """A member's socket showed something: tick off the posts in it."""
        if (waiting := self.waiting.get(member)) and waiting[0] in text:
            del self.waiting[member]
            waiting[1].set_result(at)
        for post_id in POST_ID.findall(text):
            sent = self.sent.get(post_id)
            if sent is None or sent.member == member:
                continue
            bit = 1 << member % MEMBERS_PER_GROUP
            if member // MEMBERS_PER_GROUP != sent.member // MEMBERS_PER_GROUP or not sent.awaited & bit:
                self.doubled += 1
                continue
            sent.awaited ^= bit
            sent.delays.append(at - sent.sent_at)
            sent.last_at = at

    def wait_for(self, member: int, text: bytes) -> "asyncio.Future[float]":
        """When a member's socket shows `text`; one wait per member at a time."""
        shown: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.waiting[member] = (text, shown)
        return shown

    async def hold(
        self, rate: float, *, warm: float, seconds: float, drain: float, warm_rate: float | None = None
    ) -> Row:
        """Offer `rate` posts/s for `warm` + `seconds`; wait up to `drain` seconds for what is under way.

        warm_rate   While warming up, when that is another rate.
        """
        self.sent.clear()
        self.doubled = 0
        gc.collect()
        gc.disable()
        try:
            await self._arrivals(warm_rate or rate, warm, in_window=False)
            before = _Used.of(self.subject)
            lags = await self._arrivals(rate, seconds, in_window=True)
            await self._drain(drain)
            after = _Used.of(self.subject)
        finally:
            gc.enable()
        return self._row(rate, seconds, lags, before, after)

    async def settle(self, seconds: float) -> None:
        """Wait up to `seconds` until nothing is under way, after the subject was asked for too much."""
        await self._drain(seconds)
        await asyncio.sleep(1.0)

    async def _arrivals(self, rate: float, seconds: float, *, in_window: bool) -> list[float]:
        started = due = self.now()
        lags: list[float] = []
        while (due := due + random.expovariate(rate)) < started + seconds:
            if (early := due - self.now()) > 0:
                await asyncio.sleep(early)
            lags.append(self.now() - due)
            task = asyncio.ensure_future(self._post(random.randrange(MEMBERS), in_window))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        await asyncio.sleep(max(0.0, started + seconds - self.now()))
        return lags

    async def _post(self, member: int, in_window: bool) -> None:
        post_id, text = new_post_id(), some_text()
        others = EVERYBODY ^ (1 << member % MEMBERS_PER_GROUP)
        sent = self.sent[post_id.encode()] = Sent(self.now(), member, in_window, others)
        body = self.subject.post_body(member, post_id, text)
        request = self.subject.request("POST", self.subject.post_path(member), member, body)
        sent.status, _ = await self.pool.ask(request)
        sent.acked_at = self.now()

    async def _drain(self, seconds: float) -> None:
        until = self.now() + seconds
        while self.now() < until:
            # A refused post is never shown: only answered ones are waited for.
            if all(
                s.status is not None and (s.status not in (200, 201) or not s.awaited)
                for s in self.sent.values()
            ):
                return
            await asyncio.sleep(0.02)

    def _row(self, rate: float, seconds: float, lags: list[float], before: "_Used", after: "_Used") -> Row:
        window = [sent for sent in self.sent.values() if sent.in_window]
        taken = [sent for sent in window if sent.status in (200, 201)]
        shown = [sent for sent in taken if not sent.awaited]
        refused = sum(sent.status in (429, 503) for sent in window)
        wall = after.at - before.at
        thousands = max(len(taken), 1) / 1000
        spent = {name: after.cpu.get(name, 0.0) - used for name, used in before.cpu.items()}
        own = (after.generator - before.generator) / wall
        return Row(
            subject=self.subject.name,
            offered=rate,
            seconds=seconds,
            posts=len(window),
            kept=len(shown) / seconds,
            ack=spread([s.acked_at - s.sent_at for s in taken if s.acked_at is not None]),
            each=spread([delay for sent in window for delay in sent.delays]),
            all=spread([s.last_at - s.sent_at for s in shown if s.last_at is not None]),
            # Everything answered counts, warm-up included.
            lost=sum(sent.awaited.bit_count() for sent in self.sent.values() if sent.status in (200, 201)),
            doubled=self.doubled,
            refused=refused,
            failed=len(window) - len(taken) - refused,
            cpu={name: used / thousands for name, used in spent.items()},
            generator_cores=own,
            other_cores=max(0.0, (after.machine - before.machine - sum(spent.values())) / wall - own),
            memory_mib=self.subject.processes.memory_mib(),
            lag_ms=spread(lags)["p99"],
        )


@dataclass(frozen=True)
class _Used:
    at: float
    cpu: dict[str, float]
    generator: float
    machine: float

    @classmethod
    def of(cls, subject: Subject) -> "_Used":
        cpu = subject.cpu_seconds()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        machine = psutil.cpu_times()
        busy = (
            sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice - machine.steal
        )
        return cls(time.monotonic(), cpu, usage.ru_utime + usage.ru_stime, busy)


GROWTH = 1.25  # of the offered rate while it holds
RESOLUTION = 1.05  # between the highest rate that holds and the lowest that does not


async def find_ceiling(
    load: Load, known: Row, *, step_seconds: float, steps_max: int = 16
) -> tuple[Row | None, list[Row]]:
    """Search the highest rate that holds: up until one fails, then bisection.

    known    the last ceiling, or a row at a low rate: its CPU per post says where the search begins
    Returns  (the best row or None, all rows)
    A rate fails when it fails twice: a machine shared with others stalls for a second now and then.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rows: list[Row] = []
    best: Row | None = None
    low, high = 0.0, 0.0
    rate = max(20.0, 0.6 * cores * 1000 / max(0.001, sum(known.cpu.values())), 0.9 * known.offered)
    for _ in range(steps_max):
        row = await _step(load, rate, step_seconds, rows)
        if not row.holds:
            row = await _step(load, rate, step_seconds, rows)
        if row.holds:
            low, best = rate, row
        else:
            high = rate
        if high and low and high / low <= RESOLUTION:
            break
        rate = (low * high) ** 0.5 if high and low else rate * GROWTH if low else rate / GROWTH
    return best, rows


async def _step(load: Load, rate: float, seconds: float, rows: list[Row]) -> Row:
    """Offer a rate; when it fails, wait until the server is quiet again."""
    row = await load.hold(rate, warm=1.0, seconds=seconds, drain=8.0)
    rows.append(row)
    if not row.holds:
        await load.settle(20.0)
    return row


def new_post_id() -> str:
    """A UUIDv7, as a phone makes it."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0x2 << 62 | tail & (1 << 62) - 1
    return str(UUID(int=value))


def some_text() -> str:
    """300 bytes of Japanese, not twice the same."""
    at = random.randrange(len(SENTENCES))
    return (SENTENCES[at:] + SENTENCES)[: TEXT_BYTES // 3]


def draft_body(member: int, post_id: str, text: str) -> bytes:
    """The body that the floors take: the author stands in it, because they know no sign-in."""
    return orjson.dumps({"id": post_id, "author": member, "text": text})


def spread(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99, max in ms; zeros when there is nothing."""
    ordered = sorted(seconds)
    if not ordered:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 3)

    return {"p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}
