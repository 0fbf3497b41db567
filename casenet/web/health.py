"""Is it up, is it ready, is anything late: for the process manager, the operator, and the lamp in every phone."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from casenet import clock, config, escalation, identity, notifications, sheets
from casenet.database import transaction
from casenet.errors import NotFound
from casenet.realtime import answers
from casenet.web.answers import answer
from casenet.web.night_numbers import NIGHTWATCH, NightNumbers, known_heartbeats

blueprint = Blueprint("health", __name__)

LATE = timedelta(seconds=60)  # architecture.md: anything a minute overdue is red
NEEDED = {NIGHTWATCH}  # the guarantee of the night: its absence is red even where it never ran
RARE = {"housekeeping.expire"}  # runs every ten minutes, and nobody waits for it


@blueprint.get("/health/live")
def live() -> Response:
    """This process answers."""
    return answer({"live": True})


@blueprint.get("/health/ready")
def ready() -> Response:
    """This process can serve: database and key are there. Redis is named, but nothing stands on it."""
    checks: dict[str, Any] = {"database": _database(), "key": _key(), "redis": answers()}
    good = bool(checks["database"] and checks["key"])
    return answer({"ready": good, **checks}, 200 if good else 503)


def _database() -> bool:
    try:
        with transaction() as session:
            return session.scalar(text("SELECT 1")) == 1
    except SQLAlchemyError:
        return False


def _key() -> bool:
    kek = config.current().kek_file
    return kek is not None and kek.is_file()


@blueprint.get("/health/late")
def late() -> Response:
    """Red (503) when anything is a minute late: a step of a call, a ping, a sheet, or a process that is silent.

    The lamp in every phone looks here; so a dead worker can not hide.
    """
    now = clock.now()
    with transaction() as session:
        alerts = len(escalation.overdue(session, now, LATE))
        pings = notifications.overdue(session, now, LATE)
        papers = sheets.overdue(session, now - LATE)
        beats = known_heartbeats(session)
    quiet = {name for name, at in beats.items() if at < now - LATE and name not in RARE}
    silent = sorted(quiet | (NEEDED - beats.keys()))
    is_late = bool(alerts or pings or papers or silent)
    body = {
        "late": is_late,
        "checked_at": now,
        "alerts": alerts,
        "pings": pings,
        "sheets": papers,
        "silent": silent,
    }
    return answer(body, 503 if is_late else 200)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus numbers, for whoever shows the operator's token. Without a token set there are none."""
    token = config.current().metrics_token
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not identity.same(shown, token):
        raise NotFound
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    registry.register(NightNumbers())
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4")
