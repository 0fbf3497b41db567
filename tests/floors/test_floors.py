"""The floors: each line of the map imports only lines below it; dangerous things have one home."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CODE = [path for folder in ("casenet", "workers") for path in sorted((PROJECT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Every name that a file imports, with its module: `a.b.c` for `from a.b import c`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def homes_of(pattern: str) -> set[str]:
    """The files that import something matching `pattern`."""
    return {
        str(path.relative_to(PROJECT))
        for path in CODE
        if any(re.search(pattern, name) for name in imported(path))
    }


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_every_part_stands_on_a_floor() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = " ".join(contracts["contracts"][0]["layers"])
    named = set(re.findall(r"casenet\.(\w+)", layers))
    there = {
        path.stem
        for path in (PROJECT / "casenet").iterdir()
        if path.name[0] not in "_." and path.name != "static"
    }

    assert there <= named, f"not on any floor: {there - named}"


def test_only_seal_touches_the_cipher() -> None:
    assert homes_of(r"AESGCM|\bciphers\b|HKDF") == {"casenet/crypto/seal.py"}


def test_only_the_web_knows_flask() -> None:
    strangers = {
        path
        for path in homes_of(r"^(flask|flask_\w+|werkzeug|gevent)\b")
        if not path.startswith("casenet/web/")
    }

    assert strangers == set()


def test_only_workers_know_celery() -> None:
    assert {path for path in homes_of(r"^(celery|kombu)\b") if not path.startswith("workers/")} == set()


def test_only_doors_and_leases_read_a_clock() -> None:
    """Time is an argument: casenet.clock is read by doors, and nothing else asks the machine for the date."""
    below = [
        path for path in CODE if not re.match(r"(workers|casenet/(web|cli))/", str(path.relative_to(PROJECT)))
    ]
    readers = {
        str(path.relative_to(PROJECT))
        for path in below
        if path.name != "clock.py"
        and (re.search(r"datetime\.now\(|date\.today\(|utcnow\(|clock\.now\(", path.read_text("utf-8")))
    }

    assert readers == set()


def test_migrations_do_not_import_the_models() -> None:
    files = sorted((PROJECT / "migrations").rglob("*.py"))

    assert files
    assert not any(name.startswith(("casenet", "workers")) for path in files for name in imported(path))


def test_nothing_committed_names_the_machine_that_it_was_written_on() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    # Spelled apart, or this file would name them.
    traces = re.compile(
        "|".join(("/wo" + "rk/", "/ro" + "ot/", "/opt/" + "wheels", "pip" + "_find_links=")), re.IGNORECASE
    )
    found = [
        name
        for name in filter(None, listed.split("\0"))
        if (PROJECT / name).is_file()
        and traces.search((PROJECT / name).read_bytes().decode("utf-8", "ignore"))
    ]

    assert found == []
