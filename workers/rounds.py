"""One round of the night's work: move every due alert, send every due ping.

Celery tasks and nightwatch do the same. Needs PostgreSQL only: no key, no broker. Time is the database's, so
that machines with different clocks agree.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import cache

import structlog
from sqlalchemy import func, select

from casenet import config, escalation, notifications
from casenet.database import database_now, glance, transaction
from casenet.notifications import Channel, Claim, Settled

log = structlog.get_logger()

AT_ONCE = timedelta(0)
ALERTS_PER_ROUND = 200  # a ward has eight calls a night; an earthquake has 38 a second (needs.md 4)
# Locks are held for milliseconds. One that is not given for so long belongs to a process that hangs: the calls
# of other patients do not wait behind it, and this one is tried again in a second.
LOCK_WAIT = "1s"
# A push service answers in 0.1 to 0.5 s. Each sender may leave an open connection behind: two workers and
# nightwatch with 13 each, and two web processes with 20, stay below PostgreSQL's 100.
PUSH_SENDERS = 8
MAIL_SENDERS = 4
GLANCE_SECONDS = 0.25  # while some still send, look for free senders and new pings so often
SENDING_SECONDS = 2.0  # after this a round ends, so that the next move of an alert is never behind it


def anything_due() -> bool:
    """Whether a move or a ping is due: two looks that cost next to nothing."""
    return escalation.anything_due(glance(), AT_ONCE) or notifications.anything_due(glance(), AT_ONCE)


def move_alerts(overdue_by: timedelta = AT_ONCE) -> int:
    """Make the next move of every alert that is due; returns how many.

    overdue_by   Leave those that are due for less than this to a faster worker.

    Each alert has a transaction of its own: one that cannot be moved (a mistake of ours) must not hold up
    the others. It stays due, is tried again, and turns /health/late red.
    """
    if not escalation.anything_due(glance(), overdue_by):
        return 0
    with transaction() as session:
        due = escalation.due(session, database_now(session) - overdue_by, ALERTS_PER_ROUND)
    moved = 0
    for alert_id in due:
        try:
            with transaction() as session:
                session.execute(select(func.set_config("lock_timeout", LOCK_WAIT, True)))
                moved += escalation.advance(session, alert_id, now=database_now(session))
        except Exception as error:  # noqa: BLE001
            log.error("alert_not_moved", alert_id=str(alert_id), error=type(error).__name__)
    return moved


class _Road:
    """Some senders for some channels: a mail server that hangs must not hold up a push."""

    def __init__(self, channels: tuple[Channel, ...], senders: int) -> None:
        self.channels = channels
        self._free = threading.BoundedSemaphore(senders)
        self._pool = ThreadPoolExecutor(senders, thread_name_prefix=channels[-1])

    def take(self, overdue_by: timedelta) -> list[Future[None]]:
        """Claim as many due pings as there are free senders, and send them all at once."""
        limit = 0
        while self._free.acquire(blocking=False):
            limit += 1
        claims: tuple[Claim, ...] = ()
        try:
            if limit:
                with transaction() as session:
                    claims = notifications.claim_due(
                        session,
                        now=database_now(session),
                        limit=limit,
                        channels=self.channels,
                        overdue_by=overdue_by,
                    )
        finally:
            for _ in range(limit - len(claims)):
                self._free.release()
        try:
            return [self._pool.submit(self._send, claim) for claim in claims]
        except RuntimeError:
            # The machine has no thread left to give. What was claimed is tried again when its lease ends; the
            # senders that were taken for it would be missing for ever, so the next round makes new ones.
            _roads.cache_clear()
            raise

    def _send(self, claim: Claim) -> None:
        try:
            settled = send_one(claim)
            if settled and settled.step_failed and settled.ping.about == "alert":
                _hasten(settled)
        except Exception as error:  # noqa: BLE001
            # Its lease ends in a few seconds, then somebody tries again.
            log.error("ping_not_sent", ping_id=str(claim.ping_id), error=type(error).__name__)
        finally:
            self._free.release()


@cache
def _roads() -> tuple[_Road, ...]:
    """Made at first use: a worker has forked by then."""
    return _Road((Channel.IN_APP, Channel.WEB_PUSH), PUSH_SENDERS), _Road((Channel.EMAIL,), MAIL_SENDERS)


def send_pings(overdue_by: timedelta = AT_ONCE) -> int:
    """Send every ping that is due, many at once; returns how many were tried.

    Returns after SENDING_SECONDS at the latest. What a slow server still holds then is finished by its own
    thread, whose lease keeps it from being sent by another meanwhile.
    """
    if not notifications.anything_due(glance(), overdue_by):
        return 0
    tried, ends = 0, time.monotonic() + SENDING_SECONDS
    sending: set[Future[None]] = set()
    while (left := ends - time.monotonic()) > 0:
        taken = [future for road in _roads() for future in road.take(overdue_by)]
        tried += len(taken)
        sending.update(taken)
        if not sending:
            break
        sending = wait(sending, timeout=min(left, GLANCE_SECONDS)).not_done
    return tried


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
    escalation.beat(glance(), process)
