"""Reach a person over the channels they have: in the app, by Web Push, by e-mail.

No ping says what it is about.

Deciding and sending are apart, joined by the table `ping`: `queue_pings` writes rows in the transaction of
whoever decides; a sender claims due rows, sends outside any transaction and records the outcome. Promise:
at least once per person, channel, step and attempt, always with the same token, so that a phone drops
repeats; nothing is sent any more once it was cancelled or has expired.
"""

from casenet.notifications.actions import (
    Claim,
    Settled,
    claim_due,
    forget_tests,
    letter_of,
    note_receipt,
    record_outcome,
    spend_token,
)
from casenet.notifications.channels import deliver
from casenet.notifications.letters import Letter, Outcome, Subscription
from casenet.notifications.queries import (
    PingView,
    anything_due,
    can_be_reached,
    channels_of,
    figures,
    lateness,
    overdue,
    pings_about,
    subscriptions_of,
    waiting_test,
)
from casenet.notifications.queue import Subject, cancel_pings, queue_pings
from casenet.notifications.rules import Channel
from casenet.notifications.subscriptions import subscribe, unsubscribe

__all__ = [
    "Channel",
    "Claim",
    "Letter",
    "Outcome",
    "PingView",
    "Settled",
    "Subject",
    "Subscription",
    "anything_due",
    "can_be_reached",
    "cancel_pings",
    "channels_of",
    "claim_due",
    "deliver",
    "figures",
    "forget_tests",
    "lateness",
    "letter_of",
    "note_receipt",
    "overdue",
    "pings_about",
    "queue_pings",
    "record_outcome",
    "spend_token",
    "subscribe",
    "subscriptions_of",
    "unsubscribe",
    "waiting_test",
]
