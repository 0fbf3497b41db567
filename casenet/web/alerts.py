"""Urgent calls: raise, look, take, end. Time is the database's: a web machine with a wrong clock delays nobody."""

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, request
from pydantic import Field
from sqlalchemy.orm import Session

from casenet import escalation, groups
from casenet.crypto import KeyMissing
from casenet.database import database_now, transaction
from casenet.errors import Conflict
from casenet.escalation import AlertView, Answer, Call, Level, Outcome, Report, rules, sbar
from casenet.groups import Entry
from casenet.web import permissions
from casenet.web.alert_cards import AlertLine, AlertOut, alert_json, line_json
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.gate import asking, enter_group
from casenet.web.shapes import Code, Id, OptionalText, Shape, Text

blueprint = Blueprint("alerts", __name__, url_prefix="/api/v1")

Paragraph = Annotated[OptionalText, Field(max_length=2000)]


class GroupPath(Shape):
    """A patient group."""

    group_id: Id


class AlertPath(Shape):
    """An alert."""

    alert_id: Id


class AlertIn(Shape):
    """An urgent call (SBAR). `id` and `post_id` are the phone's own; only the situation must be said."""

    id: Id
    post_id: Id
    level: Level
    signs: list[Code] = Field(default_factory=list, max_length=sbar.SIGNS_MAX)
    situation: Annotated[Text, Field(max_length=2000)]
    background: Paragraph = ""
    assessment: Paragraph = ""
    request: Paragraph = ""


class AlertList(Shape):
    """Alerts of all groups of the asking person, newest first."""

    alerts: list[AlertLine]


class AlertsQuery(Shape):
    """open=true leaves out what has ended."""

    open: Literal["true", "false"] = "true"


class ResponseIn(Shape):
    """How somebody deals with it: by telephone, or on the way with the minutes until arrival."""

    how: Literal["phone", "visit"] | None = None
    eta_minutes: int | None = Field(None, ge=1, le=rules.ETA_MINUTES_MAX)


class ResolutionIn(Shape):
    """How it ended."""

    outcome: Outcome
    note: Paragraph = ""


class CancellationIn(Shape):
    """Why it was no alert."""

    reason: Annotated[Text, Field(max_length=500)]


@blueprint.post("/groups/<uuid:group_id>/alerts", responses={201: AlertOut, 200: AlertOut})
def raise_alert(path: GroupPath, body: AlertIn) -> Response:
    """Raise an alert. The answer comes when it is stored and the first person is being asked; the same id
    again answers 200 with the alert that is there.
    """
    report = Report(tuple(body.signs), body.situation, body.background, body.assessment, body.request)
    call = Call(body.id, body.post_id, body.level, report)
    with transaction() as session:
        entry = enter_group(session, path.group_id)
        alert, is_new = escalation.raise_alert(session, entry, call, now=database_now(session))
    # Apart, so that the first person is asked while we look up what to answer.
    with transaction() as session:
        return answer(alert_json(session, entry, alert), 201 if is_new else 200)


@blueprint.get("/alerts", responses={200: AlertList})
def list_alerts(query: AlertsQuery) -> Response:
    """The alerts of all groups of the asking person."""
    with transaction() as session:
        entries = {e.group_id: e for e in groups.entries_of(session, asking().person_id)}
        find = escalation.open_alerts if query.open == "true" else escalation.recent_alerts
        alerts = find(session, entries)
        concerned = [entries[group_id] for group_id in {alert.group_id for alert in alerts}]
        patients = _patients(session, concerned)
        lines = [line_json(session, alert, patients.get(alert.group_id)) for alert in alerts]
    return answer({"alerts": lines})


def _patients(session: Session, concerned: list[Entry]) -> dict[UUID, groups.PatientView]:
    try:
        return groups.patients(session, concerned)
    except KeyMissing:
        return {}


@blueprint.get("/alerts/<uuid:alert_id>", responses={200: AlertOut})
def show_alert(path: AlertPath) -> Response:
    """One alert: what is the matter, who was asked, who has it."""
    with transaction() as session:
        entry, alert = _enter(session, path.alert_id)
        return answer(alert_json(session, entry, alert))


@blueprint.post("/alerts/<uuid:alert_id>/acknowledgement", responses={200: AlertOut})
def acknowledge(path: AlertPath) -> Response:
    """受けました. 409 with answered_by when another has it."""
    with transaction() as session:
        entry, _ = _enter(session, path.alert_id)
        taken = escalation.acknowledge(session, entry, path.alert_id, now=database_now(session))
    return _yours_or_conflict(taken, _shown(entry, taken.alert))


@blueprint.post("/alerts/<uuid:alert_id>/response", responses={200: AlertOut})
def respond(path: AlertPath, body: ResponseIn) -> Response:
    """対応中."""
    with transaction() as session:
        entry, _ = _enter(session, path.alert_id)
        taken = escalation.respond(
            session,
            entry,
            path.alert_id,
            how=body.how,
            eta_minutes=body.eta_minutes,
            now=database_now(session),
        )
    return _yours_or_conflict(taken, _shown(entry, taken.alert))


@blueprint.post("/alerts/<uuid:alert_id>/arrival", responses={200: AlertOut})
def arrive(path: AlertPath) -> Response:
    """到着."""
    with transaction() as session:
        entry, _ = _enter(session, path.alert_id)
        taken = escalation.arrive(session, entry, path.alert_id, now=database_now(session))
    return _yours_or_conflict(taken, _shown(entry, taken.alert))


@blueprint.post("/alerts/<uuid:alert_id>/resolution", responses={200: AlertOut})
def resolve(path: AlertPath, body: ResolutionIn) -> Response:
    """終了, with what came of it."""
    with transaction() as session:
        entry, _ = _enter(session, path.alert_id)
        alert = escalation.resolve(
            session, entry, path.alert_id, body.outcome, note=body.note, now=database_now(session)
        )
    return answer(_shown(entry, alert))


@blueprint.post("/alerts/<uuid:alert_id>/cancellation", responses={200: AlertOut})
def cancel(path: AlertPath, body: CancellationIn) -> Response:
    """取り消し, with a reason."""
    with transaction() as session:
        entry, _ = _enter(session, path.alert_id)
        alert = escalation.cancel(session, entry, path.alert_id, body.reason, now=database_now(session))
    return answer(_shown(entry, alert))


def _enter(session: Session, alert_id: UUID) -> tuple[Entry, AlertView]:
    """Enter the alert's group with the permission that the table names for this route."""
    rule = permissions.ROUTES[request.endpoint or ""]
    if rule.permission is None:
        raise LookupError("the table names no permission for this route")
    return escalation.enter_alert(session, asking().person_id, alert_id, rule.permission)


def _shown(entry: Entry, alert: AlertView) -> dict[str, Any]:
    """The alert as it stands. In a transaction of its own: the answer is written whatever becomes of showing it."""
    with transaction() as session:
        return alert_json(session, entry, alert)


def _yours_or_conflict(taken: Answer, shown: dict[str, Any]) -> Response:
    # Outside the transaction: that somebody came second is written down too, and must not be rolled back.
    if taken.is_yours:
        return answer(shown)
    if not taken.alert.is_open:
        raise Conflict("alert-closed", state=str(taken.alert.state), answered_by=taken.alert.closed_by)
    raise Conflict("already-answered", answered_by=taken.alert.position.answered_by)
