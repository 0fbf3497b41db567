"""`casenet demo`: a whole installation with an invented ward, as children of one process."""

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import IO, Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from casenet.cli import schema
from casenet.cli.beforehand import check_disk, check_port, free_port, fresh_sockets, only_one, told_to_stop
from casenet.cli.children import CannotStart, spawn
from casenet.cli.installation import DATABASE, PROJECT, Installation
from casenet.cli.processes import PROCESSES, Process
from casenet.cli.servers import Postgres, Redis
from casenet.cli.supervisor import Child, Supervisor
from casenet.words import say

START_SECONDS_MAX = 90.0


def run(folder: Path, port: int, *, posts_max: int) -> None:
    """Run the demo until it is told to stop. Raises CannotStart in one sentence.

    posts_max   How many posts a timeline gets at most when the ward is invented.
    """
    installation = Installation(folder, port)
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder), told_to_stop() as stopping:
        check_port(port)
        check_disk(folder)
        installation.make_folders()
        sockets = fresh_sockets(folder)
        supervisor = Supervisor(_tell)
        try:
            _Start(installation, sockets, supervisor, stopping, posts_max).everything()
            while not stopping():
                supervisor.look()
                time.sleep(0.2)
        except _Stopped:
            pass
        finally:
            _tell("Stopping…")
            supervisor.stop({process.name for process in PROCESSES} | {"mailbox"})
            supervisor.stop()
            shutil.rmtree(sockets, ignore_errors=True)
            _tell("Everything is stopped; the data is kept.")


def reset(folder: Path, port: int) -> None:
    """Throw away the demo's data. Raises CannotStart while it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder):
        Installation(folder, port).forget()
        _tell("The demo's data is gone.")


def _tell(line: str) -> None:
    click.echo(f"── {line}")


class _Stopped(Exception):
    """We were told to stop while still starting."""


@dataclass(frozen=True)
class _Start:
    """The steps from nothing to a running ward."""

    installation: Installation
    sockets: Path
    supervisor: Supervisor
    stopping: Callable[[], bool]
    posts_max: int

    def everything(self) -> None:
        """Start servers, schema, ward and processes in order."""
        started = time.monotonic()
        ours = self.installation
        postgres, redis = ours.postgres(self.sockets), ours.redis(self.sockets)
        _tell(f"Starting PostgreSQL {postgres.program.version} and Redis (or Valkey) {redis.program.version}")
        self._server(postgres)
        self._server(redis)
        card = ours.read_card()
        if card is None:  # a seeding that was interrupted begins anew
            postgres.drop_database(DATABASE)
        postgres.make_roles(ours.passwords())
        postgres.make_database(DATABASE)
        _tell("Migrating the database")
        schema.upgrade(ours.owner_url(postgres))
        smtp_port = free_port()
        settings = ours.settings(postgres, redis, smtp_port)
        if card is None:
            _tell("Inventing a ward: offices, people, patients, posts, a duty roster")
            card = self._seed(settings)
        ours.write_card(card | {"address": ours.address, "mail": str(ours.mail.resolve())})
        _tell("Starting " + ", ".join(process.name for process in PROCESSES))
        letterbox = ("python", "-m", "casenet.cli.mailbox", str(ours.mail.resolve()), str(smtp_port))
        self._process(Process("mailbox", letterbox, opens_seals=False), settings)
        for process in PROCESSES:
            self._process(process, ours.with_key(settings) if process.opens_seals else settings)
        self._wait_until_ready()
        _welcome(ours, card, time.monotonic() - started)

    def _server(self, server: Postgres | Redis) -> None:
        server.prepare()
        name = type(server).__name__.lower()
        log = self.installation.log(name)
        self.supervisor.add(Child(name, server.start, server.stop_signal, log))
        until = time.monotonic() + START_SECONDS_MAX
        while not server.answers():
            self._breathe(until, f"{name} did not answer in time; its log is {log}.")

    def _process(self, process: Process, environ: Mapping[str, str]) -> None:
        command = _here(process, self.installation.folder)

        def start(log: IO[bytes]) -> Popen[bytes]:
            return spawn(command, environ=environ, folder=PROJECT, log=log)

        self.supervisor.add(Child(process.name, start, signal.SIGTERM, self.installation.log(process.name)))

    def _seed(self, settings: Mapping[str, str]) -> dict[str, Any]:
        """Run the seeding in a process of its own, with its progress on our terminal. Returns the card."""
        with tempfile.NamedTemporaryFile(dir=self.installation.folder / "secrets") as answer:
            command = (sys.executable, "-m", "casenet.cli.world", answer.name, str(self.posts_max))
            environ = self.installation.with_key(settings)
            sys.stdout.flush()
            child = spawn(command, environ=environ, folder=PROJECT, log=sys.stdout.buffer)
            while child.poll() is None:
                if self.stopping():
                    child.kill()
                    child.wait()
                    raise _Stopped
                time.sleep(0.05)
            if child.returncode != 0:
                raise CannotStart("The invented ward could not be written (see above).")
            return json.loads(Path(answer.name).read_text("utf-8"))

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            with (
                suppress(URLError, OSError),
                urlopen(f"{self.installation.address}/health/ready", timeout=5),  # noqa: S310
            ):
                return
            log = self.installation.log("web")
            self._breathe(until, f"The web did not become ready in time; its log is {log}.")

    def _breathe(self, until: float, too_late: str) -> None:
        """One breath while waiting. Raises _Stopped or CannotStart when waiting is over."""
        if self.stopping():
            raise _Stopped
        self.supervisor.look()
        self.supervisor.check_start()
        if time.monotonic() > until:
            raise CannotStart(too_late)
        time.sleep(0.05)


def _here(process: Process, folder: Path) -> tuple[str, ...]:
    """The command with its program from our virtual environment and what it keeps in var/ in our folder."""
    program, *words = process.command
    path = sys.executable if program == "python" else str(Path(sys.executable).parent / program)
    kept = (
        str(folder.resolve() / word.removeprefix("var/")) if word.startswith("var/") else word
        for word in words
    )
    return (path, *kept)


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
