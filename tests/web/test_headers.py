"""What every answer says to the browser, whatever its view."""

from collections.abc import Callable
from uuid import UUID

import pytest

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


@pytest.mark.parametrize(
    "path", ["/api/v1/groups", "/api/v1/groups/state", "/api/v1/nothing", "/health/live"]
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
