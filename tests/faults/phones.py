"""Phones as the real one behaves: every id is made once, every letter is repeated until it is answered.

A phone has two threads, as the page has two clocks: one empties the outbox, one listens on a socket, folds
what comes and asks over HTTP for whatever is missing. It is only quicker than the real one, so that more
happens in a minute.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.house import Caller

CHECK_SECONDS = 5.0  # the real phone's, while an alert is open
WAIT_SECONDS_MAX = 2.0  # the real phone waits up to 3 s with an alert, up to 30 s with a post
PASSING = {408, 425, 429}
LOST_ANSWERS = 0.15  # how many first tries arrive although their answer does not


@dataclass
class Letter:
    """One thing to send.

    kind      post, revision, alert, receipt, acknowledgement or resolution.
    at        When the person writes it, on the monotonic clock.
    answer    What the server said in the end; None while it waits.
    refused   The status of a final no.
    tries     How often it was sent.
    then      Called with the answer, once.
    """

    kind: str
    path: str
    body: dict[str, Any]
    at: float
    answer: dict[str, Any] | None = None
    status: int = 0
    refused: int = 0
    tries: int = 0
    then: Callable[[dict[str, Any]], None] | None = None

    @property
    def waits(self) -> bool:
        return self.answer is None and not self.refused


@dataclass
class Log:
    """A group's timeline as the phone has folded it: without a hole, each number once."""

    rows: dict[int, tuple[str, int, str | None]] = field(
        default_factory=dict[int, tuple[str, int, str | None]]
    )
    marks: int = 0
    doubles: int = 0

    @property
    def high(self) -> int:
        return len(self.rows)

    def fold(self, news: dict[str, Any]) -> tuple[int, bool]:
        """Take what follows on what is held; returns how many rows, and whether there is a hole."""
        added = 0
        for row in sorted(news["revisions"], key=lambda row: row["sequence"]):
            known = (row["post_id"], row["revision"], row["text"])
            if row["sequence"] <= self.high:
                # The same number again is normal; with other content it would be a second truth.
                self.doubles += self.rows[row["sequence"]] != known
            elif row["sequence"] == self.high + 1:
                self.rows[row["sequence"]] = known
                added += 1
        return added, news["last_sequence"] > self.high


class Phone:
    """One device of one person, in some groups."""

    def __init__(self, caller: Caller, group_ids: Sequence[UUID], chance: Random) -> None:
        self.caller = caller
        self.reader = Caller(caller.house, caller.token)
        self.chance = chance
        self.reading = Random(chance.random())
        self.letters: list[Letter] = []
        self.logs = {str(group_id): Log() for group_id in group_ids}
        self.lock = threading.Lock()
        self.is_on = True
        self.connections = self.live_rows = self.fetched_rows = 0
        self.oddities: list[str] = []
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._write, self._listen)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.is_on = False
        for thread in self.threads:
            thread.join(30)

    def write(self, letter: Letter) -> None:
        """Put a letter into the outbox; it leaves at its time."""
        with self.lock:
            self.letters.append(letter)

    def is_idle(self) -> bool:
        with self.lock:
            return not any(letter.waits for letter in self.letters)

    # The outbox: alerts first, one after the other.

    def _next(self) -> Letter | None:
        with self.lock:
            due = [one for one in self.letters if one.waits and one.at <= time.monotonic()]
        return min(due, key=lambda one: (one.kind != "alert", one.at), default=None)

    def _write(self) -> None:
        failed = 0
        while self.is_on:
            letter = self._next()
            if letter is None:
                time.sleep(0.02)
            elif self._send(letter):
                failed = 0
            else:
                failed += 1
                longest = min(WAIT_SECONDS_MAX, 0.1 * 2**failed)
                time.sleep(longest * self.chance.uniform(0.5, 1))

    def _send(self, letter: Letter) -> bool:
        letter.tries += 1
        try:
            answer = self._say(letter)
        except requests.RequestException:
            return False
        if answer.status_code >= 500 or answer.status_code in PASSING:
            if answer.status_code not in (502, 503):
                self.oddities.append(f"{letter.kind}: {answer.status_code}")
            return False
        if answer.status_code == 409 and letter.kind == "acknowledgement":
            letter.answer, letter.status = {}, 409  # somebody was quicker
            return True
        if not answer.ok:
            letter.refused = answer.status_code
            self.oddities.append(f"{letter.kind}: {answer.status_code} {answer.text[:200]}")
            return True
        letter.status = answer.status_code
        letter.answer = answer.json() if answer.content else {}
        if letter.then:
            letter.then(letter.answer or {})
        return True

    def _say(self, letter: Letter) -> requests.Response:
        if letter.tries > 1 or self.chance.random() > LOST_ANSWERS:
            return self.caller.post(letter.path, letter.body)
        # The radio goes away right after the last byte, and the phone repeats itself at once: the first one
        # may still be at work.
        address = f"{self.caller.house.origin}/api/v1{letter.path}"
        with suppress(requests.RequestException):
            self.caller.http.post(address, json=letter.body, timeout=(5, 0.001))
        letter.tries += 1
        return self.caller.post(letter.path, letter.body)

    # The socket, and the look every few seconds.

    def _listen(self) -> None:
        while self.is_on:
            try:
                with self._socket() as socket:
                    self.connections += 1
                    self._hear(socket)
            except (WebSocketException, OSError, TimeoutError, ConnectionError):
                time.sleep(self.reading.uniform(0.2, 1.0))

    def _socket(self) -> ClientConnection:
        house = self.caller.house
        address = f"{house.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
        socket: Any = connect(
            address,
            origin=Origin(house.origin),
            additional_headers={"Cookie": f"casenet={self.caller.token}"},
            open_timeout=5,
            close_timeout=1,
            legacy=True,
        )
        socket.recv(timeout=5)
        socket.send("40")
        if not str(socket.recv(timeout=5)).startswith("40"):
            socket.close()
            raise ConnectionError
        return socket

    def _hear(self, socket: ClientConnection) -> None:
        check_at = 0.0
        while self.is_on:
            if time.monotonic() >= check_at:
                self._check()
                check_at = time.monotonic() + CHECK_SECONDS * self.reading.uniform(0.9, 1.1)
            try:
                message = str(socket.recv(timeout=0.25))
            except TimeoutError:
                continue
            if message == "2":
                socket.send("3")
            elif message.startswith("42"):
                event, news = json.loads(message[2:])
                if event == "changes":
                    added, hole = self.logs[news["group_id"]].fold(news)
                    self.live_rows += added
                    if hole:
                        check_at = 0.0

    def _check(self) -> None:
        """Compare every number with the server's, ask for what is missing; the next look tries again."""
        try:
            for state in self.reader.get("/groups/state")["groups"]:
                log = self.logs[state["id"]]
                while log.high < state["last_sequence"]:
                    page = self.reader.get(f"/groups/{state['id']}/posts?after={log.high}&limit=200")
                    added, _ = log.fold(page)
                    self.fetched_rows += added
                    if not added:
                        break
        except requests.RequestException:
            pass
