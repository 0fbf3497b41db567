from collections.abc import Callable, Iterator
from uuid import UUID

import gevent
import pytest
from flask import Flask

from casenet.web import crowd
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
