"""The rig: the same work by hand on uvloop and asyncpg, one process, HTTP and raw WebSocket on one port.

`python -m benchmarks.rig PORT DATABASE_URL [--sealed]`. With --sealed it is "rig_py": AES-256-GCM on every
post, opened again on every read. Without it is the smaller floor: HTTP → one INSERT → raw WebSocket.
Neither knows members, permissions or audit.
"""

import asyncio
import os
import socket
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha1
from typing import Any

import asyncpg
import orjson
import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MEMBERS_PER_GROUP = 10
PAGE_POSTS = 50
SOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TABLE = """
CREATE TABLE IF NOT EXISTS posts (sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE, group_id bigint NOT NULL, author_id bigint NOT NULL, body bytea NOT NULL);
CREATE INDEX IF NOT EXISTS posts_of_group ON posts (group_id, sequence DESC);
CREATE TABLE IF NOT EXISTS readings (at timestamptz NOT NULL, group_id bigint NOT NULL, first bigint, last bigint)
"""
INSERT = "INSERT INTO posts (id, group_id, author_id, body) VALUES ($1, $2, $3, $4) RETURNING sequence"
NEWEST = "SELECT sequence, id, author_id, body FROM posts WHERE group_id = $1 ORDER BY sequence DESC LIMIT $2"
NOTED = f"""
WITH page AS ({NEWEST}), noted AS
    (INSERT INTO readings SELECT clock_timestamp(), $1, min(sequence), max(sequence) FROM page)
SELECT * FROM page
"""


class Rig:
    """What all connections share: the database, the key, who listens to which group."""

    def __init__(self, pool: "asyncpg.Pool[Any]", *, sealed: bool) -> None:
        self.pool = pool
        self.key = AESGCM(AESGCM.generate_key(256)) if sealed else None
        self.listeners: dict[int, set[asyncio.Transport]] = {}

    async def create_post(self, group_id: int, body: bytes) -> bytes:
        """Seal, store durably, tell the group's sockets; returns the answer's bytes."""
        draft = orjson.loads(body)
        text: str = draft["text"]
        sequence = await self.pool.fetchval(
            INSERT, draft["id"], group_id, draft["author"], self.seal(text, group_id)
        )
        revision = {"sequence": sequence, "post_id": draft["id"], "author_id": draft["author"], "text": text}
        frame = frame_of(orjson.dumps({"group_id": group_id, "revisions": [revision]}))
        for transport in self.listeners.get(group_id, ()):
            transport.write(frame)
        return answer(b"201 Created", orjson.dumps({"id": draft["id"], "sequence": sequence}))

    async def last_posts(self, group_id: int, _: bytes) -> bytes:
        """The last 50 posts of a group, opened."""
        return await self._page(NEWEST, group_id)

    async def noted_posts(self, group_id: int, _: bytes) -> bytes:
        """The same, after a committed row that says so: what CaseNet owes its patients, and nothing else."""
        return await self._page(NOTED, group_id)

    async def _page(self, statement: str, group_id: int) -> bytes:
        rows = await self.pool.fetch(statement, group_id, PAGE_POSTS)
        revisions = [
            {
                "sequence": row[0],
                "post_id": row[1],
                "author_id": row[2],
                "text": self.unseal(row[3], group_id),
            }
            for row in rows
        ]
        return answer(b"200 OK", orjson.dumps({"revisions": revisions}))

    def seal(self, text: str, group_id: int) -> bytes:
        """nonce (12) + ciphertext and tag, bound to the group; the bare bytes in the smaller floor."""
        if self.key is None:
            return text.encode()
        nonce = os.urandom(12)
        return nonce + self.key.encrypt(nonce, text.encode(), group_id.to_bytes(8, "big"))

    def unseal(self, blob: bytes, group_id: int) -> str:
        """The text of a stored body. Raises InvalidTag when it was moved to another group."""
        if self.key is None:
            return blob.decode()
        return self.key.decrypt(blob[:12], blob[12:], group_id.to_bytes(8, "big")).decode()


class Connection(asyncio.Protocol):
    """One client: HTTP requests one after another, or a WebSocket after its upgrade."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.buffer = b""
        self.transport: asyncio.Transport | None = None
        self.group_id: int | None = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.group_id is not None and self.transport is not None:
            self.rig.listeners.get(self.group_id, set()).discard(self.transport)

    def data_received(self, data: bytes) -> None:
        # After the upgrade the members only listen: what they send (close, pong) needs no answer here.
        if self.group_id is not None:
            return
        self.buffer += data
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = _number_after(head, b"content-length:")
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.answer_request(head, rest[:length])

    def answer_request(self, head: bytes, body: bytes) -> None:
        """Start what the request line asks for."""
        method, path, _ = head.split(b" ", 2)
        if b"/socket" in path:
            self.upgrade(head, int(path.rpartition(b"=")[2]))
        elif path.startswith(b"/groups/"):
            group_id = int(path.split(b"/")[2])
            read = self.rig.noted_posts if path.endswith(b"?noted") else self.rig.last_posts
            work = self.rig.create_post if method == b"POST" else read
            self.task = asyncio.ensure_future(self.work_and_write(work, group_id, body))
        else:
            self.write(answer(b"204 No Content", b""))

    async def work_and_write(
        self, work: Callable[[int, bytes], Awaitable[bytes]], group_id: int, body: bytes
    ) -> None:
        """Write the outcome, a bare 500 when it failed."""
        try:
            self.write(await work(group_id, body))
        # Whatever it was, the generator counts it as failed.
        except Exception as error:  # noqa: BLE001
            print(f"rig: {type(error).__name__}", file=sys.stderr)
            self.write(answer(b"500 Internal Server Error", b""))

    def upgrade(self, head: bytes, member: int) -> None:
        """Accept the WebSocket and listen to the member's group."""
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = b64encode(sha1(key.partition(b":")[2].strip() + SOCKET_GUID).digest())
        self.group_id = member // MEMBERS_PER_GROUP
        assert self.transport is not None
        self.rig.listeners.setdefault(self.group_id, set()).add(self.transport)
        self.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


def answer(status: bytes, body: bytes) -> bytes:
    """One HTTP answer in one piece."""
    return (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: "
        + str(len(body)).encode() + b"\r\n\r\n" + body
    )  # fmt: skip


def frame_of(text: bytes) -> bytes:
    """One unmasked WebSocket text frame of up to 65,535 bytes."""
    size = len(text)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + text


def _number_after(head: bytes, name: bytes) -> int:
    lower = head.lower()
    at = lower.find(name)
    return 0 if at < 0 else int(lower[at + len(name) :].partition(b"\r\n")[0])


async def serve(port: int, database_url: str, *, sealed: bool) -> None:
    """Serve on the loopback until the process is ended."""
    pool = await asyncpg.create_pool(database_url, min_size=16, max_size=16)
    await pool.execute(TABLE)
    rig = Rig(pool, sealed=sealed)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(rig), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sealed="--sealed" in sys.argv))
