import json
import socket
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from casenet.ids import new_id
from tests.house import Caller, House, caller, populate, wait_until


class Ear:
    """A raw Socket.IO client: what a phone's socket would hear."""

    def __init__(self, caller: Caller) -> None:
        self.socket = connect(
            socket_address(caller.house),
            origin=Origin(caller.house.origin),
            additional_headers={"Cookie": f"casenet={caller.token}"},
            legacy=True,
        )
        assert str(self.socket.recv(timeout=5)).startswith("0")
        self.socket.send("40")
        self.answer = self.socket.recv(timeout=5)

    def next(self, event: str, *, seconds: float = 5) -> Any:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            message = self.socket.recv(timeout=left)
            if message == "2":
                self.socket.send("3")
            elif isinstance(message, str) and message.startswith("42"):
                name, data = json.loads(message[2:])
                if name == event:
                    return data
        raise TimeoutError(event)


def socket_address(house: House) -> str:
    return f"{house.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"


def draft(text: str) -> dict[str, str]:
    return {"id": str(new_id()), "kind": "report", "text": text}


def test_a_post_appears_on_another_members_screen_live(house: House) -> None:
    cast = populate()
    house.start("web")
    nurse, doctor = caller(house, cast.tanaka), caller(house, cast.sato)
    ear = Ear(doctor)

    sent = nurse.post(f"/groups/{cast.group}/posts", draft("熱が 38.2 あります"))

    heard = ear.next("changes")
    assert sent.status_code == 201
    assert [(row["sequence"], row["text"]) for row in heard["revisions"]] == [(1, "熱が 38.2 あります")]
    assert heard["people"][str(cast.tanaka)]["facility_name"] == "架空訪問看護ステーション"


def test_a_removed_members_open_socket_sees_nothing_more(house: House) -> None:
    cast = populate()
    house.start("web")
    nurse, helper = caller(house, cast.tanaka), caller(house, cast.ito)
    ear = Ear(helper)
    nurse.post(f"/groups/{cast.group}/posts", draft("一"))
    assert ear.next("changes")["last_sequence"] == 1

    assert nurse.send("DELETE", f"/groups/{cast.group}/members/{cast.ito}").status_code == 204
    nurse.post(f"/groups/{cast.group}/posts", draft("二"))

    assert ear.next("groups")["group_id"] == str(cast.group)
    with pytest.raises(TimeoutError):
        ear.next("changes", seconds=2)


def test_a_socket_without_a_session_or_from_another_site_is_refused(house: House) -> None:
    cast = populate()
    house.start("web")
    token = caller(house, cast.tanaka).token

    nobody = connect(socket_address(house), origin=Origin(house.origin), legacy=True)
    nobody.recv(timeout=5)
    nobody.send("40")

    assert str(nobody.recv(timeout=5)).startswith("44")
    with pytest.raises(InvalidStatus):
        connect(
            socket_address(house),
            origin=Origin("https://evil.example"),
            additional_headers={"Cookie": f"casenet={token}"},
            legacy=True,
        )


def test_a_body_in_pieces_that_are_none_is_a_clear_refusal_and_ends_the_line(house: House) -> None:
    house.start("web")
    head = "POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

    with socket.create_connection(("127.0.0.1", house.port), 10) as line:
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\nno length\r\n{{}}\r\n0\r\n\r\n".encode())
        answered = b"".join(iter(lambda: line.recv(65536), b""))

    assert answered.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad-request"' in answered
    assert "mistake" not in house.log("web")


GOOD_HANDSHAKE = {
    "Host": "a",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def test_whoever_asks_for_a_socket_wrongly_is_refused_and_leaves_nothing_in_the_log(house: House) -> None:
    house.start("web")
    faults = [
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Version": None},
        {"Sec-WebSocket-Key": None},
        {"Host": None},
        {"Connection": "close"},
        {"Upgrade": "h2c"},
        {"sid": "&sid=AAAA"},
        {"method": "POST"},
    ]

    def shake_hands(fault: dict[str, str | None]) -> bytes:
        given = GOOD_HANDSHAKE | {"Origin": house.origin} | fault
        start = f"{given.pop('method', 'GET')} /socket.io/?EIO=4&transport=websocket{given.pop('sid', '')} HTTP/1.1"
        lines = [start, *(f"{name}: {value}" for name, value in given.items() if value is not None), "", ""]
        with socket.create_connection(("127.0.0.1", house.port), 10) as line:
            line.sendall("\r\n".join(lines).encode())
            return line.recv(65536)

    answers = [shake_hands(fault) for fault in faults]

    assert shake_hands({}).startswith(b"HTTP/1.1 101 ")
    assert [answer[9:12] for answer in answers] == [b"400"] * 4 + [b"404", b"404", b"400", b"405"]
    assert all(answer.count(b"X-Content-Type-Options: nosniff") == 1 for answer in answers)
    assert "Traceback" not in house.log("web")


def test_signing_out_closes_the_socket_within_a_second(house: House) -> None:
    cast = populate()
    house.start("web")
    nurse = caller(house, cast.tanaka)
    ear = Ear(nurse)

    assert nurse.send("DELETE", "/session").status_code == 204

    assert ear.next("signed-out", seconds=1) == {}


def test_a_dead_redis_delays_nothing_that_is_written(house: House, servers: Any) -> None:
    """Posts are accepted while Redis is away; the phone's own look finds them."""
    cast = populate()
    house.environ["REDIS_URL"] = "redis://127.0.0.1:1"
    house.start("web")
    nurse, doctor = caller(house, cast.tanaka), caller(house, cast.sato)

    for number in range(5):
        assert nurse.post(f"/groups/{cast.group}/posts", draft(str(number))).status_code == 201

    states = wait_until(lambda: doctor.get("/groups/state")["groups"])
    assert states == [{"id": str(cast.group), "last_sequence": 5, "last_mark": 0}]
    assert len(doctor.get(f"/groups/{cast.group}/posts?after=0")["revisions"]) == 5
