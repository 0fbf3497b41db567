"""The web door in this process, over a database that rolls back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casenet import identity
from casenet.config import Config
from casenet.database import Prepared
from casenet.web.app import create_app
from tests.cast import Cast, assemble, sign_in


class Phone:
    """A signed-in person's phone: cookie and CSRF token as the app would send them."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.csrf = identity.csrf_token(token)
        client.set_cookie("casenet", token)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", **options)

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        shown = {"X-CSRF-Token": self.csrf} | (headers or {})
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=shown)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.send("POST", path, {} if body is None else body, **options)

    def put(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.send("PUT", path, body, **options)

    def delete(self, path: str) -> TestResponse:
        return self.send("DELETE", path)


@pytest.fixture
def cast(session: Session) -> Cast:
    cast = assemble(session)
    session.commit()
    return cast


@pytest.fixture
def app(config: Config, doors: sessionmaker[Session]) -> Flask:
    return create_app(config)


@pytest.fixture
def phone_of(app: Flask, session: Session) -> Callable[[UUID], Phone]:
    def phone(person_id: UUID) -> Phone:
        token = sign_in(session, person_id)
        session.commit()
        return Phone(app.test_client(), token)

    return phone


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that were asked, as they are written."""
    statements: list[str] = []
    ask = Prepared.ask

    def noted(self: Prepared, *args: object) -> list[object]:
        statements.append(self.sql)
        return ask(self, *args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Prepared, "ask", noted)
    return statements
