"""The demo as a person runs it: it starts, serves, mends itself, keeps its data, leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from casenet.cli import beforehand
from casenet.cli.children import CannotStart
from casenet.cli.processes import PROCESSES

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]
PATIENCE_SECONDS = 60.0
COMMAND = Path(sys.executable).parent / "casenet"


@dataclass
class Demo:
    """One demo under test. `family` are all processes below it when it last was looked at."""

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    family: tuple[psutil.Process, ...] = ()

    def start(self) -> float:
        """Start it; returns the seconds until it is ready."""
        begun = time.monotonic()
        words = ["demo", "--port", str(self.port), "--folder", str(self.folder), "--posts-max", "60"]
        log = (self.folder / "terminal").open("w+")
        self.process = subprocess.Popen([COMMAND, *words], stdout=log, stderr=log, text=True)
        wait_until(lambda: "CaseNet runs at" in self.said() or self.process.poll() is not None, self.said)
        assert self.process.poll() is None, self.said()
        self.look()
        return time.monotonic() - begun

    def look(self) -> None:
        self.family = tuple(psutil.Process(self.process.pid).children(recursive=True))

    def said(self) -> str:
        return (self.folder / "terminal").read_text()

    def survivors(self) -> list[str]:
        """What of its processes still runs; a zombie has ended."""
        return [describe(process) for process in self.family if alive(process)]

    def get(self, path: str) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def is_ready(self) -> bool:
        try:
            return self.get("/health/ready")["ready"]
        except OSError:
            return False

    @property
    def card(self) -> dict[str, Any]:
        return json.loads((self.folder / "demo.json").read_text())


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def describe(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.NoSuchProcess:
        return "gone"


def wait_until(fact: Any, say: Any = str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not fact():
        assert time.monotonic() < until, say()
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="casenet-demo-"))
    made.chmod(0o755)
    yield made
    subprocess.run([COMMAND, "demo", "--reset", "--folder", made], check=False, capture_output=True)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def demo(folder: Path) -> Iterator[Demo]:
    made = Demo(folder, free_port())
    yield made
    if made.process and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)


def test_it_starts_serves_keeps_its_data_and_leaves_no_process(demo: Demo) -> None:
    demo.start()

    assert demo.is_ready()
    card = demo.card
    assert card["address"] == f"http://127.0.0.1:{demo.port}"
    assert len(card["people"]) == 12
    assert (demo.folder / "demo.json").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (demo.folder / "secrets").iterdir())
    me = signed_in(demo, card["people"][0]["id"])
    assert me["person"]["name"] == card["people"][0]["name"]
    assert {process.name for process in PROCESSES} <= {path.stem for path in (demo.folder / "log").iterdir()}

    demo.look()
    assert demo.process
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(30) == 0
    assert demo.survivors() == []
    assert not Path((demo.folder / "sockets").read_text()).exists()

    second = demo.start()

    assert second < 30
    assert demo.card["people"] == card["people"]
    assert "Inventing" not in demo.said()
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(30) == 0
    assert demo.survivors() == []


def signed_in(demo: Demo, person_id: str) -> Any:
    request = Request(
        f"http://127.0.0.1:{demo.port}/api/v1/demo/session",
        json.dumps({"person_id": person_id}).encode(),
        {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{demo.port}"},
    )
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_what_dies_is_started_again_and_a_killed_demo_takes_its_children_along(demo: Demo) -> None:
    demo.start()
    assert demo.process
    for word in ("postgres", "valkey-server|redis-server", "gunicorn", "workers.nightwatch", "celery"):
        demo.look()
        killed = next(process for process in demo.family if re.search(word, describe(process)))
        killed.kill()
        wait_until(lambda killed=killed: not alive(killed))
        wait_until(demo.is_ready, demo.said)
        wait_until(lambda word=word: any(re.search(word, describe(child)) for child in running(demo)))

    demo.look()
    demo.process.kill()
    demo.process.wait(10)

    if sys.platform == "linux":
        wait_until(lambda: not demo.survivors(), lambda: str(demo.survivors()))
    demo.start()
    assert demo.is_ready()


def running(demo: Demo) -> tuple[psutil.Process, ...]:
    demo.look()
    return tuple(process for process in demo.family if alive(process))


def failed(folder: Path, *words: str, **environ: str) -> str:
    """What a demo that cannot start says; it must end by itself, with one sentence and no traceback."""
    done = subprocess.run(
        [COMMAND, "demo", "--folder", folder, "--posts-max", "5", *words],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


def test_a_taken_port_is_one_sentence(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        said = failed(folder, "--port", str(port))

    assert said.startswith(f"Port {port} cannot be used")
    assert "PORT=" in said


def test_a_missing_program_is_one_sentence(folder: Path) -> None:
    said = failed(folder, "--port", str(free_port()), CASENET_POSTGRES_BIN="/nowhere")

    assert said == "CASENET_POSTGRES_BIN is set, but /nowhere/postgres is not a program that runs here."


def test_a_second_demo_in_the_same_directory_is_one_sentence(folder: Path) -> None:
    with beforehand.only_one(folder):
        said = failed(folder)

    assert f"already running in {folder} (process {os.getpid()})" in said


def test_a_nearly_full_disk_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beforehand, "DISK_BYTES_MIN", 10**18)

    with pytest.raises(CannotStart, match=r"nearly full: \d+ MB are free, the demo needs"):
        beforehand.check_disk(folder)
