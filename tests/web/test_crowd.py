from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from uuid import UUID

import gevent
import pytest
from flask import Flask

from casenet.web import crowd, gate
from tests.cast import Cast
from tests.web.conftest import Phone


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every place is taken, and nobody leaves."""
    monkeypatch.setattr(crowd, "WAIT_SECONDS", 0.05)
    for _ in range(crowd.AT_ONCE_MAX):
        crowd._places.acquire()  # pyright: ignore[reportPrivateUsage]
    yield
    for _ in range(crowd.AT_ONCE_MAX):
        crowd._places.release()  # pyright: ignore[reportPrivateUsage]


def test_when_every_place_is_taken_ordinary_work_hears_busy_and_a_call_passes(
    full: None, cast: Cast, phone_of: Callable[[UUID], Phone]
) -> None:
    phone = phone_of(cast.sato)

    refused = phone.get("/groups")
    urgent = phone.get("/alerts?open=true")

    assert (refused.status_code, refused.json["code"]) == (503, "busy")
    assert refused.headers["Retry-After"] == "2"
    assert urgent.status_code == 200


def test_a_place_is_given_back_whatever_happened(
    app: Flask, cast: Cast, phone_of: Callable[[UUID], Phone]
) -> None:
    phone = phone_of(cast.sato)
    for _ in range(crowd.AT_ONCE_MAX * 2):
        phone.get("/groups/not-a-group/posts")
        phone.get(f"/groups/{cast.other_group}/posts")
        phone.get("/me")

    assert crowd._places.counter == crowd.AT_ONCE_MAX  # pyright: ignore[reportPrivateUsage]


def test_who_waits_gets_the_next_free_place(full: None, app: Flask) -> None:
    crowd._places.release()  # pyright: ignore[reportPrivateUsage]
    got: list[str] = []

    def work(name: str) -> None:
        with app.test_request_context():
            crowd.queue_up()
            got.append(name)
            gevent.sleep(0.01)
            crowd.leave()

    gevent.joinall([gevent.spawn(work, name) for name in ("one", "two", "three")])

    assert got == ["one", "two", "three"]
    crowd._places.acquire()  # pyright: ignore[reportPrivateUsage]


class _SlowBody(BytesIO):
    """A sender that trickles."""

    def readinto(self, buffer: Any) -> int:
        gevent.sleep(1)
        return 0

    def read(self, size: int | None = -1) -> bytes:
        gevent.sleep(1)
        return b""


def test_who_sends_slowly_takes_no_place_and_is_let_go(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.1)
    places: list[int] = []

    def send() -> int:
        slow = {"wsgi.input": _SlowBody(), "CONTENT_LENGTH": "200000"}
        return app.test_client().post("/api/v1/session", environ_overrides=slow).status_code

    senders = [gevent.spawn(send) for _ in range(crowd.AT_ONCE_MAX + 1)]
    gevent.sleep(0.05)
    places.append(crowd._places.counter)  # pyright: ignore[reportPrivateUsage]
    gevent.joinall(senders)

    assert places == [crowd.AT_ONCE_MAX]
    assert {sender.value for sender in senders} == {408}
