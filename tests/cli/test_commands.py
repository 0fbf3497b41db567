"""The small commands, run as a person runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from casenet import clock
from casenet.cli.installation import PROJECT
from casenet.cli.servers import OWNER, Postgres
from casenet.config import Config
from casenet.crypto.keys import read_kek
from casenet.database import transaction
from casenet.identity import invited_person
from tests.conftest import Servers


def casenet(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "casenet", *words],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_member_is_an_administrator_with_a_link_that_works_once(database: Config) -> None:
    words = (
        "--facility 架空診療所 --kind clinic --login aoki --email aoki@casenet.example --kana アオキ".split()
    )

    done = casenet("first-member", *words, "--name", "青木 誠一", "--profession", "physician")

    assert done.returncode == 0, done.stderr
    link = done.stdout.split()[-1]
    assert link.startswith("http://127.0.0.1:8000/invitations/")
    with transaction() as session:
        assert invited_person(session, link.rsplit("/", 1)[1], now=clock.now()).login == "aoki"
        assert session.scalar(text("SELECT is_administrator FROM staff")) is True


def test_a_taken_login_is_one_sentence(database: Config) -> None:
    words = (
        "first-member --facility 架空診療所 --kind clinic --login aoki --email aoki@casenet.example".split()
    )
    words += "--kana アオキ --name 青木 --profession physician".split()
    casenet(*words)

    done = casenet(*words)

    assert done.returncode == 1
    assert done.stderr.strip() == "Somebody has the login aoki or this mail address already."


def test_migrate_brings_an_empty_database_to_the_newest_schema(servers: Servers) -> None:
    postgres = servers.postgres.server
    assert isinstance(postgres, Postgres)
    postgres.make_database("empty")

    done = casenet("migrate", OWNER_DATABASE_URL=postgres.url(OWNER, "empty"))
    again = casenet("migrate", OWNER_DATABASE_URL=postgres.url(OWNER, "empty"))

    servers.drop("empty")
    assert done.returncode == again.returncode == 0, done.stderr
    assert "The schema is at" in again.stdout


def test_a_new_key_is_added_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    casenet("keys", "new", KEK_FILE=str(path))
    first = read_kek(path)

    done = casenet("keys", "new", KEK_FILE=str(path))

    assert "Version 2" in done.stdout
    both = read_kek(path)
    assert both[1] == first[1]
    assert set(both) == {1, 2}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can add a key for somebody else")
def test_a_key_that_root_adds_stays_readable_for_the_servers(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    casenet("keys", "new", KEK_FILE=str(path))
    os.chown(path, 10001, 10001)

    casenet("keys", "new", KEK_FILE=str(path))

    assert len(read_kek(path)) == 2
    assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10001)


@pytest.mark.parametrize("content", ["", "not a key\n"])
def test_a_file_that_holds_no_key_is_not_written_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kek"
    path.write_text(content)

    done = casenet("keys", "new", KEK_FILE=str(path))

    assert done.returncode == 1
    assert path.read_text() == content


def test_keys_are_listed_with_what_stands_under_them(database: Config) -> None:
    done = casenet("keys", "list")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "version 1: 0 keys of groups (seals new groups)"


def test_the_doctor_ends_with_one_when_something_is_wrong(database: Config) -> None:
    done = casenet("doctor")

    assert done.returncode == 1
    assert "BAD  Mail server" in done.stdout
    assert "ok   Redis answers" in done.stdout


def test_the_secrets_of_production_are_made_once_each_in_a_closed_file(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    casenet("secrets", str(folder))
    before = {path.name: path.read_text() for path in folder.iterdir()}
    again = casenet("secrets", str(folder))

    assert again.returncode == 0, again.stderr
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
    # The mail server is the one secret that only the operator knows.
    assert set(compose["secrets"]) == set(before) | {"smtp_url"}
    assert before["app_password"] in before["database_url"]
    assert before["app_password"] not in before["owner_database_url"]
    assert read_kek(folder / "kek").keys() == {1}
