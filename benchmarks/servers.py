"""PostgreSQL and Redis for a run: one cluster for all subjects, on Unix sockets, durable as in production."""

import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from os import environ
from pathlib import Path

import psycopg

from benchmarks.processes import Processes
from casenet.cli.children import spawn, unprivileged
from casenet.cli.places import hand_over, socket_folder
from casenet.cli.servers import OWNER, Postgres, Redis, wait_until_answers

# An acknowledged post is on the disk, for every subject alike; sizes as in the rivals' measurements.
POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_sync_method": "fdatasync",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_connections": "200",
    "listen_addresses": "",
    "log_min_messages": "warning",
}


@dataclass
class Servers:
    """Running PostgreSQL and Redis. Their processes are in `processes`, accounts "postgres" and "redis"."""

    processes: Processes
    postgres: Postgres
    redis: Redis
    homes: tuple[Path, ...]

    def new_database(self, name: str) -> None:
        """Drop and make database `name`."""
        self.postgres.drop_database(name)
        self.postgres.make_database(name)

    def analyze(self, database: str) -> None:
        """What autovacuum does within a minute: the planner shall know what was seeded."""
        with psycopg.connect(self.libpq_url(OWNER, database), autocommit=True) as connection:
            connection.execute("ANALYZE")

    def libpq_url(self, role: str, database: str) -> str:
        """The address of a database for asyncpg and other drivers that know no SQLAlchemy dialect."""
        return self.postgres.url(role, database).replace("+psycopg", "")

    def redis_url(self, number: int) -> str:
        """The address of Redis database `number`."""
        return f"{self.redis.url}?db={number}"

    def versions(self) -> dict[str, str]:
        """What the two programs say of themselves."""
        return {"postgres": _version(self.postgres.program.path), "redis": _version(self.redis.program.path)}

    def remove(self) -> None:
        """Remove their directories; call it after the processes have ended."""
        for home in self.homes:
            shutil.rmtree(home, ignore_errors=True)


def start_servers(processes: Processes) -> Servers:
    """Start both servers in temporary directories. They end with `processes`; `remove` clears the rest."""
    home, sockets = Path(tempfile.mkdtemp(prefix="casenet-bench-")), socket_folder()
    hand_over(home, unprivileged())
    postgres, redis = Postgres.at(home, sockets, environ), Redis.at(home, sockets, environ, durable=False)
    postgres.prepare()
    redis.prepare()
    settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(sockets)}
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (processes.directory / "postgres.log").open("w+b") as log:
        command = [postgres.program.path, "-D", postgres.home / "data", *flags]
        child = spawn(command, log=log, death_signal=signal.SIGINT, as_user=unprivileged())
        processes.adopt("postgres", child, account="postgres", stop_signal=signal.SIGINT)
        wait_until_answers(postgres, child, log)
    with (processes.directory / "redis.log").open("w+b") as log:
        child = redis.start(log)
        processes.adopt("redis", child, account="redis")
        wait_until_answers(redis, child, log)
    postgres.make_roles({})
    return Servers(processes, postgres, redis, (home, sockets))


def _version(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
