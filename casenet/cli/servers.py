"""PostgreSQL and Redis as children of ours, on Unix sockets only, for the demo and the tests.

Nothing of this is used in production: there they are services of their own (docker-compose.yml).
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from casenet.cli import programs
from casenet.cli.children import CannotStart, spawn, stop, unprivileged
from casenet.cli.places import hand_over, last_line, reachable
from casenet.cli.programs import Program

START_SECONDS_MAX = 60.0
SUPERUSER, OWNER, APPLICATION = "casenet_admin", "casenet_owner", "casenet_app"


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL cluster of ours.

    home      Its directory; `home/data` is the cluster. Must be reachable by `user`.
    sockets   Where the socket goes (socket_folder()).
    password  Of the superuser; None trusts whoever can enter the socket directory.
    durable   False for tests: no fsync. A killed server still loses nothing, only a lost machine does.
    """

    program: Program
    home: Path
    sockets: Path
    password: str | None = None
    durable: bool = True

    stop_signal = signal.SIGINT  # "fast": ends the sessions, keeps everything

    @classmethod
    def at(
        cls,
        home: Path,
        sockets: Path,
        environ: Mapping[str, str],
        *,
        password: str | None = None,
        durable: bool = True,
    ) -> "Postgres":
        """Find the programs for the cluster in `home`: those that wrote it, or the newest for a new one."""
        written_by = home / "data" / "PG_VERSION"
        version = int(written_by.read_text()) if written_by.exists() else None
        program = programs.find_postgres(environ, version=version)
        return cls(reachable(program, home, unprivileged()), home, sockets, password, durable)

    def prepare(self) -> None:
        """Make the cluster if it is not there. Locale C.UTF-8: with C, trigram search knows no Japanese."""
        data, user = self.home / "data", unprivileged()
        if (data / "PG_VERSION").exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        hand_over(data, user)
        with tempfile.NamedTemporaryFile("w", dir=self.sockets) as password_file:
            password_file.write(f"{self.password or ''}\n")
            password_file.flush()
            os.chown(password_file.name, user.user if user else -1, -1)
            scram = ("--auth=scram-sha-256", f"--pwfile={password_file.name}")
            access = scram if self.password else ("--auth=trust",)
            initdb = [self.program.path.parent / "initdb", f"--pgdata={data}", f"--username={SUPERUSER}"]
            how = ("--encoding=UTF8", "--no-instructions") + (() if self.durable else ("--no-sync",))
            with tempfile.TemporaryFile() as said:
                child = spawn([*initdb, *self._locale(), *how, *access], log=said, as_user=user)
                if child.wait() != 0:
                    shutil.rmtree(data, ignore_errors=True)
                    raise CannotStart(f"PostgreSQL could not make its database: {last_line(said)}")

    def _locale(self) -> tuple[str, ...]:
        if os.uname().sysname == "Darwin":  # its C library has no C.UTF-8
            return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=en_US.UTF-8")
        return ("--locale=C.UTF-8",)

    def start(self, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start the server as a child; it is usable once answers() is true."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "shared_buffers": "64MB",
            "max_connections": "150",
            "log_min_messages": "warning",
            # Neither a failing statement nor the row that it failed on is written to the log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_parameter_max_length_on_error": "0",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        command = [self.program.path, "-D", self.home / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return spawn(command, log=log, death_signal=signal.SIGINT, as_user=unprivileged())

    def answers(self) -> bool:
        """Whether it takes connections now."""
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """An autocommit connection as the superuser."""
        return psycopg.connect(
            host=str(self.sockets),
            user=SUPERUSER,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def make_roles(self, passwords: Mapping[str, str]) -> None:
        """Make the role that owns the tables and the one that the application uses, which owns nothing.

        passwords   By role name; empty where the socket directory is trusted.
        """
        with self.connect() as connection:
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in (OWNER, APPLICATION):
                verb = sql.SQL("ALTER" if role in known else "CREATE")
                password = (
                    sql.SQL(" PASSWORD {}").format(passwords[role]) if role in passwords else sql.SQL("")
                )
                connection.execute(sql.SQL("{} ROLE {} LOGIN").format(verb, sql.Identifier(role)) + password)

    def make_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database that only our two roles may enter; nothing happens if it is there."""
        with self.connect() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            database = sql.Identifier(name)
            copied = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)) + copied
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(APPLICATION))
            )

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that are still in it."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def url(self, role: str, database: str, password: str | None = None) -> str:
        """The SQLAlchemy address of `database` as seen by `role`."""
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql+psycopg://{role}{secret}@/{database}?host={quote(str(self.sockets))}"


@dataclass(frozen=True)
class Redis:
    """One Redis or Valkey of ours.

    durable   Keep an append-only file under `home`; False for tests.
    """

    program: Program
    home: Path
    sockets: Path
    durable: bool = True

    stop_signal = signal.SIGTERM

    @classmethod
    def at(cls, home: Path, sockets: Path, environ: Mapping[str, str], *, durable: bool = True) -> "Redis":
        """Find the program; `home` must be reachable by the user who runs it."""
        return cls(reachable(programs.find_redis(environ), home, unprivileged()), home, sockets, durable)

    @property
    def socket(self) -> Path:
        """The path of its Unix socket."""
        return self.sockets / "redis.sock"

    @property
    def url(self) -> str:
        """Its address for redis-py; kombu writes it redis+socket://, which workers.app sees to."""
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Make its directory."""
        data = self.home / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        hand_over(data, unprivileged())

    def start(self, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start the server as a child; it is usable once answers() is true."""
        command = [
            self.program.path,
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--unixsocketperm",
            "700",
            "--dir",
            self.home / "redis",
            "--save",
            "",
            "--maxmemory",
            "256mb",
            # Queued work must never be thrown away to make room.
            "--maxmemory-policy",
            "noeviction",
            "--appendonly",
            "yes" if self.durable else "no",
            "--loglevel",
            "warning",
        ]
        return spawn(command, log=log, as_user=unprivileged())

    def answers(self) -> bool:
        """Whether it takes commands now (not while it reads its file)."""
        try:
            with closing(socket.socket(socket.AF_UNIX)) as line:
                line.settimeout(2)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def wait_until_answers(server: Postgres | Redis, child: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    """Return once the server answers. Raises CannotStart with its last words when it ends instead."""
    name = type(server).__name__
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if server.answers():
            return
        if child.poll() is not None:
            raise CannotStart(f"{name} ended at its start: {last_line(log)}")
        time.sleep(0.02)
    stop(child, with_signal=server.stop_signal)
    raise CannotStart(f"{name} did not answer within {START_SECONDS_MAX:.0f} seconds.")
