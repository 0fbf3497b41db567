"""Receives the demo's mail into files: `python -m casenet.cli.mailbox FOLDER PORT`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_BYTES_MAX = 1_000_000


class Letterbox:
    """Writes each message to `folder` as .eml, oldest first by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one message; the name that aiosmtpd calls is its own."""
        content = envelope.content or b""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.eml"
        (self._folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return "250 Message accepted for delivery"


async def receive(folder: Path, port: int) -> None:
    """Receive into an existing folder until the process is ended."""
    letterbox = Letterbox(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(letterbox, data_size_limit=MESSAGE_BYTES_MAX, enable_SMTPUTF8=True), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(receive(Path(sys.argv[1]), int(sys.argv[2])))
