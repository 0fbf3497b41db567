"""Which browsers of a person may be pushed to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from casenet import audit, config
from casenet.errors import Invalid, NotFound
from casenet.ids import new_id
from casenet.notifications import rules
from casenet.notifications.tables import PushSubscription


def subscribe(
    session: Session,
    person_id: UUID,
    *,
    endpoint: str,
    p256dh: bytes,
    auth: bytes,
    now: datetime,
) -> UUID:
    """Remember a browser of this person. The same endpoint again renews it; the oldest beyond the limit go.

    Raises Invalid when the endpoint belongs to no push service that we know or the keys are none.
    """
    if rules.read_endpoint(endpoint, config.current().push_hosts) is None:
        raise Invalid("unknown-push-service", {"endpoint": "unknown-push-service"})
    if not rules.are_push_keys(p256dh, auth):
        raise Invalid("not-push-keys", {"keys": "not-push-keys"})
    values = {"person_id": person_id, "p256dh": p256dh, "auth": auth, "created_at": now, "used_at": None}
    subscription_id = session.execute(
        insert(PushSubscription)
        .values(id=new_id(), endpoint=endpoint, **values)
        .on_conflict_do_update(index_elements=["endpoint"], set_=values)
        .returning(PushSubscription.id)
    ).scalar_one()
    newest = aliased(PushSubscription)
    newer = (
        select(func.count())
        .select_from(newest)
        .where(newest.person_id == person_id, newest.created_at >= PushSubscription.created_at)
        .scalar_subquery()
    )
    session.execute(
        delete(PushSubscription)
        .where(PushSubscription.person_id == person_id, newer > rules.SUBSCRIPTIONS_MAX)
        .execution_options(synchronize_session=False)
    )
    audit.record(session, person_id=person_id, action="push.subscribe", object_id=subscription_id)
    return subscription_id


def unsubscribe(session: Session, person_id: UUID, subscription_id: UUID) -> None:
    """Forget a browser of this person. Raises NotFound when it is not theirs."""
    gone = session.execute(
        delete(PushSubscription)
        .where(PushSubscription.id == subscription_id, PushSubscription.person_id == person_id)
        .returning(PushSubscription.id)
    ).first()
    if gone is None:
        raise NotFound
    audit.record(session, person_id=person_id, action="push.unsubscribe", object_id=subscription_id)
