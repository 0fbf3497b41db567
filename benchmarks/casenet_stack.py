"""CaseNet as the subject: every process of an installation, from the list that demo and production use."""

import json
import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import orjson

from benchmarks.floors import PROJECT
from benchmarks.processes import Processes, StartFailed, free_port, wait_until_serving
from benchmarks.servers import Servers
from benchmarks.subject import MEMBERS_PER_GROUP, Subject
from casenet.cli import schema
from casenet.cli.processes import PROCESSES
from casenet.cli.servers import APPLICATION, OWNER
from casenet.crypto.keys import new_kek

DATABASE = "bench_casenet"
API = "/api/v1"


@contextmanager
def casenet_stack(servers: Servers, directory: Path) -> Iterator[Subject]:
    """Migrate, seed, start web (2 workers), the Celery workers, beat and nightwatch. Raises StartFailed."""
    own = directory / "casenet"
    with Processes(own) as processes:
        servers.new_database(DATABASE)
        schema.upgrade(servers.postgres.url(OWNER, DATABASE))
        port = free_port()
        environ = environment(servers, own, port)
        world = seed(environ, own)
        servers.analyze(DATABASE)
        for process in PROCESSES:
            given = environ if process.opens_seals else {k: v for k, v in environ.items() if k != "KEK_FILE"}
            account = "server" if process.name == "web" else "background"
            command = command_of(process.command, own)
            child = processes.start(process.name, command, account=account, environ=given, folder=PROJECT)
            if process.name == "web":
                web = child
        wait_until_serving(web, port, "/health/live")
        yield subject_of(servers, processes, port, world)


def environment(servers: Servers, directory: Path, port: int) -> dict[str, str]:
    """What CaseNet is told: the run's database and Redis, fresh keys, mail and push that lead nowhere."""
    kek = directory / "kek"
    kek.write_text(new_kek(1), "ascii")
    return {
        **os.environ,
        "DATABASE_URL": servers.postgres.url(APPLICATION, DATABASE),
        "REDIS_URL": servers.redis.url,
        "KEK_FILE": str(kek),
        "PUBLIC_ORIGIN": f"http://127.0.0.1:{port}",
        "PEPPER": os.urandom(24).hex(),
        "VAPID_PRIVATE_KEY": urlsafe_b64encode(os.urandom(32)).decode().rstrip("="),
        "VAPID_SUBJECT": "mailto:bench@casenet.invalid",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "bench@casenet.invalid",
        "LOG_LEVEL": "warning",
        # Overrides no line of gunicorn_conf.py but the address.
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        "PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def command_of(command: tuple[str, ...], directory: Path) -> list[str]:
    """A command of the list, with this interpreter's programs and with its files in our own directory."""
    programs = Path(sys.executable).parent
    first = sys.executable if command[0] == "python" else str(programs / command[0])
    rest = [str(directory / "beat-schedule") if word == "var/beat/schedule" else word for word in command[1:]]
    return [first, *rest]


def seed(environ: dict[str, str], directory: Path) -> dict[str, object]:
    """Run casenet_world in CaseNet's environment. Raises StartFailed with its last words."""
    world = directory / "world.json"
    command = [sys.executable, "-m", "benchmarks.casenet_world", str(world)]
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartFailed(f"seeding CaseNet failed:\n{done.stderr[-2000:]}")
    return json.loads(world.read_text("utf-8"))


def subject_of(servers: Servers, processes: Processes, port: int, world: dict[str, object]) -> Subject:
    """How the generator speaks to CaseNet: as the phone does, with session cookie and CSRF header."""
    groups = cast("list[str]", world["groups"])
    members = cast("list[dict[str, str]]", world["members"])
    headers = [
        f"Cookie: casenet={member['token']}\r\nX-CSRF-Token: {member['csrf']}\r\n"
        f"Origin: http://127.0.0.1:{port}\r\n".encode()
        for member in members
    ]
    return Subject(
        name="CaseNet",
        port=port,
        processes=processes,
        shared=servers.processes,
        engine_io=True,
        post_path=lambda member: f"{API}/groups/{groups[member // MEMBERS_PER_GROUP]}/posts",
        post_body=lambda _, post_id, text: orjson.dumps({"id": post_id, "kind": "report", "text": text}),
        socket_path=lambda _: "/socket.io/?EIO=4&transport=websocket",
        headers=lambda member: headers[member],
        history=(f"{API}/groups/{world['history']}/posts?limit=50", 0),
        facts=world | {"older": "&before={}"},
    )
