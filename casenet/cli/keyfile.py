"""The file of key-encryption keys: lines of `version:base64 of 32 bytes`, readable by its owner only."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import text

from casenet import config
from casenet.cli.children import CannotStart
from casenet.crypto.keys import KeyMissing, new_kek, read_kek
from casenet.database import engine_of


def path_from(environ: Mapping[str, str]) -> Path:
    """Where the file is or will be. Raises CannotStart when nothing says so."""
    if not environ.get("KEK_FILE"):
        raise CannotStart("KEK_FILE does not say where the key-encryption key is kept.")
    return Path(environ["KEK_FILE"])


def add_version(path: Path) -> int:
    """Add a fresh key with the next version and return that version. Old ones stay: they still open.

    The file is replaced at once, so that a crash leaves the old one whole; it stays its owner's, because an
    operator who is root adds the version for the servers. Raises CannotStart when the present file cannot be
    read: writing over it would lose every patient's text.
    """
    try:
        version = max(read_kek(path)) + 1 if path.exists() else 1
        before = path.read_text("ascii") if path.exists() else ""
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(before + ("" if before.endswith("\n") or not before else "\n") + new_kek(version))
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0 and path.exists():
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
        unfinished.rename(path)
    except KeyMissing:
        raise CannotStart(
            f"{path} holds something else than key-encryption keys; it was not touched."
        ) from None
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}.") from None
    return version


def overview(environ: Mapping[str, str]) -> Iterator[str]:
    """One line for each version, newest first, with how many keys in the database stand under it."""
    path = path_from(environ)
    try:
        versions = read_kek(path)
    except KeyMissing:
        raise CannotStart(f"{path} is missing or holds something else than key-encryption keys.") from None
    engine = engine_of(config.load(environ))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT kek_version, count(*) FROM group_key GROUP BY kek_version"))
        counts = {row.kek_version: row.count for row in rows}
    engine.dispose()
    for version in sorted(versions.keys() | counts.keys(), reverse=True):
        state = (
            "seals new groups"
            if version == max(versions)
            else "opens"
            if version in versions
            else "MISSING IN THE FILE"
        )
        yield f"version {version}: {counts.get(version, 0)} keys of groups ({state})"
