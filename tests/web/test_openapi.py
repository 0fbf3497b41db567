"""The API's description is valid, complete, and no input that it allows or forbids makes the server stumble."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy.orm import Session

from casenet import identity
from casenet.web import permissions
from tests.cast import Cast, sign_in
from tests.web.conftest import Phone

EXAMPLES = 40  # for each operation; enough to meet NUL, numbers for dates, empty and endless texts


def test_the_description_is_openapi_3_1(app: Flask) -> None:
    description = app.test_client().get("/api/v1/openapi.json").json

    assert description["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(description).validate()


def test_every_route_of_the_api_is_described(app: Flask) -> None:
    described = app.test_client().get("/api/v1/openapi.json").json["paths"]
    operations = sum(len(path) for path in described.values())
    routes = [
        route
        for route in app.url_map.iter_rules()
        if route.rule.startswith("/api/v1/") and route.endpoint != "openapi"
    ]

    assert operations == len(routes)
    assert all(route.endpoint in permissions.ROUTES for route in routes)


def test_no_input_makes_the_server_stumble(
    app: Flask, session: Session, cast: Cast, phone_of: Callable[[UUID], Phone]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for result in schema.get_all_operations():
        token = sign_in(session, cast.tanaka)
        session.commit()
        headers = {"Cookie": f"casenet={token}", "X-CSRF-Token": identity.csrf_token(token)}
        _throw_at(result.ok(), headers)
        tried += 1
    assert tried > 40


def _throw_at(operation: Any, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def stumble(case: Any) -> None:
        answer = case.call(headers=headers)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code)

    stumble()
