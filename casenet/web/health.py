"""Is it up, is it ready, is anything late: for the process manager, the operator, and the lamp in every phone."""

from typing import Any

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from sqlalchemy import text

from casenet import config, identity
from casenet.database import transaction
from casenet.errors import NotFound
from casenet.realtime import answers
from casenet.web.answers import answer

blueprint = Blueprint("health", __name__)


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
    except Exception:
        return False


def _key() -> bool:
    kek = config.current().kek_file
    return kek is not None and kek.is_file()


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus numbers, for whoever shows the operator's token. Without a token set there are none."""
    token = config.current().metrics_token
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not identity.same(shown, token):
        raise NotFound
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4")
