"""Live delivery over real processes while the database goes, and to phones that do not read."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

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

    def enter(self) -> str:
        """Ask to be let in; the answer."""
        self.socket.send("40")
        return str(self.socket.recv(timeout=12))


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
