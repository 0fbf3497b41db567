"""What stands outside, on this machine: a push service that decrypts as a browser would, and a mail server."""

import asyncio
import json
import ssl
import threading
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Self, cast

import http_ece
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.house import free_port
from tests.night import Browser


@dataclass
class Pushed:
    """One push that came in, opened with the browser's key."""

    browser: str
    headers: dict[str, str]
    size: int
    message: dict[str, Any]
    claims: dict[str, Any]


@dataclass
class PushService:
    """Speaks RFC 8030 on 127.0.0.1. `answers`: status codes to give before 201, by browser name.

    certificate   Of make_certificate(); speaks TLS with it.
    """

    browsers: dict[str, Browser] = field(default_factory=dict)
    received: list[Pushed] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    certificate: Path | None = None

    def __enter__(self) -> Self:
        service = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                waiting = service.answers.get(name) or []
                status, headers = waiting.pop(0) if waiting else (201, {})
                if status == 201:
                    service.received.append(service.open(name, dict(self.headers), body))
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                service.received.append(Pushed("followed", {}, 0, {}, {}))
                self.send_error(418)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def browser(self, name: str) -> Browser:
        return self.browsers.setdefault(name, Browser.new())

    def endpoint(self, name: str) -> str:
        return f"{self.scheme}://{self.host}/push/{name}"

    @property
    def scheme(self) -> str:
        return "https" if self.certificate else "http"

    def open(self, name: str, headers: dict[str, str], body: bytes) -> Pushed:
        """Decrypt (RFC 8291) and check who sent it (RFC 8292), as strictly as a browser and its service do."""
        browser = self.browsers[name]
        assert headers["Content-Encoding"] == "aes128gcm"
        opened = http_ece.decrypt(
            body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
        )
        claims = check_vapid(headers["Authorization"])
        assert claims["aud"] == f"{self.scheme}://{self.host}"
        return Pushed(name, headers, len(body), json.loads(opened), claims)


def make_certificate(folder: Path) -> Path:
    """A key and a self-signed certificate for 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "push.pem"
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    return path


def check_vapid(header: str) -> dict[str, Any]:
    """Verify the ES256 signature of a VAPID header; returns its claims."""
    fields = dict(part.strip().split("=", 1) for part in header.removeprefix("vapid ").split(","))
    signed, _, signature = fields["t"].rpartition(".")
    raw = _bytes(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(fields["k"]))
    key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
    head, claims = (json.loads(_bytes(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    return claims


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class MailService:
    """A real SMTP server on 127.0.0.1. `refusals`: answers to RCPT before it says 250."""

    received: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    wait_seconds: float = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.wait_seconds)
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = cast("bytes", envelope.content)
        self.received.append(cast("EmailMessage", message_from_bytes(content, policy=modern)))
        return "250 OK"

    def __enter__(self) -> Self:
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.controller.port}"
