"""Every place where patient text could come to rest, and a search that knows a text in its disguises."""

import json
import re
import socket
import subprocess
import threading
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from casenet.cli.servers import Postgres, Redis
from tests.conftest import Servers
from tests.house import House
from tests.receivers import MailService, PushService


def disguises(word: str) -> dict[str, bytes]:
    """The forms in which a text may lie in a file, by name."""
    raw = word.encode()
    found = {
        codec: word.encode(codec)
        for codec in ("utf-8", "utf-16-le", "utf-16-be", "euc_jp", "shift_jis", "iso2022_jp")
    }
    found["iso2022_jp"] = found["iso2022_jp"][3:-3]  # without the shifts in and out
    found["json"] = json.dumps(word)[1:-1].encode()
    found["json, capitals"] = re.sub(rb"[0-9a-f]{4}", lambda hit: hit[0].upper(), found["json"])
    found["hex"] = raw.hex().encode()
    found["hex, capitals"] = raw.hex().upper().encode()
    found["escaped bytes"] = "".join(f"\\x{byte:02x}" for byte in raw).encode()
    found["octal bytes"] = "".join(f"\\{byte:03o}" for byte in raw).encode()
    found["percent"] = quote(word).encode()
    found["quoted-printable"] = quote(word).replace("%", "=").encode()
    found["entities"] = "".join(f"&#{ord(letter)};" for letter in word).encode()
    for shift in range(3):
        for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            whole = encode(b"\0" * shift + raw + b"\0\0")
            # The letters at both ends hold bits of the neighbours too.
            found[f"{name}, {shift} before"] = whole[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
    return found


def find(needles: dict[str, bytes], sinks: dict[str, Iterable[tuple[str, bytes]]]) -> dict[str, set[str]]:
    """Sink to "place: form" for everything that was found."""
    found: dict[str, set[str]] = {}
    for sink, pieces in sinks.items():
        for place, content in pieces:
            for form, needle in needles.items():
                if needle in content:
                    found.setdefault(sink, set()).add(f"{place}: {form}")
    return found


def files_below(folder: Path, *, without: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file below `folder`, except in directories named `without`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and without not in path.parts:
            with suppress(OSError):
                yield str(path.relative_to(folder)), path.read_bytes()


class Monitor:
    """Everything that any client tells Redis, from now on."""

    def __init__(self, server: Redis) -> None:
        self.heard = bytearray()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(server.socket))
        self.line.sendall(b"MONITOR\r\n")
        assert self.line.recv(5) == b"+OK\r\n"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while heard := self.line.recv(65536):
                self.heard += heard

    def close(self) -> None:
        self.line.close()

    def tasks(self) -> list[bytes]:
        """The bodies of all task messages: arguments, keywords, and what belongs to Celery."""
        bodies = re.findall(rb'\\"body\\": \\"([A-Za-z0-9+/=]+)\\"', bytes(self.heard))
        return [b64decode(body) for body in bodies]


@dataclass
class Watch:
    """Keeps every state of every file in a directory that it catches sight of, also of short-lived ones."""

    folder: Path
    seen: dict[tuple[str, int, int], bytes] = field(default_factory=dict[tuple[str, int, int], bytes])
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self.ended.wait(0.05):
            self.look()

    def look(self) -> None:
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                state = path.stat()
                key = (str(path), state.st_mtime_ns, state.st_size)
                if path.is_file() and key not in self.seen:
                    self.seen[key] = path.read_bytes()


@dataclass
class Sinks:
    """All places of one installation in which nothing may be readable."""

    servers: Servers
    database: str
    house: House
    monitor: Monitor
    pushes: PushService
    mails: MailService
    temporary: Watch

    @property
    def postgres(self) -> Postgres:
        assert isinstance(self.servers.postgres.server, Postgres)
        return self.servers.postgres.server

    def settle(self) -> None:
        """Have everything written that is only in memory."""
        with self.postgres.connect() as connection:
            connection.execute("checkpoint")
        assert b"+OK" in self.tell_redis("SAVE")
        self.temporary.look()

    def tell_redis(self, *words: str) -> bytes:
        """One command, and its short answer."""
        assert isinstance(self.servers.redis.server, Redis)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.servers.redis.server.socket))
            told = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
            line.sendall(f"*{len(words)}\r\n{''.join(told)}".encode())
            return line.recv(4096)

    def all(self) -> dict[str, Iterable[tuple[str, bytes]]]:
        """Name of the sink, and its pieces."""
        home = self.servers.home
        return {
            "database files": files_below(home / "data", without="pg_wal"),
            "write-ahead log": files_below(home / "data" / "pg_wal"),
            "dump": [("pg_dump", self.dump())],
            "redis files": files_below(home / "redis"),
            "redis commands": [("monitor", bytes(self.monitor.heard))],
            "task arguments": [("body", body) for body in self.monitor.tasks()],
            "server logs": ((path.name, path.read_bytes()) for path in home.glob("*.log")),
            "process logs": files_below(self.house.folder, without=self.temporary.folder.name),
            "pushes": [
                (pushed.browser, _flat(pushed.message) + _flat(pushed.headers))
                for pushed in self.pushes.received
            ],
            "mails": [(mail["Message-ID"], _letter(mail)) for mail in self.mails.received],
            "temporary files": ((key[0], content) for key, content in self.temporary.seen.items()),
        }

    def dump(self) -> bytes:
        """What a backup holds."""
        server = self.postgres
        program = server.program.path.parent / "pg_dump"
        command = [program, "-h", server.sockets, "-U", "casenet_admin", self.database]
        return subprocess.run([str(word) for word in command], capture_output=True, check=True).stdout


def _flat(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _letter(mail: EmailMessage) -> bytes:
    """As it came, and as it reads."""
    return mail.as_bytes() + f"{mail['Subject']}\n{mail.get_content()}".encode()
