"""What the demo keeps in var/: its secrets, its servers' files, its settings."""

import hashlib
import json
import os
import secrets
import shlex
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from casenet.cli.children import unprivileged
from casenet.cli.places import can_reach, hand_over
from casenet.cli.servers import APPLICATION, OWNER, SUPERUSER, Postgres, Redis
from casenet.crypto.keys import new_kek

PROJECT = Path(__file__).parents[2]
DATABASE = "casenet"


@dataclass(frozen=True)
class Installation:
    """The demo's directory. `port` is where the web listens, on 127.0.0.1 only."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Where the browser goes."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def card(self) -> Path:
        """var/demo.json: everything that a script needs to use the demo through its doors."""
        return self.folder / "demo.json"

    @property
    def mail(self) -> Path:
        """Where the demo's mail arrives."""
        return self.folder / "mail"

    def log(self, name: str) -> Path:
        """Where the output of a process goes."""
        return (self.folder / "log" / f"{name}.log").resolve()

    @cached_property
    def servers(self) -> Path:
        """Where PostgreSQL and Redis keep their files: in var/, or outside when their user cannot reach it.

        As root they run as `nobody`, and a project in a private home directory stays private.
        """
        inside = self.folder / "servers"
        inside.mkdir(parents=True, exist_ok=True)
        if can_reach(inside, unprivileged()):
            return inside
        name = hashlib.sha256(bytes(self.folder.resolve())).hexdigest()[:12]
        outside = Path("/var/lib/casenet-demo") / name
        outside.mkdir(parents=True, exist_ok=True, mode=0o755)
        return outside

    def make_folders(self) -> None:
        """Make what is missing of var/."""
        for name in ("secrets", "log", "mail", "beat"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "secrets").chmod(0o700)
        hand_over(self.servers, unprivileged())

    def forget(self) -> None:
        """Throw away everything that the demo made."""
        for folder in (
            self.servers,
            *(self.folder / name for name in ("servers", "secrets", "log", "mail", "beat", "metrics")),
        ):
            shutil.rmtree(folder, ignore_errors=True)
        self.card.unlink(missing_ok=True)

    def secret(self, name: str) -> str:
        """A secret of this installation; made at first use, readable by its owner only."""
        path = self.folder / "secrets" / name
        if not path.exists():
            made = {
                "kek": lambda: new_kek(1),
                "vapid_private_key": new_vapid_key,
            }.get(name, lambda: secrets.token_urlsafe(32))()
            self._write(path, made)
        return path.read_text("utf-8").strip()

    def _write(self, path: Path, text: str) -> None:
        unfinished = path.with_name(f".{path.name}")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        unfinished.rename(path)

    def postgres(self, sockets: Path) -> Postgres:
        """Its database server."""
        return Postgres.at(self.servers, sockets, os.environ, password=self.secret(SUPERUSER))

    def redis(self, sockets: Path) -> Redis:
        """Its Redis."""
        return Redis.at(self.servers, sockets, os.environ)

    def passwords(self) -> dict[str, str]:
        """The passwords of the two database roles."""
        return {role: self.secret(role) for role in (OWNER, APPLICATION)}

    def owner_url(self, postgres: Postgres) -> str:
        """The database as the role that owns the tables: for migrations."""
        return postgres.url(OWNER, DATABASE, self.secret(OWNER))

    def settings(self, postgres: Postgres, redis: Redis, smtp_port: int) -> dict[str, str]:
        """The environment of a process without the key-encryption key; secrets stand in it as files."""
        folder = self.folder.resolve() / "secrets"
        for name in ("kek", "pepper", "vapid_private_key"):
            self.secret(name)
        self._write(folder / "database_url", postgres.url(APPLICATION, DATABASE, self.secret(APPLICATION)))
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        ours = {
            "DATABASE_URL_FILE": str(folder / "database_url"),
            "REDIS_URL": redis.url,
            "PEPPER_FILE": str(folder / "pepper"),
            "VAPID_PRIVATE_KEY_FILE": str(folder / "vapid_private_key"),
            "VAPID_SUBJECT": "mailto:operator@casenet.example",
            "PUBLIC_ORIGIN": self.address,
            "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
            "MAIL_FROM": "casenet@casenet.example",
            "CASENET_DEMO": "1",
            "BIND": f"127.0.0.1:{self.port}",
            "PROMETHEUS_MULTIPROC_DIR": str(self._empty_metrics()),
            "PYTHONUNBUFFERED": "1",
        }
        # For a person: `set -a; . var/secrets/environment; casenet doctor`.
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in self.with_key(ours).items())
        self._write(folder / "environment", "".join(lines))
        return inherited | ours

    def _empty_metrics(self) -> Path:
        """Where the web's processes count together; numbers of an earlier run do not count."""
        folder = self.folder.resolve() / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def with_key(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process that opens seals."""
        return dict(settings) | {"KEK_FILE": str(self.folder.resolve() / "secrets" / "kek")}

    def write_card(self, card: Mapping[str, object]) -> None:
        """Write var/demo.json; it holds passwords of invented people, for its owner only."""
        self._write(self.card, json.dumps(card, ensure_ascii=False, indent=2) + "\n")

    def read_card(self) -> dict[str, object] | None:
        """The card of a seeded installation; None when it was never seeded to the end."""
        return json.loads(self.card.read_text("utf-8")) if self.card.exists() else None


# A setting of the person's own shell must not reach half of the demo.
_NOT_INHERITED = {
    "DATABASE_URL",
    "REDIS_URL",
    "KEK_FILE",
    "PEPPER",
    "VAPID_PRIVATE_KEY",
    "REDIS_URL_FILE",
    "SMTP_URL_FILE",
}


def new_vapid_key() -> str:
    """A fresh private key for Web Push (VAPID): P-256, 32 bytes in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
