"""One table from what the parts raise to what HTTP answers: problem details, RFC 9457.

Nothing of the input is echoed. A group, post, alert or sheet that is not for this person gets the same bytes
as one that never was; so the request's id stands in a header, not in the body.
"""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from casenet import errors
from casenet.crypto import SealBroken

log = structlog.get_logger()

STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Gone: HTTPStatus.GONE,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(
    status: HTTPStatus,
    code: str,
    *,
    fields: dict[str, str] | None = None,
    facts: dict[str, Any] | None = None,
) -> Response:
    """An error answer. `fields`: path to code; `facts`: ids and numbers beside them."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "code": code,
    }
    if fields:
        body["errors"] = [{"field": field, "code": fault} for field, fault in fields.items()]
    answer = Response(
        orjson.dumps(body | (facts or {}), default=str),
        status=int(status),
        content_type="application/problem+json",
    )
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        answer.headers["Retry-After"] = str((facts or {}).get("retry_after_seconds", 2))
    return answer


def of_domain(error: errors.DomainError) -> Response:
    """The answer to a refusal of the parts."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    fields = error.fields if isinstance(error, errors.Invalid) else None
    return problem(status, error.code, fields=fields, facts=error.facts)


def of_validation(error: ValidationError) -> Response:
    """The answer to a body, path or query of the wrong shape; says where, never what was sent."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    fields = {".".join(str(step) for step in fault["loc"]) or "body": fault["type"] for fault in faults[:50]}
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "input-invalid", fields=fields)


def _of_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    codes = {
        404: "not-found",
        405: "method-not-allowed",
        413: "too-large",
        415: "not-json",
        400: "bad-request",
    }
    answer = problem(status, codes.get(int(status), "refused"))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _of_database(error: Exception) -> Response:
    log.error("database_unavailable", error=type(error).__name__, request_id=g.get("request_id"))
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")


def _of_mistake(error: Exception) -> Response:
    # Only the kind: an exception's text may hold what a person typed.
    place = errors.place_of(error.__traceback__)
    log.error("mistake", error=type(error).__name__, place=place, request_id=g.get("request_id"))
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal")


def register(app: Flask) -> None:
    """Let the app answer errors from this table."""
    app.register_error_handler(errors.DomainError, of_domain)
    app.register_error_handler(ValidationError, of_validation)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(OperationalError, _of_database)
    app.register_error_handler(PoolTimeout, _of_database)
    app.register_error_handler(SealBroken, _of_mistake)
    app.register_error_handler(DBAPIError, _of_mistake)
    app.register_error_handler(Exception, _of_mistake)
