"""Who is on call: shifts, changes of plan, and the gaps seen in advance. Instants, not days."""

from casenet.rosters.actions import NewOverride, NewShift, add_override, add_shift, withdraw_shift
from casenet.rosters.queries import (
    OverrideView,
    RosterView,
    ShiftView,
    duties_now,
    facility_gaps,
    on_call,
    on_call_at,
    roster,
)
from casenet.rosters.rules import TOKYO, Duty, Gap, OnCall, Override, Rank, Shift, span

__all__ = [
    "TOKYO",
    "Duty",
    "Gap",
    "NewOverride",
    "NewShift",
    "OnCall",
    "Override",
    "OverrideView",
    "Rank",
    "RosterView",
    "Shift",
    "ShiftView",
    "add_override",
    "add_shift",
    "duties_now",
    "facility_gaps",
    "on_call",
    "on_call_at",
    "roster",
    "span",
    "withdraw_shift",
]
