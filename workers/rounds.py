"""One round of the night's work: move every due alert, send every due ping.

Celery tasks and nightwatch do the same. Needs PostgreSQL only: no key, no broker. Time is the database's, so
that machines with different clocks agree.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casenet import config, escalation, notifications
from casenet.database import transaction
from casenet.notifications import Channel, Claim, Settled

log = structlog.get_logger()

AT_ONCE = timedelta(0)
ALERTS_PER_ROUND = 200  # a ward has eight calls a night; an earthquake has 38 a second (needs.md 4)
SENDERS = 16  # below the pool's 20 connections; a push service answers in 0.1 to 0.5 s
PINGS_PER_CLAIM = 2 * SENDERS  # what the senders finish well within the lease
CLAIMS_PER_ROUND = 20


def database_now(session: Session) -> datetime:
    """The database's clock."""
    return session.execute(select(func.clock_timestamp())).scalar_one()


def move_alerts(overdue_by: timedelta = AT_ONCE) -> int:
    """Make the next move of every alert that is due; returns how many.

    overdue_by   Leave those that are due for less than this to a faster worker.

    Each alert has a transaction of its own: one that cannot be moved (a mistake of ours) must not hold up
    the others. It stays due, is tried again, and turns /health/late red.
    """
    with transaction() as session:
        due = escalation.due(session, database_now(session) - overdue_by, ALERTS_PER_ROUND)
    moved = 0
    for alert_id in due:
        try:
            with transaction() as session:
                moved += escalation.advance(session, alert_id, now=database_now(session))
        except Exception as error:  # noqa: BLE001
            log.error("alert_not_moved", alert_id=str(alert_id), error=type(error).__name__)
    return moved


def send_pings(overdue_by: timedelta = AT_ONCE) -> int:
    """Send every ping that is due, some at once; returns how many were tried."""
    tried = 0
    for _ in range(CLAIMS_PER_ROUND):
        with transaction() as session:
            claims = notifications.claim_due(
                session, now=database_now(session), limit=PINGS_PER_CLAIM, overdue_by=overdue_by
            )
        if not claims:
            break
        tried += len(claims)
        list(_senders().map(_send, claims))
    return tried


@cache
def _senders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")


def _send(claim: Claim) -> None:
    try:
        settled = send_one(claim)
        if settled and settled.step_failed and settled.ping.about == "alert":
            _hasten(settled)
    except Exception as error:  # noqa: BLE001
        # Its lease ends in a few seconds, then somebody tries again.
        log.error("ping_not_sent", ping_id=str(claim.ping_id), error=type(error).__name__)


def send_one(claim: Claim) -> Settled | None:
    """Send one claimed ping: look again, send outside any transaction, write the outcome."""
    with transaction() as session:
        letter = notifications.letter_of(session, claim, now=database_now(session))
    if letter is None:
        return None
    outcome = notifications.deliver(letter, config.current())
    with transaction() as session:
        settled = notifications.record_outcome(session, claim, outcome, now=database_now(session))
    # Every step rings open apps as well; only what leaves the house is worth a line.
    say = log.debug if letter.channel is Channel.IN_APP else log.info
    say(
        "ping",
        ping_id=str(claim.ping_id),
        channel=letter.channel,
        fate=outcome.fate,
        reason=outcome.reason,
    )
    return settled


def _hasten(settled: Settled) -> None:
    # In a transaction of its own: this one locks the alert first, as an answer does.
    ping = settled.ping
    with transaction() as session:
        escalation.hasten(
            session,
            ping.about_id,
            step_no=ping.step_no,
            attempt=ping.attempt,
            now=database_now(session),
        )


def beat(process: str) -> None:
    """Say that a round of this process is done."""
    with transaction() as session:
        escalation.beat(session, process)
