"""The browsers of the signed-in person that may be pushed to, and a test that one hears us."""

from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from flask import Response
from pydantic import AfterValidator, Field

from casenet import clock, notifications
from casenet.database import transaction
from casenet.errors import Invalid
from casenet.ids import new_id
from casenet.notifications import Channel, Subject
from casenet.web.answers import answer
from casenet.web.blueprints import Blueprint
from casenet.web.gate import asking
from casenet.web.shapes import Id, Line, Shape

blueprint = Blueprint("push", __name__, url_prefix="/api/v1")

TEST_LIFE = timedelta(minutes=2)  # a test that comes later proves nothing


def _has_no_blank(value: str) -> str:
    if any(character.isspace() for character in value):
        raise ValueError("must not contain blanks")
    return value


Address = Annotated[str, AfterValidator(_has_no_blank), Field(min_length=1, max_length=1000)]


class SubscriptionPath(Shape):
    """One of my subscriptions."""

    subscription_id: Id


class PushKeys(Shape):
    """The browser's keys, base64url as it gives them."""

    p256dh: Line
    auth: Line


class SubscriptionIn(Shape):
    """What PushSubscription.toJSON() gives."""

    endpoint: Address
    keys: PushKeys


class SubscriptionOut(Shape):
    """One browser; only the push service's name, the address itself is a secret."""

    id: UUID
    endpoint_host: str
    created_at: datetime


class Subscriptions(Shape):
    """My browsers."""

    subscriptions: list[SubscriptionOut]


class Subscribed(Shape):
    """The subscription's id."""

    id: UUID


class TestOut(Shape):
    """A test is under way."""

    id: UUID


@blueprint.get("/push-subscriptions", responses={200: Subscriptions})
def list_subscriptions() -> Response:
    """My browsers that can be pushed to."""
    with transaction() as session:
        known = notifications.subscriptions_of(session, asking().person_id)
    return answer(
        {
            "subscriptions": [
                {"id": one.id, "endpoint_host": one.host, "created_at": one.created_at} for one in known
            ]
        }
    )


@blueprint.post("/push-subscriptions", responses={201: Subscribed})
def subscribe(body: SubscriptionIn) -> Response:
    """Push to this browser from now on."""
    with transaction() as session:
        subscription_id = notifications.subscribe(
            session,
            asking().person_id,
            endpoint=body.endpoint,
            p256dh=_bytes(body.keys.p256dh),
            auth=_bytes(body.keys.auth),
            now=clock.now(),
        )
    return answer({"id": subscription_id}, 201)


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Invalid("not-push-keys", {"keys": "not-base64url"}) from None


@blueprint.delete("/push-subscriptions/<uuid:subscription_id>", responses={204: None})
def unsubscribe(path: SubscriptionPath) -> Response:
    """Push to this browser no more."""
    with transaction() as session:
        notifications.unsubscribe(session, asking().person_id, path.subscription_id)
    return Response(status=204)


@blueprint.post("/push-subscriptions/test", responses={202: TestOut})
def test_push() -> Response:
    """Send a test to all my browsers, the way that an alert goes. One at a time: calls wait in the same line."""
    test_id, person_id = new_id(), asking().person_id
    with transaction() as session:
        if waiting := notifications.waiting_test(session, person_id):
            return answer({"id": waiting}, 202)
        has = notifications.channels_of(session, [person_id])[person_id]
        notifications.queue_pings(
            session,
            Subject("test", test_id),
            {person_id: has & {Channel.WEB_PUSH}},
            now=clock.now(),
            lifetime=TEST_LIFE,
            fallback=timedelta(0),
        )
    return answer({"id": test_id}, 202)
