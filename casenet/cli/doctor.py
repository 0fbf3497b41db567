"""`casenet doctor`: what is wrong with an installation, one line each, with what to do about it."""

import shutil
import smtplib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import redis
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from casenet import clock, config
from casenet.cli import schema
from casenet.config import Config, ConfigError
from casenet.crypto import KeyMissing
from casenet.crypto.keys import read_kek, rings
from casenet.database import engine_of

SKEW_SECONDS_MAX = 2.0  # deadlines of night calls are minutes; sign-in codes allow 30 s
KEYS_CHECKED_MAX = 500
SMTP_SECONDS = 5
DISK_BYTES_MIN = 1_000_000_000
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `advice` says what to do when it is not good."""

    good: bool
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{'ok ' if self.good else 'BAD'}  {self.what}" + (f": {self.advice}" if self.advice else "")


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that can be looked at from here, most basic first."""
    try:
        settings = config.load(environ)
    except ConfigError as error:
        yield from (Finding(False, "Setting", fault) for fault in error.faults)
        return
    yield Finding(True, "Settings are complete")
    yield from _database(settings)
    yield from _redis(settings)
    yield _smtp(settings)
    yield _fonts()
    yield _page()
    yield _disk()
    yield _transport(settings)


def _database(settings: Config) -> Iterator[Finding]:
    engine = engine_of(settings)
    try:
        with engine.connect() as connection:
            yield _version(connection)
            yield _schema(connection)
            yield _rights(connection)
            yield _clock(connection)
        yield _keys(engine, settings)
    except SQLAlchemyError as error:
        yield Finding(
            False, "Database", f"cannot be used ({type(error).__name__}): see DATABASE_URL and its log"
        )
    finally:
        engine.dispose()


def _version(connection: Connection) -> Finding:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    name = f"PostgreSQL {number // 10_000}.{number % 10_000} answers"
    return Finding(number >= 150_000, name, "" if number >= 150_000 else "version 15 or later is needed")


def _schema(connection: Connection) -> Finding:
    exists = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
    present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if exists else None
    newest = schema.newest()
    advice = "" if present == newest else f"it is at {present or 'nothing'}; run `casenet migrate`"
    return Finding(present == newest, f"Schema {newest}", advice)


def _rights(connection: Connection) -> Finding:
    """The application's role must own nothing: whoever takes it over can then drop nothing."""
    owned, mighty = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM pg_class WHERE relowner = r.oid), r.rolsuper OR r.rolbypassrls "
            "FROM pg_roles r WHERE r.rolname = current_user"
        )
    ).one()
    good = owned == 0 and not mighty
    advice = "" if good else "it owns tables or is a superuser; connect as casenet_app"
    return Finding(good, "The application's database role owns nothing", advice)


def _clock(connection: Connection) -> Finding:
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    seconds = abs((clock.now() - theirs.astimezone(UTC)).total_seconds())
    good = seconds <= SKEW_SECONDS_MAX
    advice = "" if good else "set both machines' clocks by NTP"
    return Finding(good, f"Clocks here and in the database differ by {seconds:.1f} s", advice)


def _keys(engine: Engine, settings: Config) -> Finding:
    if settings.kek_file is None:
        return Finding(True, "No key-encryption key here: right for worker, beat and nightwatch only")
    try:
        newest = max(read_kek(settings.kek_file))
    except KeyMissing:
        return Finding(False, "Key-encryption key", "KEK_FILE is not readable or not lines of version:base64")
    chosen = text(
        "SELECT group_id FROM group_key WHERE state = 'active' ORDER BY created_at DESC LIMIT :limit"
    )
    with Session(engine) as session:
        groups: list[UUID] = list(session.scalars(chosen, {"limit": KEYS_CHECKED_MAX}))
        try:
            rings(session, groups)
        except KeyMissing:
            return Finding(
                False,
                "Key-encryption key",
                "it does not open the groups' keys: is it another installation's?",
            )
    return Finding(True, f"The key-encryption key (version {newest}) opens the keys of {len(groups)} groups")


def _redis(settings: Config) -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
            policy = client.info("memory").get("maxmemory_policy")
    except redis.RedisError as error:
        yield Finding(False, "Redis", f"does not answer ({type(error).__name__}): see REDIS_URL")
        return
    yield Finding(True, "Redis answers")
    good = policy == "noeviction"
    advice = "" if good else f"it is {policy}: queued work would be thrown away when memory is short"
    yield Finding(good, "Redis keeps everything (maxmemory-policy noeviction)", advice)


def _smtp(settings: Config) -> Finding:
    address = urlsplit(settings.smtp_url)
    kind = smtplib.SMTP_SSL if address.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(address.hostname or "", address.port or 25, timeout=SMTP_SECONDS) as line:
            line.noop()
    except (OSError, smtplib.SMTPException) as error:
        return Finding(False, "Mail server", f"does not answer ({type(error).__name__}): see SMTP_URL")
    return Finding(True, "The mail server answers")


def _fonts() -> Finding:
    missing = [name for name in ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold") if not find_spec(name)]
    return Finding(
        not missing, "Japanese fonts for printed sheets", f"{', '.join(missing)} missing" if missing else ""
    )


def _page() -> Finding:
    places = (Path(__file__).parents[1] / "static" / "dist", PROJECT / "static" / "dist")
    good = any((place / "index.html").is_file() for place in places)
    return Finding(good, "The phone page is built", "" if good else "run `make page`")


def _disk() -> Finding:
    free = shutil.disk_usage(PROJECT).free
    return Finding(
        free >= DISK_BYTES_MIN,
        f"Disk: {free // 1_000_000} MB free",
        "" if free >= DISK_BYTES_MIN else "make room",
    )


def _transport(settings: Config) -> Finding:
    good = settings.secure or settings.demo
    advice = "" if good else "PUBLIC_ORIGIN must be https outside the demo: cookies would travel in the clear"
    return Finding(good, f"Phones come by {settings.public_origin}", advice)
