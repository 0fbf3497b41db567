"""Whatever can be called stands in the permission table, and the outsider sees nothing behind any of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule as Route

from casenet import clock, escalation, groups, identity, sheets, timeline
from casenet.cli.commands import commands as main
from casenet.config import Config
from casenet.ids import new_id
from casenet.web import permissions
from casenet.web.app import create_app
from casenet.web.sockets import Sockets
from tests.cast import Cast, assemble, report, sign_in

# What is offered in the demo only.
DEMO = {"demo.people", "demo.sign_in"}


@pytest.fixture
def app(config: Config, doors: sessionmaker[Session]) -> Flask:
    return create_app(config)


def test_every_route_is_listed_and_every_listed_route_exists(app: Flask) -> None:
    routes = {route.endpoint for route in app.url_map.iter_rules()}

    assert routes == permissions.ROUTES.keys() - DEMO


def test_every_socket_event_is_listed(app: Flask) -> None:
    sockets = Sockets(app)
    handled = set(sockets.server.handlers["/"])

    assert handled == permissions.SOCKET_EVENTS.keys()


def test_every_task_is_listed(config: Config) -> None:
    from workers.app import app as celery

    celery.loader.import_default_modules()
    tasks = {name for name in celery.tasks if not name.startswith("celery.")}

    assert tasks == permissions.TASKS.keys()


def test_every_command_is_listed() -> None:
    def commands(command: click.Command, path: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for name, part in command.commands.items():
                yield from commands(part, f"{path} {name}".strip())
        else:
            yield path

    assert set(commands(main, "")) == permissions.COMMANDS.keys()


class World:
    """A group with something behind every door, and the outsider 小川."""

    def __init__(self, session: Session) -> None:
        now = clock.now()
        self.cast: Cast = assemble(session, now=now - timedelta(days=1))
        cast = self.cast
        nurse = groups.enter(session, cast.tanaka, cast.group, groups.Permission.RAISE)
        manager = groups.enter(session, cast.mori, cast.group, groups.Permission.SHEET)
        self.post = report("極秘の本文")
        timeline.publish_post(session, nurse, self.post, now=now)
        self.alert, self.sheet = new_id(), new_id()
        call = escalation.Call(self.alert, new_id(), escalation.Level.E3, escalation.Report((), "極秘の急変"))
        escalation.raise_alert(session, nurse, call, now=now)
        sheets.draft_sheet(session, manager, self.sheet, kind="admission", now=now)
        self.token = sign_in(session, cast.ogawa)
        session.commit()

    def real(self) -> dict[str, UUID]:
        cast = self.cast
        return {
            "group_id": cast.group,
            "post_id": self.post.id,
            "person_id": cast.ito,
            "facility_id": cast.clinic,
            "alert_id": self.alert,
            "sheet_id": self.sheet,
            "shift_id": uuid4(),
        }

    def bodies(self) -> dict[str, Any]:
        """A body of the right shape for every changing route behind a membership."""
        patient = {"name": "x", "kana": "x", "birth_date": "1940-01-01", "sex": "male", "address": "x"}
        return {
            "groups.add_member": {"person_id": str(self.cast.ogawa)},
            "groups.save_record": {"patient": patient, "fields": {}},
            "timeline.create_post": {"id": str(new_id()), "kind": "report", "text": "x"},
            "timeline.correct_post": {"revision": 2, "text": "x"},
            "timeline.mark_read": {"sequence": 1},
            "alerts.raise_alert": {
                "id": str(new_id()),
                "post_id": str(new_id()),
                "level": "E3",
                "signs": [],
                "situation": "x",
            },
            "alerts.resolve": {"outcome": "false_alarm"},
            "alerts.cancel": {"reason": "x"},
            "policies.set_policy": {"steps": [{"target": "attending_physician"}]},
            "sheets.draft_sheet": {"id": str(new_id()), "kind": "admission"},
            "sheets.revise_sheet": {"values": {}},
            "sheets.release_sheet": {"facility_id": str(self.cast.clinic)},
        }


@pytest.fixture
def world(session: Session, config: Config) -> World:
    return World(session)


def ask(
    client: FlaskClient,
    token: str,
    route: Route,
    ids: dict[str, Any],
    body: Any,
    *,
    method: str = "",
    csrf: str | None = None,
) -> tuple[int, bytes]:
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids.get(found[1], UUID(int=7))), route.rule)
    method = method or next(iter((route.methods or set()) - {"HEAD", "OPTIONS"}))
    client.set_cookie("casenet", token)
    headers = {"X-CSRF-Token": identity.csrf_token(token) if csrf is None else csrf, "If-Match": '"1"'}
    answer = client.open(path, method=method, json=body if method != "GET" else None, headers=headers)
    return answer.status_code, answer.data


def test_behind_every_membership_the_outsider_finds_nothing(
    app: Flask, session: Session, world: World
) -> None:
    client, walked = app.test_client(), 0
    bodies = world.bodies()
    for route in app.url_map.iter_rules():
        rule = permissions.ROUTES[route.endpoint]
        if rule.who != "member":
            continue
        body = bodies.get(route.endpoint, {})
        made_up = {name: uuid4() for name in world.real()}
        before = rows(session)

        forbidden = ask(client, world.token, route, world.real(), body)
        unknown = ask(client, world.token, route, made_up, body)

        assert forbidden[0] == 404, (route.endpoint, forbidden)
        assert forbidden == unknown, route.endpoint
        assert rows(session) == before, route.endpoint
        walked += 1
    assert walked >= 20


def test_without_a_session_every_other_route_is_shut(app: Flask, world: World) -> None:
    client = app.test_client()
    for route in app.url_map.iter_rules():
        if permissions.ROUTES[route.endpoint].who not in ("member", "person", "administrator"):
            continue
        status, body = ask(client, "no-such-token", route, world.real(), {})

        assert status == 401, route.endpoint
        assert b"not-signed-in" in body, route.endpoint


SHUT = ("member", "person", "administrator", "pinged")


def test_a_suspended_member_is_nobody(app: Flask, session: Session, world: World) -> None:
    client, cast = app.test_client(), world.cast
    token = sign_in(session, cast.tanaka)
    # The session itself is still good, as one would be that began at the same moment.
    session.execute(text("UPDATE person SET suspended_at = now() WHERE id = :id"), {"id": cast.tanaka})
    session.commit()
    for route in app.url_map.iter_rules():
        if permissions.ROUTES[route.endpoint].who in SHUT:
            status, body = ask(client, token, route, world.real(), world.bodies().get(route.endpoint, {}))
            assert (status, b"not-signed-in" in body) == (401, True), route.endpoint


def test_no_method_opens_what_another_keeps_shut(app: Flask, session: Session, world: World) -> None:
    client, walked = app.test_client(), 0
    for route in app.url_map.iter_rules():
        if permissions.ROUTES[route.endpoint].who not in SHUT:
            continue
        before = rows(session)
        for method in {"HEAD", "OPTIONS"} & others_of(app, route):
            nobody = ask(client, "no-such-token", route, world.real(), {}, method=method)
            assert nobody[0] == 401, (route.endpoint, method)
            if permissions.ROUTES[route.endpoint].who == "member":
                forbidden = ask(client, world.token, route, world.real(), {}, method=method)
                made_up = {name: uuid4() for name in world.real()}
                assert forbidden == ask(client, world.token, route, made_up, {}, method=method)
                assert forbidden[0] == 404 or (method, forbidden) == ("OPTIONS", (200, b"")), route.endpoint
            walked += 1
        for method in ("TRACE", "PATCH", "CONNECT"):
            assert ask(client, "no-such-token", route, world.real(), {}, method=method)[0] == 405
        assert rows(session) == before, route.endpoint
    assert walked >= 40


def others_of(app: Flask, route: Route) -> set[str]:
    """The methods that come to this very route, and to no other under the same address."""
    shared = [other for other in app.url_map.iter_rules() if other.rule == route.rule and other is not route]
    return (route.methods or set()).difference(*(other.methods or set() for other in shared))


def test_a_glance_at_the_head_of_an_answer_is_a_reading(app: Flask, session: Session, world: World) -> None:
    client, token = app.test_client(), sign_in(session, world.cast.mori)
    session.commit()
    route = next(route for route in app.url_map.iter_rules() if route.endpoint == "timeline.list_posts")
    read = text("SELECT count(*) FROM audit_event WHERE action = 'posts.read'")
    before = session.scalar(read)

    assert ask(client, token, route, world.real(), {}, method="HEAD") == (200, b"")

    assert session.scalar(read) == (before or 0) + 1


def test_nothing_changes_without_the_csrf_token(app: Flask, session: Session, world: World) -> None:
    client, walked = app.test_client(), 0
    mine, strange = sign_in(session, world.cast.tanaka), identity.csrf_token(world.token)
    session.commit()
    bodies = world.bodies()
    for route in app.url_map.iter_rules():
        if permissions.ROUTES[route.endpoint].who not in SHUT or "GET" in (route.methods or ()):
            continue
        before = rows(session)
        for shown in ("", strange, "あ"):
            given = bodies.get(route.endpoint, {})
            ids = {name: uuid4() for name in world.real()} if walked % 2 else world.real()
            answer = ask(client, mine, route, ids, given, csrf=shown.encode().decode("latin-1"))
            # Asked before anything is looked up: what exists makes no difference.
            assert (answer[0], b'"csrf"' in answer[1]) == (403, True), (route.endpoint, answer)
        assert rows(session) == before, route.endpoint
        walked += 1
    assert walked >= 25


def rows(session: Session) -> dict[str, int]:
    """How many rows each table of patients holds, and how often a row was changed."""
    tables = ("patient_group", "membership", "patient_record", "timeline_revision", "post_mark", "read_mark")
    more = ("alert", "alert_event", "ping", "sheet", "sheet_revision", "escalation_policy")
    counted = " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(max(xmin::text::bigint), 0) FROM {name}"
        for name in (*tables, *more)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(text(counted))}
