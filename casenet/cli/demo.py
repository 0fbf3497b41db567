"""`casenet demo`: a whole installation with an invented ward, as children of one process."""

import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from casenet.cli import schema
from casenet.cli.children import CannotStart, spawn
from casenet.cli.installation import DATABASE, PROJECT, Installation
from casenet.cli.processes import PROCESSES, Process
from casenet.cli.servers import Postgres, Redis, socket_folder
from casenet.cli.supervisor import Child, Supervisor
from casenet.words import say

DISK_BYTES_MIN = 500_000_000  # cluster, write-ahead log and the seeded ward, with room to use it
READY_SECONDS_MAX = 90.0
PORT_SECONDS_MAX = 5.0  # a demo that was killed lets go of its port within this


def run(folder: Path, port: int) -> None:
    """Run the demo until it is told to stop. Raises CannotStart in one sentence."""
    installation = Installation(folder, port)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder), _stopping() as stopping:
        _check_port(port)
        _check_disk(folder)
        installation.make_folders()
        sockets = _fresh_sockets(folder)
        supervisor = Supervisor(_say)
        try:
            _start(installation, sockets, supervisor, stopping)
            while not stopping():
                supervisor.look()
                time.sleep(0.2)
        except _Stopped:
            pass
        finally:
            _say("Stopping…")
            supervisor.stop({process.name for process in PROCESSES} | {"mailbox"})
            supervisor.stop()
            shutil.rmtree(sockets, ignore_errors=True)
            _say("Everything is stopped; the data is kept.")


def reset(folder: Path, port: int) -> None:
    """Throw away the demo's data. Raises CannotStart while it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder):
        Installation(folder, port).forget()
        _say("The demo's data is gone.")


class _Stopped(Exception):
    """We were told to stop while still starting."""


def _start(
    installation: Installation, sockets: Path, supervisor: Supervisor, stopping: Callable[[], bool]
) -> None:
    started = time.monotonic()
    postgres, redis = installation.postgres(sockets), installation.redis(sockets)
    _say(f"Starting PostgreSQL {postgres.program.version} and Redis (or Valkey) {redis.program.version}")
    for server in (postgres, redis):
        server.prepare()
        _add_server(installation, server, supervisor, stopping)
    card = installation.read_card()
    if card is None:  # a seeding that was interrupted begins anew
        postgres.drop_database(DATABASE)
    postgres.make_roles(installation.passwords())
    postgres.make_database(DATABASE)
    _say("Migrating the database")
    schema.upgrade(installation.owner_url(postgres))
    smtp_port = _free_port()
    settings = installation.settings(postgres, redis, smtp_port)
    if card is None:
        _say("Inventing a ward: offices, people, patients, posts, a duty roster")
        card = _seed(installation, settings, stopping)
    installation.write_card(
        card | {"address": installation.address, "mail": str(installation.mail.resolve())}
    )
    _say("Starting " + ", ".join(process.name for process in PROCESSES))
    letterbox = (
        sys.executable,
        "-m",
        "casenet.cli.mailbox",
        str(installation.mail.resolve()),
        str(smtp_port),
    )
    _add(installation, supervisor, "mailbox", letterbox, settings)
    for process in PROCESSES:
        environ = installation.with_key(settings) if process.opens_seals else settings
        _add(installation, supervisor, process.name, _in_this_environment(process), environ)
    _wait_until_ready(installation, supervisor, stopping)
    _welcome(installation, card, time.monotonic() - started)


def _add_server(
    installation: Installation, server: Postgres | Redis, supervisor: Supervisor, stopping: Callable[[], bool]
) -> None:
    name = type(server).__name__.lower()
    log = (installation.folder / "log" / f"{name}.log").resolve()
    supervisor.add(Child(name, server.start, server.stop_signal, log))
    until = time.monotonic() + READY_SECONDS_MAX
    while not server.answers():
        _go_on(supervisor, stopping, until, f"{name} did not answer in time; its log is {log}.")


def _add(
    installation: Installation,
    supervisor: Supervisor,
    name: str,
    command: tuple[str, ...],
    environ: Mapping[str, str],
) -> None:
    def start(log: IO[bytes]) -> Popen[bytes]:
        return spawn(command, environ=environ, folder=PROJECT, log=log)

    log = (installation.folder / "log" / f"{name}.log").resolve()
    supervisor.add(Child(name, start, signal.SIGTERM, log))


def _in_this_environment(process: Process) -> tuple[str, ...]:
    """The command with its program taken from the virtual environment that we run in."""
    program, *words = process.command
    if program == "python":
        return (sys.executable, *words)
    return (str(Path(sys.executable).parent / program), *words)


def _seed(
    installation: Installation, settings: Mapping[str, str], stopping: Callable[[], bool]
) -> dict[str, Any]:
    """Run the seeding in a process of its own, with its progress on our terminal. Returns the card."""
    with tempfile.NamedTemporaryFile(dir=installation.folder / "secrets") as answer:
        command = (sys.executable, "-m", "casenet.cli.world", answer.name)
        environ = installation.with_key(settings) | {"STATEMENT_TIMEOUT_MS": "60000"}
        child = spawn(command, environ=environ, folder=PROJECT, log=sys.stdout.buffer)
        while child.poll() is None:
            if stopping():
                child.kill()
                child.wait()
                raise _Stopped
            time.sleep(0.05)
        if child.returncode != 0:
            raise CannotStart("The invented ward could not be written (see above).")
        return json.loads(Path(answer.name).read_text("utf-8"))


def _wait_until_ready(
    installation: Installation, supervisor: Supervisor, stopping: Callable[[], bool]
) -> None:
    until = time.monotonic() + READY_SECONDS_MAX
    while True:
        with suppress(URLError, OSError), urlopen(f"{installation.address}/health/ready", timeout=5):  # noqa: S310
            return
        log = installation.folder / "log" / "web.log"
        _go_on(supervisor, stopping, until, f"The web did not become ready in time; its log is {log}.")


def _go_on(supervisor: Supervisor, stopping: Callable[[], bool], until: float, too_late: str) -> None:
    """One breath while waiting for a start. Raises _Stopped or CannotStart when waiting is over."""
    if stopping():
        raise _Stopped
    supervisor.look()
    supervisor.check_start()
    if time.monotonic() > until:
        raise CannotStart(too_late)
    time.sleep(0.05)


def _welcome(installation: Installation, card: Mapping[str, Any], seconds: float) -> None:
    click.echo(f"\nCaseNet runs at {installation.address}  (started in {seconds:.1f} s; ctrl-C stops it)\n")
    click.echo("Sign in with one of the marked buttons, or with login, password and code; for example:")
    for person in card["people"][:4]:
        profession = say(f"vocabulary.profession.{person['profession']}")
        click.echo(f"  {person['login']:<10} {person['password']:<18} {person['name']} ({profession})")
    click.echo(f"Everybody, with the secrets of the second factor: {installation.card}\n")
    click.echo("What to try:")
    for line in card["try"]:
        click.echo(f"  - {line}")
    click.echo(f"Mail arrives in {installation.mail}, logs in {installation.folder / 'log'}.\n")


@contextmanager
def _only_one(folder: Path) -> Generator[None]:
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
def _stopping() -> Generator[Callable[[], bool]]:
    """Turn ctrl-C, SIGTERM and a closed terminal into a question that the loops ask."""
    received: list[int] = []
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in wanted}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_port(port: int) -> None:
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


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES_MIN:
        raise CannotStart(
            f"The disk of {folder} is nearly full: {free // 1_000_000} MB are free, "
            f"the demo needs {DISK_BYTES_MIN // 1_000_000} MB."
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _fresh_sockets(folder: Path) -> Path:
    """A directory for the sockets; that of a demo that was killed is removed."""
    note = folder / "sockets"
    if note.exists():
        old = Path(note.read_text())
        if old.name.startswith("casenet-"):
            shutil.rmtree(old, ignore_errors=True)
    sockets = socket_folder()
    note.write_text(str(sockets))
    return sockets


def _say(line: str) -> None:
    click.echo(f"── {line}")
