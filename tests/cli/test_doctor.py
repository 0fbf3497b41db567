"""The doctor names what is wrong, and only that."""

from collections.abc import Callable
from pathlib import Path

import pytest

import casenet.config
from casenet import clock
from casenet.cli.doctor import examine
from casenet.cli.servers import OWNER
from casenet.cli.world import write_ward
from casenet.config import Config
from casenet.crypto.keys import forget_rings, new_kek
from casenet.database import sessions
from tests.conftest import Servers


@pytest.fixture
def environ(database: Config, base_environ: dict[str, str], secrets_folder: Path) -> dict[str, str]:
    return base_environ | {"DATABASE_URL": database.database_url, "REDIS_URL": database.redis_url}


@pytest.fixture
def complaints(environ: dict[str, str]) -> Callable[..., list[str]]:
    def examined(**changed: str) -> list[str]:
        return [str(finding) for finding in examine(environ | changed) if not finding.good]

    return examined


def test_a_sound_installation_has_only_its_mail_and_its_origin_to_complain_of(
    complaints: Callable[..., list[str]],
) -> None:
    said = complaints(PUBLIC_ORIGIN="https://casenet.example")

    # No mail server listens in the tests, Redis of the tests is ours and right.
    assert [line for line in said if "Mail server" not in line and "phone page" not in line] == []


def test_missing_settings_are_all_named(environ: dict[str, str]) -> None:
    del environ["PEPPER"]
    del environ["MAIL_FROM"]

    said = " ".join(str(finding) for finding in examine(environ))

    assert "PEPPER" in said
    assert "MAIL_FROM" in said


def test_an_application_that_owns_the_tables_is_named(
    complaints: Callable[..., list[str]], environ: dict[str, str], servers: Servers
) -> None:
    database = environ["DATABASE_URL"].split("@/")[1].split("?")[0]

    said = complaints(DATABASE_URL=servers.url(database, OWNER))

    assert any("owns tables" in line for line in said)


def test_another_installations_key_is_named(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_group: None
) -> None:
    other = tmp_path / "kek"
    other.write_text(new_kek(1))
    # The keys of a process are read once, from its own environment.
    monkeypatch.setenv("KEK_FILE", str(other))
    casenet.config.current.cache_clear()
    forget_rings()

    said = [str(finding) for finding in examine(environ | {"KEK_FILE": str(other)}) if not finding.good]

    assert any("another installation" in line for line in said)


def test_a_dead_database_and_a_dead_redis_are_named(complaints: Callable[..., list[str]]) -> None:
    said = complaints(
        DATABASE_URL="postgresql+psycopg://casenet_app@/casenet?host=/nowhere", REDIS_URL="unix:///nowhere"
    )

    assert any("Database" in line for line in said)
    assert any("Redis" in line for line in said)


@pytest.fixture
def one_group(database: Config) -> None:
    maker = sessions(database)
    write_ward(maker, now=clock.now(), pepper=database.pepper, posts_max=12)
    maker.kw["bind"].dispose()
