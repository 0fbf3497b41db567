"""What the generator must know of a server under test."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.processes import Processes

GROUPS = 50
MEMBERS_PER_GROUP = 10
MEMBERS = GROUPS * MEMBERS_PER_GROUP


def _nothing(_: int) -> bytes:
    return b""


@dataclass
class Subject:
    """A running server and the way to speak to it. Members: 0..499; a member's group is member // 10.

    name          the row's name in the report
    processes     its own processes; shared ones (PostgreSQL, Redis) are in `shared`
    engine_io     Socket.IO over WebSocket; False is a bare WebSocket
    post_path     member → path that takes a new post of that member's group
    post_body     (member, post id, text) → request body
    socket_path   member → path and query of the WebSocket
    headers       member → extra header lines, each ended by CRLF (cookie, CSRF)
    history       (path of the last 50 of a group with 10,000 posts, member who asks); None: not offered
    """

    name: str
    port: int
    processes: Processes
    shared: Processes
    engine_io: bool
    post_path: Callable[[int], str]
    post_body: Callable[[int, str, str], bytes]
    socket_path: Callable[[int], str]
    headers: Callable[[int], bytes] = _nothing
    history: tuple[str, int] | None = None
    host: str = "127.0.0.1"
    facts: dict[str, object] = field(default_factory=dict[str, object])

    @property
    def host_header(self) -> bytes:
        """host:port"""
        return f"{self.host}:{self.port}".encode()

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds so far by account: server, background, postgres, redis."""
        return {"background": 0.0, **self.processes.cpu_seconds(), **self.shared.cpu_seconds()}

    def request(self, method: str, path: str, member: int, body: bytes = b"") -> bytes:
        """The bytes of one HTTP request of a member."""
        return (
            f"{method} {path} HTTP/1.1\r\n".encode() + b"Host: " + self.host_header
            + b"\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n" + self.headers(member) + b"\r\n" + body
        )  # fmt: skip
