"""Real processes of an installation, for tests that need more than one: started, killed, asked over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from casenet import identity
from casenet.cli.processes import PROCESSES
from casenet.database import transaction
from tests.cast import Cast, assemble, sign_in

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], object], *, seconds: float = 20, what: str = "it") -> Any:
    """Poll until `true` returns something truthy; returns that. Fails with a sentence after `seconds`."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if found := true():
                return found
        except (requests.RequestException, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class House:
    """The processes of one installation over the database and Redis of a test."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
        } | environ
        self.environ |= {"PUBLIC_ORIGIN": self.origin, "PORT": str(self.port)}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start processes of the installation's own list; waits until the web answers."""
        for process in PROCESSES:
            if process.name in names:
                self.launch(process.name)
        if "web" in names:
            wait_until(self.answers, what="an answer of the web process")

    def launch(self, name: str) -> subprocess.Popen[bytes]:
        """Start one process of the installation's own list and wait for nothing."""
        process = next(one for one in PROCESSES if one.name == name)
        environ = dict(self.environ)
        if not process.opens_seals:
            environ.pop("KEK_FILE", None)
        # Two houses at once must not share the timetable's file.
        words = [str(self.folder / word) if word == "var/beat/schedule" else word for word in process.command]
        (self.folder / "var/beat").mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(Path(sys.executable).parent / words[0]), *words[1:]],
                cwd=ROOT,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.running[name]

    def answers(self) -> bool:
        """Whether the web process answers now."""
        return requests.get(f"{self.origin}/health/live", timeout=1).ok

    def kill(self, name: str) -> None:
        """kill -9, with everything that the process started."""
        child = self.running.pop(name)
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def stop(self) -> None:
        """End everything."""
        for name in list(self.running):
            self.kill(name)

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text("utf-8", errors="replace")


class Caller:
    """A signed-in person over real HTTP."""

    def __init__(self, house: House, token: str) -> None:
        self.house = house
        self.token = token
        self.http = requests.Session()
        self.http.cookies.set("casenet", token)
        self.http.headers["X-CSRF-Token"] = identity.csrf_token(token)

    def get(self, path: str) -> Any:
        """The JSON answer to GET /api/v1…; raises unless 2xx."""
        answer = self.http.get(f"{self.house.origin}/api/v1{path}", timeout=15)
        answer.raise_for_status()
        return answer.json()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Any change under /api/v1."""
        return self.http.request(
            method,
            f"{self.house.origin}/api/v1{path}",
            json={} if body is None else body,
            headers=headers,
            timeout=15,
        )

    def post(self, path: str, body: Any = None) -> requests.Response:
        """POST under /api/v1."""
        return self.send("POST", path, body)


def populate() -> Cast:
    """The cast in the database that transaction() uses now, committed."""
    with transaction() as session:
        return assemble(session)


def caller(house: House, person_id: UUID) -> Caller:
    """This person, signed in."""
    with transaction() as session:
        token = sign_in(session, person_id)
    return Caller(house, token)
