"""Live delivery over real processes while the database goes, and to phones that do not read."""

import json
import socket
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from casenet.ids import new_id
from tests.conftest import Servers
from tests.house import Caller, House, caller, populate


class Ear:
    """A phone's socket whose connection the test opens step by step."""

    def __init__(self, caller: Caller, **options: Any) -> None:
        self.socket = connect(
            f"{caller.house.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket",
            origin=Origin(caller.house.origin),
            additional_headers={"Cookie": f"casenet={caller.token}"},
            max_size=None,
            legacy=True,
            **options,
        )
        assert str(self.socket.recv(timeout=5)).startswith("0")
        self.numbers: list[int] = []

    def enter(self) -> str:
        """Ask to be let in; the answer."""
        self.socket.send("40")
        return str(self.socket.recv(timeout=12))

    def hear(self, *, seconds: float) -> None:
        """Take one message; note the numbers of the posts in it."""
        message = str(self.socket.recv(timeout=seconds))
        if message == "2":
            self.socket.send("3")
        elif message.startswith('42["changes"'):
            self.numbers += [row["sequence"] for row in json.loads(message[2:])[1]["revisions"]]

    @property
    def high(self) -> int:
        return max(self.numbers, default=0)


def draft(text: str) -> dict[str, str]:
    return {"id": str(new_id()), "kind": "report", "text": text}


def test_a_phone_that_comes_while_the_database_is_away_is_cut_so_that_it_comes_again(
    house: House, servers: Servers
) -> None:
    cast = populate()
    house.start("web")
    nurse = caller(house, cast.tanaka)
    ear = Ear(nurse)
    servers.postgres.stop()

    try:
        with pytest.raises(ConnectionClosed):
            ear.enter()
    finally:
        servers.postgres.start()

    assert Ear(nurse).enter().startswith("40")


def test_a_phone_that_reads_late_holds_up_nobody_and_gets_whole_frames_in_order(house: House) -> None:
    """200 posts of 10,000 characters: 6 MB a phone, more than the kernel keeps for one."""
    cast = populate()
    house.start("web")
    nurse, doctor = caller(house, cast.tanaka), caller(house, cast.sato)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", house.port))
    stopped = Ear(doctor, sock=narrow, max_queue=1)
    assert stopped.enter().startswith("40")
    awake = Ear(nurse)
    assert awake.enter().startswith("40")

    waits: list[float] = []
    for number in range(1, 201):
        sent = nurse.post(f"/groups/{cast.group}/posts", draft("熱" * 10_000))
        assert sent.status_code == 201
        since = time.monotonic()
        while awake.high < number:
            awake.hear(seconds=10)
        waits.append(time.monotonic() - since)

    assert max(waits) < 2
    assert awake.numbers == list(range(1, 201))
    # Whole frames in their order: none lies in another's middle.
    while stopped.high < 200:
        stopped.hear(seconds=10)
    assert stopped.numbers == awake.numbers
