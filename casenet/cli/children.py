"""Starting a program so that it cannot outlive us, and stopping it."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO


class CannotStart(Exception):
    """One sentence, for the person at the terminal, saying what is missing or in the way."""


@dataclass(frozen=True)
class Unprivileged:
    """Who runs the servers when we are root: PostgreSQL refuses to run as root."""

    user: int
    group: int


def unprivileged() -> Unprivileged | None:
    """The user for the servers, or None when we are not root and simply run them ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Unprivileged(entry.pw_uid, entry.pw_gid)


def spawn(
    command: Sequence[str | Path],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | str = "/",
    log: IO[bytes] | None = None,
    death_signal: int = signal.SIGTERM,
    as_user: Unprivileged | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that ctrl-C reaches only us and we stop it in order.

    log           Where its output goes; None throws it away.
    death_signal  What Linux sends it when we die without a chance to stop it (kill -9).
                  Bound to the thread that starts the child: call this from the main thread.
    as_user       Drop to this user first.

    Raises CannotStart when the program cannot be run at all.
    """
    output = subprocess.DEVNULL if log is None else log
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            env=None if environ is None else dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Safe here although threads make it doubtful in general: it calls one system call.
            preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509
            user=as_user.user if as_user else None,
            group=as_user.group if as_user else None,
            extra_groups=[] if as_user else None,
        )
    except OSError as error:
        raise CannotStart(f"{command[0]} cannot be started: {error.strerror}.") from error


def stop(child: subprocess.Popen[bytes], *, with_signal: int = signal.SIGTERM, seconds: float = 10) -> None:
    """Ask `child` to end, wait up to `seconds`, then kill whatever is left of its process group."""
    if child.poll() is None:
        child.send_signal(with_signal)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill `child` and everything that it started and that stayed in its process group."""
    with suppress(ProcessLookupError, PermissionError):  # Darwin says EPERM for a group of zombies
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _die_with_parent(death_signal: int) -> Callable[[], None] | None:
    """Linux only: have the kernel end the child with us. Elsewhere only an orderly stop ends it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: no import lock after it
    parent, pr_set_pdeathsig = os.getpid(), 1

    def arrange() -> None:
        prctl(pr_set_pdeathsig, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # we died between the fork and the line above
            os._exit(1)

    return arrange
