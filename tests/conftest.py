"""Real PostgreSQL and Redis for the tests.

One cluster and one Redis per pytest process (so one per xdist worker), started when the first test asks.
The migrations build a template once; databases are clones of it. Fixtures, from cheap to dear:

    session     one transaction as role casenet_app, rolled back at the end: parts, rules, queries
    doors       the same transaction handed to casenet.database.transaction(): doors called in this process
    database    a database of its own (a clone), with commits: races, workers, second processes
"""

import os
import shutil
import signal
import subprocess
import tempfile
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import redis as redis_client
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

import casenet.config
from casenet import database as database_ground
from casenet.cli import schema
from casenet.cli.children import stop, unprivileged
from casenet.cli.places import hand_over, socket_folder
from casenet.cli.servers import (
    APPLICATION,
    OWNER,
    Postgres,
    Redis,
    wait_until_answers,
)
from casenet.config import Config
from casenet.crypto.keys import forget_rings
from tests.house import House

TEMPLATE = "casenet_template"
_numbers = count(1)


@dataclass
class Running:
    """A server of the tests. `child` may be killed by a test that has servers of its own."""

    server: Postgres | Redis
    child: subprocess.Popen[bytes]
    log: Path

    def start(self) -> None:
        """Start it (again) and wait until it answers."""
        with self.log.open("ab+") as log:
            self.child = self.server.start(log)
            wait_until_answers(self.server, self.child, log)

    def kill(self) -> None:
        """kill -9, with everything that it started."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self) -> None:
        """An orderly end."""
        stop(self.child, with_signal=self.server.stop_signal)


@dataclass
class Servers:
    """PostgreSQL with a migrated template database, and Redis."""

    postgres: Running
    redis: Running
    home: Path

    def clone(self) -> str:
        """Make a new migrated database; returns its name."""
        name = f"casenet_{next(_numbers)}"
        assert isinstance(self.postgres.server, Postgres)
        self.postgres.server.make_database(name, template=TEMPLATE)
        return name

    def drop(self, name: str) -> None:
        """Drop a clone, ending its sessions."""
        assert isinstance(self.postgres.server, Postgres)
        self.postgres.server.drop_database(name)

    def url(self, name: str, role: str = APPLICATION) -> str:
        """The SQLAlchemy address of a database."""
        assert isinstance(self.postgres.server, Postgres)
        return self.postgres.server.url(role, name)

    @property
    def redis_url(self) -> str:
        """The address of Redis."""
        assert isinstance(self.redis.server, Redis)
        return self.redis.server.url


def start_servers() -> Servers:
    """Start servers with an empty template; close_servers() ends them and removes their files."""
    # Short and reachable by the user who runs the servers, which pytest's own directories are not.
    home, sockets = Path(tempfile.mkdtemp(prefix="casenet-tests-")), socket_folder()
    hand_over(home, unprivileged())
    running: list[Running] = []
    for kind in (Postgres, Redis):
        server = kind.at(home, sockets, os.environ, durable=False)
        server.prepare()
        log = home / f"{kind.__name__.lower()}.log"
        with log.open("ab+") as output:
            child = server.start(output)
            wait_until_answers(server, child, output)
        running.append(Running(server, child, log))
    servers = Servers(*running, home)
    postgres = servers.postgres.server
    assert isinstance(postgres, Postgres)
    postgres.make_roles({})
    postgres.make_database(TEMPLATE)
    schema.upgrade(postgres.url(OWNER, TEMPLATE))
    return servers


def close_servers(servers: Servers) -> None:
    """Stop both servers and remove their directories."""
    for running in (servers.redis, servers.postgres):
        running.stop()
    shutil.rmtree(servers.postgres.server.sockets, ignore_errors=True)
    shutil.rmtree(servers.home, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers that all tests of this process share. Do not kill these: see own_servers."""
    started = start_servers()
    yield started
    close_servers(started)


@pytest.fixture
def own_servers() -> Iterator[Servers]:
    """Servers for one test alone, which it may kill and start again. Costs about two seconds."""
    started = start_servers()
    yield started
    close_servers(started)


@pytest.fixture(scope="session")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key-encryption key as the installation keeps it: a file of `version:base64`."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "kek").write_text(f"1:{b64encode(bytes(range(32))).decode()}\n")
    return folder


@pytest.fixture(scope="session")
def base_environ(secrets_folder: Path) -> dict[str, str]:
    """The settings of an installation without its database and Redis."""
    return {
        "KEK_FILE": str(secrets_folder / "kek"),
        "PUBLIC_ORIGIN": "http://127.0.0.1:8000",
        "PEPPER": "pepper-for-tests-only-0123456789abcdef",
        "VAPID_PRIVATE_KEY": urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("="),
        "VAPID_SUBJECT": "mailto:operator@casenet.example",
        "SMTP_URL": "smtp://127.0.0.1:2525",
        "MAIL_FROM": "casenet@casenet.example",
        "PUSH_HOSTS": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def shared_environ(servers: Servers, base_environ: dict[str, str]) -> dict[str, str]:
    """The settings for the database in which every test rolls back."""
    return base_environ | {"DATABASE_URL": servers.url(servers.clone()), "REDIS_URL": servers.redis_url}


@pytest.fixture(scope="session")
def shared_engine(shared_environ: dict[str, str]) -> Iterator[Engine]:
    """Connections as casenet_app to the database in which every test rolls back."""
    engine = database_ground.engine_of(casenet.config.load(shared_environ))
    yield engine
    engine.dispose()


@pytest.fixture
def config(shared_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """The settings of this process, also as config.current(), on the database in which tests roll back."""
    yield from _settings(shared_environ, monkeypatch)


def _settings(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    casenet.config.current.cache_clear()
    forget_rings()
    yield casenet.config.current()
    casenet.config.current.cache_clear()
    forget_rings()


@pytest.fixture
def outer_transaction(config: Config, shared_engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back when the test ends."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


def _within(connection: Connection) -> sessionmaker[Session]:
    """Sessions whose commits are savepoints of the outer transaction."""
    return sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


@pytest.fixture
def session(outer_transaction: Connection) -> Iterator[Session]:
    """A session as casenet_app. Whatever it does, also commit, is gone when the test ends."""
    with _within(outer_transaction)() as opened:
        yield opened


@pytest.fixture
def doors(outer_transaction: Connection) -> Iterator[sessionmaker[Session]]:
    """Let transaction() of this process work inside the outer transaction, for tests of doors.

    Sees what `session` has flushed and committed; one connection, so it shows no races.
    """
    maker = _within(outer_transaction)
    database_ground.use(maker)
    yield maker
    database_ground.use(None)


@pytest.fixture
def database(
    servers: Servers, base_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Config]:
    """A migrated database of this test alone, in which commits stay: races, workers, second processes.

    Its settings are also in os.environ, so that a child process started by the test finds them, and are
    config.current(); transaction() of this process uses it. Redis is emptied before.
    """
    name = servers.clone()
    with redis_client.Redis.from_url(servers.redis_url) as redis:
        redis.flushall()
    environ = base_environ | {"DATABASE_URL": servers.url(name), "REDIS_URL": servers.redis_url}
    settings = _settings(environ, monkeypatch)
    opened = next(settings)
    maker = database_ground.sessions(opened)
    database_ground.use(maker)
    yield opened
    database_ground.use(None)
    maker.kw["bind"].dispose()
    next(settings, None)
    servers.drop(name)


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The address of the Redis of this pytest process."""
    return servers.redis_url


@pytest.fixture
def house(database: Config, tmp_path: Path) -> Iterator[House]:
    """Processes of an installation over this test's own database; killed when the test ends."""
    names = ("DATABASE_URL", "REDIS_URL", "KEK_FILE", "PEPPER", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT")
    more = ("SMTP_URL", "MAIL_FROM", "PUSH_HOSTS")
    opened = House({name: os.environ[name] for name in (*names, *more)}, tmp_path)
    yield opened
    opened.stop()
