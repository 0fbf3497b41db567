"""The demo's letterbox receives over real SMTP."""

import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-m", "casenet.cli.mailbox", tmp_path, str(number)])
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                break
        time.sleep(0.05)
    yield number
    child.terminate()
    child.wait(10)


def test_every_message_becomes_a_file(port: int, tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@casenet.example", "b@casenet.example", "緊急連絡"
    message.set_content("アプリを開いて確認してください。")

    with smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.send_message(message)
        line.send_message(message)

    files = sorted(tmp_path.glob("*.eml"))
    assert len(files) == 2
    received = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert received["Subject"] == "緊急連絡"
    assert "確認してください" in received.get_content()
