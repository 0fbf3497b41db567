"""What must be true before the demo starts, each said in one sentence when it is not."""

import fcntl
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from casenet.cli.children import CannotStart
from casenet.cli.places import socket_folder

DISK_BYTES_MIN = 500_000_000  # cluster, write-ahead log and the seeded ward, with room to use it
PORT_SECONDS_MAX = 5.0  # a demo that was killed lets go of its port within this


@contextmanager
def only_one(folder: Path) -> Generator[None]:
    """Hold the directory. The lock goes with us, however we end."""
    with (folder / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"The demo is already running in {folder} (process {lock.read().strip()}): stop it first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def told_to_stop() -> Generator[Callable[[], bool]]:
    """Turn ctrl-C, SIGTERM and a closed terminal into a question that the loops ask."""
    received: list[int] = []
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in wanted}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_port(port: int) -> None:
    until = time.monotonic() + PORT_SECONDS_MAX
    while True:
        with socket.socket() as probe:
            # As the web itself does: connections of a demo that was just stopped do not hold the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return
            except OSError as error:
                said = error.strerror
        if time.monotonic() > until:
            raise CannotStart(
                f"Port {port} cannot be used ({said}): choose another with `make demo PORT=8001`."
            )
        time.sleep(0.2)


def check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES_MIN:
        raise CannotStart(
            f"The disk of {folder} is nearly full: {free // 1_000_000} MB are free, "
            f"the demo needs {DISK_BYTES_MIN // 1_000_000} MB."
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fresh_sockets(folder: Path) -> Path:
    """A directory for the sockets; that of a demo that was killed is removed."""
    note = folder / "sockets"
    if note.exists():
        old = Path(note.read_text())
        if old.name.startswith("casenet-"):
            shutil.rmtree(old, ignore_errors=True)
    sockets = socket_folder()
    note.write_text(str(sockets))
    return sockets
