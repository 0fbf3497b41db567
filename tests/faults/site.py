"""An installation with servers of its own that is broken on purpose, and mended as a supervisor would."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from casenet.cli.children import CannotStart
from casenet.cli.servers import Postgres
from tests.conftest import Running, Servers
from tests.house import House, wait_until


def parents() -> dict[int, int]:
    """Every process of this machine and its parent."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)
    return {int(pid): int(parent) for pid, parent in (line.split() for line in said.stdout.splitlines())}


def children_of(pid: int) -> list[int]:
    """The processes that `pid` has started, the oldest first."""
    place = Path("/proc/self/stat")
    if not place.exists():
        return sorted(child for child, parent in parents().items() if parent == pid)
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def tree_of(pid: int) -> list[int]:
    """`pid` and everything below it."""
    return [pid, *(below for child in children_of(pid) for below in tree_of(child))]


Broken = tuple[str, float, Callable[[], object]]  # what, when to mend it, how


@dataclass
class Site:
    """Break one thing, and have it mended after a while. Call from the main thread only.

    away     When PostgreSQL was not there, on the wall clock: what waits for it may be later by so much.
    late_seconds  From "it is due" to the outside, when no dead sender holds it and PostgreSQL is there.
    journal  What was killed and mended, and when: for whoever reads a breach.
    deaths   Processes that ended although nobody killed them; a supervisor brings them back.
    """

    house: House
    servers: Servers
    kept: tuple[str, ...]
    away: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    journal: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    deaths: list[str] = field(default_factory=list[str])
    broken: list[Broken] = field(default_factory=list[Broken])
    kills: dict[str, int] = field(default_factory=dict[str, int])
    gone_at: float = 0.0
    # Nightwatch looks once a second at what is two seconds late; the rest is two busy cores that start programs
    # anew all the time.
    late_seconds: float = 8.0

    def start(self) -> None:
        """Everything that is kept running."""
        self.house.start(*self.kept)

    def is_whole(self, what: str) -> bool:
        return all(name != what for name, _, _ in self.broken)

    def kill(self, what: str, down_seconds: float) -> bool:
        """kill -9 `what`; after `down_seconds` it is started again. False when it is down already.

        what   A process of the house, "… child" for one of its children, redis, postgres, "postgres child".
        """
        target, _, child = what.partition(" ")
        if not self.is_whole(target):
            return False
        self.journal.append((time.time(), f"kill {what}"))
        if child:
            return self._kill_child(what, target)
        if target == "postgres":
            self.kill_postgres()
            self.broken.append((target, time.monotonic() + down_seconds, self.mend_postgres))
        elif target == "redis":
            self.servers.redis.kill()
            self.broken.append((target, time.monotonic() + down_seconds, self.servers.redis.start))
        else:
            self.house.kill(target)
            self.broken.append((target, time.monotonic() + down_seconds, lambda: self._launch(target)))
        self.kills[what] = self.kills.get(what, 0) + 1
        return True

    def _kill_child(self, what: str, target: str) -> bool:
        server = self.servers.postgres.child if target == "postgres" else self.house.running[target]
        found = children_of(server.pid)
        if not found:
            return False
        if target == "postgres":
            # One dead session makes the server throw all of them out and recover: away for a moment.
            self.away.append((time.time(), time.time() + 1.0))
        with suppress(ProcessLookupError):
            os.kill(found[-1], signal.SIGKILL)
        self.kills[what] = self.kills.get(what, 0) + 1
        return True

    def kill_postgres(self) -> None:
        """The server and all its sessions, at once: each of them is in a process group of its own."""
        running = self.servers.postgres
        sessions = children_of(running.child.pid)
        self.gone_at = time.time()
        running.kill()
        for pid in sessions:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def mend_postgres(self) -> None:
        """Start it until it stays: a session that died a moment late holds its memory for a moment."""
        ends = time.monotonic() + 30
        while True:
            try:
                self.servers.postgres.start()
                break
            except CannotStart:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)
        self.away.append((self.gone_at, time.time()))

    def _launch(self, name: str) -> None:
        self.house.launch(name)

    def look(self) -> None:
        """Mend what is due, and start again what died by itself. Call a few times a second."""
        now = time.monotonic()
        for broken in [one for one in self.broken if one[1] <= now]:
            broken[2]()
            self.journal.append((time.time(), f"mended {broken[0]}"))
            self.broken.remove(broken)
        for name, child in list(self.house.running.items()):
            if child.poll() is not None:
                self.deaths.append(f"{name} ended with {child.returncode}")
                self.house.kill(name)
                self._launch(name)

    def mend(self) -> None:
        """Mend everything now and wait until it answers."""
        self.broken = [(name, 0.0, how) for name, _, how in self.broken]
        self.look()
        wait_until(self.house.answers, seconds=30, what="an answer of the web process")

    @contextmanager
    def frozen(self, what: str) -> Generator[None]:
        """SIGSTOP: it is there, takes connections, and answers nothing."""
        server = self.servers.postgres.child if what == "postgres" else self.house.running[what]
        pids, since = tree_of(server.pid), time.time()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            if what == "postgres":
                self.away.append((since, time.time()))

    def around(self, since: float, until: float) -> str:
        """What happened to the site from ten seconds before to the end, in seconds from `since`."""
        near = [(at, what) for at, what in self.journal if since - 10 < at < until]
        return ", ".join(f"{at - since:+.1f} {what}" for at, what in near) or "nothing was broken"

    def seconds_away(self, since: float, until: float) -> float:
        """How long PostgreSQL was away between two moments."""
        return sum(max(0.0, min(until, end) - max(since, start)) for start, end in self.away)


def data_folder(servers: Servers) -> Path:
    """Where PostgreSQL keeps everything."""
    server: Running = servers.postgres
    assert isinstance(server.server, Postgres)
    return server.server.home / "data"
