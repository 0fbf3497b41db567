"""The servers of demo and tests: found in order, run by nobody when we are root, survive a kill."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from casenet.cli import programs
from casenet.cli.children import CannotStart, unprivileged
from casenet.cli.places import hand_over, socket_folder
from casenet.cli.servers import APPLICATION, Postgres, Redis, wait_until_answers
from tests.conftest import Servers

BARE = {"PATH": "/nowhere"}


@pytest.fixture
def no_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without PostgreSQL and Redis of its own."""
    monkeypatch.setattr(programs, "_SYSTEM_POSTGRES", ())


@pytest.fixture
def sockets() -> Iterator[Path]:
    made = socket_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="casenet-home-"))
    hand_over(made, unprivileged())
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.usefixtures("no_system")
def test_without_a_system_server_the_wheels_programs_are_found() -> None:
    postgres, redis = programs.find_postgres(BARE), programs.find_redis(BARE)

    assert "site-packages" in str(postgres.path)
    assert postgres.version >= 15
    assert redis.path.name == "valkey-server"
    assert redis.version >= 7


@pytest.mark.usefixtures("no_system")
def test_the_wheels_servers_run_and_speak_japanese(home: Path, sockets: Path) -> None:
    postgres = Postgres.at(home, sockets, BARE, password="a secret", durable=False)
    postgres.prepare()
    with (home / "log").open("ab+") as log:
        child = postgres.start(log)
        wait_until_answers(postgres, child, log)

    with postgres.connect() as connection:
        ctype = connection.execute("SELECT datctype FROM pg_database WHERE datname = 'postgres'").fetchone()
        connection.execute("CREATE EXTENSION pg_trgm")
        found = connection.execute("SELECT cardinality(show_trgm('在宅医療')) > 0").fetchone()
    child.send_signal(postgres.stop_signal)
    child.wait(10)

    assert ctype == ("C.UTF-8",)
    assert found == (True,)
    assert (home / "data").stat().st_mode & 0o077 == 0


def test_a_named_directory_comes_before_everything() -> None:
    system = programs.find_postgres(os.environ)

    named = programs.find_postgres({"CASENET_POSTGRES_BIN": str(system.path.parent)})

    assert named.path == system.path.parent / "postgres"


def test_an_old_server_that_is_named_is_refused_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=00000000'\n")
    old.chmod(0o755)

    with pytest.raises(CannotStart, match="names version 6; version 7 or later is needed"):
        programs.find_redis({"CASENET_REDIS_SERVER": str(old)})


def test_a_cluster_of_a_version_that_is_gone_is_one_sentence(home: Path, sockets: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "PG_VERSION").write_text("11\n")

    with pytest.raises(CannotStart, match="written by PostgreSQL 11, which is not here any more"):
        Postgres.at(home, sockets, os.environ)


def test_programs_in_a_private_directory_run_and_no_parent_is_opened(
    tmp_path: Path, home: Path, sockets: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    found = programs.find_redis(os.environ)
    shutil.copy2(found.path, private / "valkey-server")

    redis = Redis.at(home, sockets, {"CASENET_REDIS_SERVER": str(private / "valkey-server")}, durable=False)
    redis.prepare()
    child = redis.start()
    while not redis.answers():
        assert child.poll() is None
    child.terminate()
    child.wait(10)

    # Root's servers run as another user, who gets a copy; everybody else runs the program where it is.
    assert redis.program.path.is_relative_to(home if os.geteuid() == 0 else private)
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_killed_server_comes_back_with_everything_that_was_committed(own_servers: Servers) -> None:
    postgres = own_servers.postgres.server
    assert isinstance(postgres, Postgres)
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")

    own_servers.postgres.kill()
    own_servers.postgres.start()

    with postgres.connect() as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_the_application_may_not_touch_the_schema(own_servers: Servers) -> None:
    name = own_servers.clone()
    postgres = own_servers.postgres.server
    assert isinstance(postgres, Postgres)
    with (
        psycopg.connect(host=str(postgres.sockets), user=APPLICATION, dbname=name) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DROP TABLE person")
