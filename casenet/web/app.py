"""Builds the Flask app: blueprints, the gate before every request, the note after it."""

import time
from collections.abc import Callable
from os import urandom
from types import ModuleType
from typing import Any, cast

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from casenet import audit
from casenet.config import Config
from casenet.web import (
    alerts,
    crowd,
    errors,
    facilities,
    gate,
    groups,
    health,
    logs,
    phone,
    pings,
    policies,
    push,
    receipts,
    rosters,
    sessions,
    sheets,
    timeline,
)
from casenet.web.answer_headers import AnswerHeaders
from casenet.web.answers import answer
from casenet.web.shapes import Problem

BODY_BYTES_MAX = 256 * 1024  # the longest post is 40 kB of UTF-8, a full sheet below 100 kB

PARTS: tuple[ModuleType, ...] = (
    sessions,
    facilities,
    groups,
    timeline,
    sheets,
    alerts,
    policies,
    pings,
    push,
    rosters,
)


class _Json(DefaultJSONProvider):
    """A body of a thousand brackets is no JSON, not an accident of ours."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("too deep") from None


class _App(OpenAPI):
    """Flask asks of every function, at every call, whether it is a coroutine: none of ours is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Config) -> Flask:
    """The whole web door over `settings`."""
    app = _App(
        "casenet",
        info=Info(title="CaseNet", version="1"),
        doc_ui=False,
        security_schemes={"session": {"type": "apiKey", "in": "cookie", "name": gate.cookie_name()}},
        responses={422: Problem, 401: Problem, 403: Problem, 404: Problem},
        validation_error_status=422,
        validation_error_model=Problem,
        static_folder=None,
    )
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.before_request(_arrive)
    app.before_request(gate.admit)
    app.after_request(_leave)
    app.teardown_request(_forget)
    errors.register(app)
    for part in PARTS:
        app.register_api(part.blueprint)
    if settings.demo:
        app.register_api(sessions.demo_blueprint)
    app.add_url_rule("/api/v1/openapi.json", "openapi", lambda: answer(cast("dict[str, Any]", app.api_doc)))
    app.register_blueprint(health.blueprint)
    app.register_blueprint(receipts.blueprint)
    app.register_blueprint(phone.blueprint)
    app.wsgi_app = AnswerHeaders(app.wsgi_app)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies
        )
    return app


def _arrive() -> None:
    g.started = time.perf_counter()
    g.request_id = urandom(8).hex()
    g.door = audit.at_door(audit.Origin(g.request_id, request.remote_addr, None))


def _leave(response: Response) -> Response:
    response.headers.add("X-Request-Id", g.get("request_id", ""))
    return logs.note(response) if "started" in g else response


def _forget(error: BaseException | None) -> None:
    crowd.leave()
    if (door := g.pop("door", None)) is not None:
        audit.leave_door(door)
