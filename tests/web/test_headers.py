"""What every answer says to the browser, whatever its view."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from tests.cast import Cast
from tests.web.conftest import Phone

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}

TLS = "Strict-Transport-Security"


@pytest.mark.parametrize(
    "path", ["/api/v1/groups", "/api/v1/groups/state", "/api/v1/nothing", "/health/live", "/nothing.txt"]
)
def test_every_answer_carries_each_header_once(
    cast: Cast, phone_of: Callable[[UUID], Phone], path: str
) -> None:
    answer = phone_of(cast.tanaka).client.get(path)

    names = [name for name, _ in answer.headers]
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers["X-Request-Id"]) == 16
    assert len(names) == len(set(names))


def test_what_a_view_has_said_itself_is_not_said_again(app: Flask) -> None:
    page = app.test_client().get("/", headers={"Accept-Encoding": "br"})

    names = [name for name, _ in page.headers]
    assert page.headers["Cache-Control"] == "no-cache"
    assert {name: page.headers[name] for name in EXPECTED} == EXPECTED
    assert len(names) == len(set(names))


def test_only_under_tls_a_browser_is_told_to_stay_there(app: Flask) -> None:
    told = [
        app.test_client().get("/health/live", base_url=f"{scheme}://localhost").headers.get(TLS)
        for scheme in ("http", "https")
    ]

    assert told == [None, "max-age=31536000; includeSubDomains"]
