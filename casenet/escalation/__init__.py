"""Urgent calls: an alert goes from person to person along the group's plan until somebody answers.

Promise: an alert that is not closed always has a next time (a CHECK of the schema); what is due is done by
the workers, or by nightwatch when they are dead; only a person ends it. Moves need no key.
"""

from casenet.escalation.actions import (
    Answer,
    Call,
    acknowledge,
    arrive,
    cancel,
    raise_alert,
    resolve,
    respond,
    take,
)
from casenet.escalation.chain import people_of_plan, team_of
from casenet.escalation.moves import advance, advance_due, beat, hasten
from casenet.escalation.policies import set_policy
from casenet.escalation.progress import StepProgress, steps_of
from casenet.escalation.queries import (
    AlertView,
    EventView,
    PolicyView,
    alert,
    anything_due,
    due,
    enter_alert,
    events,
    figures,
    heartbeats,
    may_answer,
    open_alerts,
    overdue,
    policy,
    recent_alerts,
)
from casenet.escalation.rules import Level, Outcome, PolicyStep, State, Target, make_plan
from casenet.escalation.sbar import Report

__all__ = [
    "AlertView",
    "Answer",
    "Call",
    "EventView",
    "Level",
    "Outcome",
    "PolicyStep",
    "PolicyView",
    "Report",
    "State",
    "StepProgress",
    "Target",
    "acknowledge",
    "advance",
    "advance_due",
    "alert",
    "anything_due",
    "arrive",
    "beat",
    "cancel",
    "due",
    "enter_alert",
    "events",
    "figures",
    "hasten",
    "heartbeats",
    "make_plan",
    "may_answer",
    "open_alerts",
    "overdue",
    "people_of_plan",
    "policy",
    "raise_alert",
    "recent_alerts",
    "resolve",
    "respond",
    "set_policy",
    "steps_of",
    "take",
    "team_of",
]
