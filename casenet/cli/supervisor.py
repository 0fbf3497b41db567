"""Keeps child processes running, and ends them all."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

from casenet.cli.children import CannotStart, kill_group
from casenet.cli.places import last_line

LOG_BYTES_MAX = 10_000_000  # of one process; longer ones begin anew at the next start
RESTART_SECONDS_MAX = 5.0
STEADY_SECONDS = 20.0  # a child that ran this long did start well


@dataclass
class Child:
    """One process to keep running.

    start        Starts it with its output in the given file.
    stop_signal  Asks it to end in an orderly way.
    """

    name: str
    start: Callable[[IO[bytes]], Popen[bytes]]
    stop_signal: int
    log: Path
    process: Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float = field(default=0.0)

    def launch(self) -> Popen[bytes]:
        """Start it; its output is added to its log."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.unlink()
        with self.log.open("ab") as log:
            self.process = self.start(log)
        self.started_at = time.monotonic()
        return self.process

    def last_words(self) -> str:
        """The last line of its log."""
        with self.log.open("rb") as log:
            return last_line(log)


class Supervisor:
    """Starts children in order, restarts those that die, stops them in the opposite order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.children: list[Child] = []

    def add(self, child: Child) -> Child:
        """Start a child and keep it running from now on."""
        self.children.append(child)
        child.launch()
        return child

    def look(self) -> None:
        """Restart whatever has died. Call this a few times a second.

        Waits longer after each death in a row (0.2 s up to RESTART_SECONDS_MAX).
        """
        now = time.monotonic()
        for child in self.children:
            process = child.process
            if process is not None and process.poll() is not None:
                # Its own children may still hold the port or a lock.
                kill_group(process)
                child.deaths = 1 if now - child.started_at > STEADY_SECONDS else child.deaths + 1
                child.start_again_at = now + min(0.1 * 2**child.deaths, RESTART_SECONDS_MAX)
                child.process = None
                self._say(f"{child.name} ended with {process.returncode}; starting it again ({child.log}).")
            if child.process is None and now >= child.start_again_at:
                child.launch()

    def check_start(self) -> None:
        """Raise CannotStart with the last words of a child that dies again and again."""
        for child in self.children:
            if child.deaths >= 3:
                raise CannotStart(f"{child.name} does not stay up: {child.last_words()} (see {child.log})")

    def stop(self, names: set[str] | None = None, *, seconds: float = 10) -> None:
        """End the named children (all by default) together; kill what is left of them after `seconds`."""
        chosen = [child for child in reversed(self.children) if names is None or child.name in names]
        running = [(child, child.process) for child in chosen if child.process is not None]
        for child, process in running:
            if process.poll() is None:
                os.kill(process.pid, child.stop_signal)
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(process.poll() is None for _, process in running):
            time.sleep(0.05)
        for child, process in running:
            kill_group(process)
            child.process = None
        self.children = [child for child in self.children if child not in chosen]
