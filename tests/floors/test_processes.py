"""What the demo starts is what production starts."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import yaml

from casenet.cli.processes import PROCESSES
from casenet.cli.programs import find_redis
from casenet.cli.secretfiles import write_secrets
from casenet.web import permissions
from casenet.web.night_numbers import NIGHTWATCH
from tests.house import wait_until
from tests.image.walk import steps

PROJECT = Path(__file__).parents[2]
BEATS = re.compile(r"\bbeat\(\"([\w.]+)\"\)")
STEPS = re.compile(r"\bsteps\(\"([^\"]+)\"\)")
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
# What production has beside the processes: servers that the demo brings along, TLS, and a step that ends.
AROUND = {"front", "postgres", "redis", "migrate"}


def test_production_runs_exactly_the_demos_processes_with_the_same_commands() -> None:
    commands = {name: tuple(SERVICES[name]["command"]) for name in SERVICES.keys() - AROUND}

    assert commands == {process.name: process.command for process in PROCESSES}


def test_only_processes_that_open_seals_are_given_the_key() -> None:
    holders = {name for name, service in SERVICES.items() if "kek" in service.get("secrets", [])}
    told = {name for name, service in SERVICES.items() if "KEK_FILE" in service.get("environment", {})}

    assert holders == told == {process.name for process in PROCESSES if process.opens_seals}


def test_the_owner_of_the_tables_is_known_to_the_migration_only() -> None:
    holders = {
        name for name, service in SERVICES.items() if "owner_database_url" in service.get("secrets", [])
    }

    assert holders == {"migrate"}


def test_every_secret_is_a_file_and_stands_in_no_environment() -> None:
    assert all(list(secret) == ["file"] for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        used = set(service.get("secrets", []))
        assert used <= COMPOSE["secrets"].keys()
        for name, value in service.get("environment", {}).items():
            if any(
                word in name
                for word in (
                    "PASSWORD",
                    "DATABASE_URL",
                    "REDIS_URL",
                    "PEPPER",
                    "VAPID_PRIVATE",
                    "SMTP",
                    "KEK",
                )
            ):
                assert name.endswith("_FILE")
                assert str(value).startswith("/run/secrets/")


def test_redis_throws_nothing_away() -> None:
    command = SERVICES["redis"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


def test_redis_answers_only_who_knows_the_password(tmp_path: Path) -> None:
    """The command of docker-compose.yml with the secrets that `casenet secrets` makes, on a socket."""
    folder, socket = tmp_path / "secrets", tmp_path / "redis.sock"
    write_secrets(folder, database_host="postgres", redis_host="redis")
    name, *words = SERVICES["redis"]["command"]
    command = [word.replace("/run/secrets", str(folder)) for word in words]
    assert (name, SERVICES["redis"]["secrets"]) == ("valkey-server", ["redis_config"])
    assert "redis_config" not in {
        secret for name in SERVICES.keys() - {"redis"} for secret in SERVICES[name].get("secrets", [])
    }
    url = urlsplit((folder / "redis_url").read_text())
    assert (url.scheme, url.hostname, url.port, url.path) == ("redis", "redis", 6379, "/0")

    program = find_redis(os.environ).path
    with subprocess.Popen([program, *command, "--port", "0", "--unixsocket", socket], cwd=tmp_path) as server:
        try:
            wait_until(socket.exists, what="a socket of Redis")
            with (
                redis.Redis(unix_socket_path=str(socket)) as stranger,
                pytest.raises(redis.AuthenticationError),
            ):
                stranger.ping()
            with redis.Redis(unix_socket_path=str(socket), password=url.password) as ours:
                assert ours.ping()
                assert ours.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        finally:
            server.kill()


def test_the_health_of_redis_is_asked_with_the_password(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    write_secrets(folder, database_host="postgres", redis_host="redis")
    kind, check = SERVICES["redis"]["healthcheck"]["test"]
    # Compose makes $ of $$; the client is not at hand here, so its place is taken by what it would be told.
    asks = check.replace("$$", "$").replace("/run/secrets", str(folder))
    asks = asks.replace("valkey-cli ping", "sh -c 'echo $REDISCLI_AUTH PONG | tee said'")

    assert kind == "CMD-SHELL"
    subprocess.run(["sh", "-c", asks], cwd=tmp_path, check=True)

    password = urlsplit((folder / "redis_url").read_text()).password
    assert (tmp_path / "said").read_text() == f"{password} PONG\n"


def test_everything_that_stays_up_has_a_health_check_and_comes_back() -> None:
    for name in SERVICES.keys() - {"migrate"}:
        assert "healthcheck" in SERVICES[name], name
        assert SERVICES[name]["restart"] == "unless-stopped", name


def test_the_image_is_built_once_and_never_fetched() -> None:
    ours = {name: service for name, service in SERVICES.items() if service["image"] == "casenet"}

    assert ours.keys() == {process.name for process in PROCESSES} | {"migrate"}
    assert [name for name, service in ours.items() if "build" in service] == ["migrate"]
    assert {service["pull_policy"] for service in ours.values()} == {"never"}


def test_no_log_fills_the_disk() -> None:
    for name, service in SERVICES.items():
        assert service["logging"]["driver"] == "json-file", name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_the_front_stays_up_while_others_are_made_anew() -> None:
    assert "depends_on" not in SERVICES["front"]


def test_only_the_front_is_open_to_the_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"front"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis", "migrate"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_health_checks_ask_for_heartbeats_that_exist() -> None:
    beating = {
        word for path in (PROJECT / "workers").glob("*.py") for word in BEATS.findall(path.read_text("utf-8"))
    }

    asked = {
        service["healthcheck"]["test"][-1]
        for service in SERVICES.values()
        if "alive" in service.get("healthcheck", {}).get("test", [])
    }

    assert asked
    assert asked <= beating
    assert beating <= permissions.TASKS.keys() | {NIGHTWATCH}  # the lamp looks at no other


def test_the_page_for_operators_has_every_step_that_make_image_test_walks() -> None:
    walked = set(STEPS.findall((PROJECT / "tests/image/walk.py").read_text("utf-8")))

    assert len(walked) == 8
    assert all(steps(word) for word in walked)
