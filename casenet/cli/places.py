"""Where the servers of the demo and the tests keep their files, and who can reach them."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from casenet.cli.children import Unprivileged, spawn, unprivileged
from casenet.cli.programs import Program

# sun_path holds 108 bytes on Linux and 104 on macOS, with the ending zero; PostgreSQL adds 14.
SOCKET_FOLDER_BYTES_MAX = 80


def socket_folder() -> Path:
    """A new short directory for Unix sockets that the servers can write and other people cannot enter."""
    base = tempfile.gettempdir()
    short = len(base) < SOCKET_FOLDER_BYTES_MAX - len("/casenet-12345678")
    folder = Path(tempfile.mkdtemp(prefix="casenet-", dir=base if short else "/tmp"))  # noqa: S108
    hand_over(folder, unprivileged())
    return folder


def hand_over(folder: Path, user: Unprivileged | None) -> None:
    """Give a directory of ours to the user who runs the servers; its parents are left as they are."""
    if user:
        os.chown(folder, user.user, user.group)


def can_reach(folder: Path, user: Unprivileged | None) -> bool:
    """Whether `user` can enter `folder`: a project in a private home directory is closed to `nobody`."""
    if user is None:
        return True
    return spawn(["/bin/sh", "-c", 'cd "$0"', folder], as_user=user).wait() == 0


def reachable(program: Program, home: Path, user: Unprivileged | None) -> Program:
    """`program`, or a copy of it under `home` when `user` cannot reach it where it is installed."""
    if can_reach(program.path.parent, user):
        return program
    copy = home / f"{program.path.name}-{program.version}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(program.tree, unfinished, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):  # of the copy only: it may have been private
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
        unfinished.rename(copy)
    return program.moved(copy)


def last_line(log: IO[bytes]) -> str:
    """The last thing a program said, in words for the person at the terminal."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    said = lines[-1] if lines else "it said nothing."
    full = os.strerror(errno.ENOSPC)
    return f"the disk is full ({full})." if any(full in line for line in lines) else said
