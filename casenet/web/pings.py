"""What a phone says about a ping with nothing but its one-time token: "shown", and "I have it".

No session: the app may be locked (security.md JP-09). The answers hold nothing about anybody; an answer
given so moves the deadline, it ends nothing.
"""

from flask import Response

from casenet import escalation, notifications
from casenet.database import database_now, transaction
from casenet.errors import Conflict, NotFound
from casenet.escalation import State
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.shapes import Line, Shape

blueprint = Blueprint("pings", __name__, url_prefix="/api/v1")


class TokenPath(Shape):
    """The one-time token of a ping."""

    token: Line


class TokenAnswer(Shape):
    """It is yours: open the app."""

    state: str


@blueprint.post("/pings/<token>/receipt", responses={204: None})
def receive(path: TokenPath) -> Response:
    """The phone has shown the notification; later channels stay silent."""
    with transaction() as session:
        notifications.note_receipt(session, path.token, now=database_now(session))
    return Response(status=204)


@blueprint.post("/pings/<token>/acknowledgement", responses={200: TokenAnswer})
def acknowledge(path: TokenPath) -> Response:
    """受けました from the notification itself. 409 when another has it; says not who."""
    with transaction() as session:
        now = database_now(session)
        ping = notifications.spend_token(session, path.token, now=now)
        if ping.about != "alert" or not escalation.may_answer(session, ping.person_id, ping.about_id):
            raise NotFound
        taken = escalation.take(
            session, ping.person_id, ping.about_id, State.ACKNOWLEDGED, now=now, channel=ping.channel
        )
    if not taken.is_yours:
        raise Conflict("already-answered" if taken.alert.is_open else "alert-closed")
    return answer({"state": State.ACKNOWLEDGED})
