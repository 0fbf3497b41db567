"""The official JavaScript socket.io-client, in Node, against real processes: live, over a kill, without a hole."""

import json
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import requests

import hatch_build
from casenet.ids import new_id
from tests.cast import Cast
from tests.house import ROOT, Caller, House, caller, populate, wait_until

STATIC = ROOT / "static"


@dataclass
class Client:
    """A Node process with the client in it, and what it has told so far."""

    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def read(self, lines: IO[str]) -> None:
        for line in lines:
            self.told.append(json.loads(line))

    def count(self, event: str) -> int:
        return sum(one["event"] == event for one in self.told)

    def rows(self, way: str = "") -> list[dict[str, Any]]:
        """What it has drawn, in its order; way: "live" or "rest"."""
        return [one for one in self.told if one["event"] == "row" and way in ("", one["way"])]


def node() -> str:
    """The program: from PATH, or from the wheel in the environment."""
    folder = hatch_build.node_folder()
    assert folder, "Node.js 20 or later was not found: run make page, which installs it."
    assert (STATIC / "node_modules/socket.io-client").is_dir(), "run .ci/npm ci: socket.io-client is missing"
    return shutil.which("node", path=folder) or "node"


@contextmanager
def client(person: Caller, group_id: object, *, cookie: str = "") -> Generator[Client]:
    script = Path(__file__).with_name("official_client.mjs")
    session = cookie or f"casenet={person.token}"
    child = subprocess.Popen(
        [node(), str(script), str(STATIC), person.house.origin, session, str(group_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    heard = Client()
    reader = threading.Thread(target=heard.read, args=(cast("IO[str]", child.stdout),), daemon=True)
    reader.start()
    try:
        yield heard
    finally:
        child.kill()
        child.wait()
        reader.join(5)


def publish(person: Caller, cast: Cast, text: str) -> None:
    """As the outbox does it: one id, again until answered."""
    body = {"id": str(new_id()), "kind": "report", "text": text}

    def answered() -> bool:
        try:
            return person.post(f"/groups/{cast.group}/posts", body).status_code in (200, 201)
        except requests.RequestException:
            return False

    wait_until(answered, seconds=30, what=f"an answer to {text}")


def test_the_official_client_hears_live_survives_a_kill_and_has_no_hole(house: House) -> None:
    cast = populate()
    house.start("web")
    nurse, doctor = caller(house, cast.tanaka), caller(house, cast.sato)
    publish(nurse, cast, "前")

    with client(doctor, cast.group) as phone:
        wait_until(lambda: phone.count("level"), what="the first reading")
        for number in range(20):
            publish(nurse, cast, f"生{number}")
        wait_until(lambda: len(phone.rows("live")) == 20, what="twenty posts, live")

        # Dead in the middle of the work; what is written while nobody carries it live is found by asking.
        writer = threading.Thread(
            target=lambda: [publish(nurse, cast, f"中{number}") for number in range(60)]
        )
        writer.start()
        wait_until(lambda: len(phone.rows()) > 30, what="the work to be under way")
        house.kill("web")
        wait_until(lambda: phone.count("disconnect") == 1, what="the client to notice")
        house.start("web")
        writer.join(60)
        wait_until(lambda: phone.count("connect") == 2, what="the client to come back by itself")
        wait_until(lambda: len(phone.rows()) == 81, what="every post")

        # And live again.
        before = len(phone.rows("live"))
        publish(nurse, cast, "後")
        wait_until(lambda: len(phone.rows("live")) == before + 1, what="a post, live again")

        expected = [
            "前",
            *(f"生{number}" for number in range(20)),
            *(f"中{number}" for number in range(60)),
            "後",
        ]
        assert [row["text"] for row in phone.rows()] == expected
        assert [row["sequence"] for row in phone.rows()] == list(range(1, 83))


def test_the_official_client_hears_nothing_without_a_session_or_outside_the_group(house: House) -> None:
    cast = populate()
    house.start("web")
    nurse, outsider = caller(house, cast.tanaka), caller(house, cast.ogawa)

    with (
        client(outsider, cast.group) as stranger,
        client(nurse, cast.group, cookie="casenet=made-up") as nobody,
        client(nurse, cast.group) as member,
    ):
        wait_until(lambda: stranger.count("connect") and member.count("level"), what="two open sockets")
        wait_until(lambda: nobody.count("refused"), what="a refusal")
        publish(nurse, cast, "秘密")
        wait_until(member.rows, what="the member to hear it")

        assert stranger.rows() == nobody.rows() == []
        assert nobody.count("connect") == 0
