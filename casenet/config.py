"""Every setting, read once from the environment into one frozen dataclass.

A setting NAME may be given as NAME_FILE: a path whose content is the value (secrets as files).
The start fails with a list of all that is missing or wrong, not with the first.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# The push services of the browsers in use in Japan; an endpoint elsewhere is refused (SSRF).
PUSH_HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    ".notify.windows.com",
)
# A database whose machine vanishes without a word: waiting for it ends after twenty seconds, not after as long as
# TCP sends again (a quarter of an hour; for ever when there is nothing to send).
DATABASE_PROBES = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


class ConfigError(Exception):
    """The environment does not describe an installation. `faults`: one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Config:
    """The settings of one process.

    kek_file                None in processes that must not be able to open a seal.
    public_origin           scheme://host[:port] as phones see it; https makes cookies Secure.
    session_idle_minutes    Content is closed after this long without a request (security.md JP-09).
    session_hours           A sign-in ends after this long whatever happens (JP-09).
    database_pool           Connections per process for transactions, and as many for glances: 80 for 2 web processes
                            at their fullest, below the 150 of docker-compose.yml.
    statement_timeout_ms    A cancelled request leaves its query running: the server ends it.
    """

    database_url: str
    redis_url: str
    kek_file: Path | None
    public_origin: str
    pepper: bytes
    vapid_private_key: str
    vapid_subject: str
    smtp_url: str
    mail_from: str
    push_hosts: tuple[str, ...] = PUSH_HOSTS
    demo: bool = False
    session_idle_minutes: int = 30
    session_hours: int = 12
    database_pool: int = 20
    statement_timeout_ms: int = 10_000
    log_level: str = "info"
    trusted_proxies: int = 0
    metrics_token: str = ""

    @property
    def secure(self) -> bool:
        """True behind TLS: cookies get Secure and the __Host- prefix."""
        return self.public_origin.startswith("https://")

    @property
    def vapid_public_key(self) -> str:
        """What a browser needs to subscribe: the uncompressed P-256 point, base64url."""
        return _public_key(self.vapid_private_key)


@cache
def _public_key(private_key: str) -> str:
    number = int.from_bytes(urlsafe_b64decode(private_key + "=" * (-len(private_key) % 4)), "big")
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    encoded = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(encoded).decode().rstrip("=")


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        if path := self.environ.get(f"{name}_FILE"):
            try:
                return Path(path).read_text("utf-8").strip()
            except OSError as error:
                self.faults.append(f"{name}_FILE cannot be read: {error.strerror}")
                return ""
        if (value := self.environ.get(name)) is not None:
            return value
        if default is None:
            self.faults.append(f"{name} (or {name}_FILE) is missing")
        return default or ""

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isdecimal():
            return int(value)
        self.faults.append(f"{name} is not a whole number")
        return default

    def origin(self, name: str) -> str:
        value = self.text(name).rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            self.faults.append(f"{name} is not an origin such as https://casenet.example")
        return value

    def vapid(self, name: str) -> str:
        value = self.text(name)
        try:
            length = len(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        except ValueError:
            length = 0
        if value and length != 32:
            self.faults.append(f"{name} is not a base64url P-256 private key of 32 bytes")
        return value


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings. Raises ConfigError that lists everything missing or wrong."""
    read = _Reader(environ)
    kek = environ.get("KEK_FILE", "")
    if kek and not Path(kek).is_file():
        read.faults.append("KEK_FILE names no file")
    pepper = read.text("PEPPER")
    if pepper and len(pepper) < 32:
        read.faults.append("PEPPER is shorter than 32 characters")
    hosts = tuple(host.strip() for host in read.text("PUSH_HOSTS", "").split(",") if host.strip())
    config = Config(
        database_url=read.text("DATABASE_URL"),
        redis_url=read.text("REDIS_URL"),
        kek_file=Path(kek) if kek else None,
        public_origin=read.origin("PUBLIC_ORIGIN"),
        pepper=pepper.encode(),
        vapid_private_key=read.vapid("VAPID_PRIVATE_KEY"),
        vapid_subject=read.text("VAPID_SUBJECT"),
        smtp_url=read.text("SMTP_URL"),
        mail_from=read.text("MAIL_FROM"),
        push_hosts=hosts or PUSH_HOSTS,
        demo=read.text("CASENET_DEMO", "0") == "1",
        session_idle_minutes=read.number("SESSION_IDLE_MINUTES", 30),
        session_hours=read.number("SESSION_HOURS", 12),
        database_pool=read.number("DATABASE_POOL", 20),
        statement_timeout_ms=read.number("STATEMENT_TIMEOUT_MS", 10_000),
        log_level=read.text("LOG_LEVEL", "info"),
        trusted_proxies=read.number("TRUSTED_PROXIES", 0),
        metrics_token=read.text("METRICS_TOKEN", ""),
    )
    if read.faults:
        raise ConfigError(read.faults)
    return config


@cache
def current() -> Config:
    """The settings of this process, read at first use."""
    return load()
