"""Child processes of the benchmark: started in one place, measured by tree, always stopped."""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import psutil

from casenet.cli.children import spawn, stop


class StartFailed(Exception):
    """A process ended or did not listen in time; the text holds the end of its log."""


@dataclass
class Child:
    """One started process. `account`: whose CPU it counts as (server, background, postgres, redis)."""

    name: str
    account: str
    popen: subprocess.Popen[bytes]
    log: Path
    stop_signal: int = signal.SIGTERM

    def cpu_seconds(self) -> float:
        """CPU seconds, user and system, of the process, its living children and those it has reaped."""
        return sum(_cpu_of(process) for process in _tree(self.popen.pid))

    def memory_bytes(self) -> int:
        """Proportional set size of the tree; resident size where the system does not show that."""
        return sum(_memory_of(process) for process in _tree(self.popen.pid))


@dataclass
class Processes:
    """The processes of one subject, stopped last first when the block ends, whatever happened in it."""

    directory: Path
    children: list[Child] = field(default_factory=list[Child])

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all of them and wait until they have ended."""
        for child in reversed(self.children):
            stop(child.popen, with_signal=child.stop_signal)
        self.children.clear()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        account: str = "server",
        environ: Mapping[str, str],
        folder: Path,
    ) -> Child:
        """Start `command` with its output in <directory>/<name>.log; it cannot outlive us."""
        with (self.directory / f"{name}.log").open("wb") as log:
            return self.adopt(name, spawn(command, environ=environ, folder=folder, log=log), account=account)

    def adopt(
        self, name: str, popen: "subprocess.Popen[bytes]", *, account: str, stop_signal: int = signal.SIGTERM
    ) -> Child:
        """Measure and stop a process that was started elsewhere."""
        child = Child(name, account, popen, self.directory / f"{name}.log", stop_signal)
        self.children.append(child)
        return child

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds so far by account."""
        used: dict[str, float] = {}
        for child in self.children:
            used[child.account] = used.get(child.account, 0.0) + child.cpu_seconds()
        return used

    def memory_mib(self) -> dict[str, float]:
        """Memory now by account, MiB."""
        held: dict[str, float] = {}
        for child in self.children:
            held[child.account] = held.get(child.account, 0.0) + child.memory_bytes() / 2**20
        return held


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_serving(child: Child, port: int, path: str = "/ready", seconds: float = 60) -> None:
    """Return when GET `path` is answered below 400. Raises StartFailed when the child ends or is too slow."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and child.popen.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    tail = child.log.read_text("utf-8", "replace")[-2000:]
    raise StartFailed(f"{child.name} does not answer on port {port}:\n{tail}")


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    except psutil.NoSuchProcess:
        return 0.0


def _memory_of(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
