"""Who did and saw what: one row in the same transaction as what it describes. Rows are only ever added."""

from casenet.audit.actions import (
    LIVE,
    LIVE_MINUTES,
    Origin,
    at_door,
    by_session,
    facts,
    leave_door,
    origin,
    record,
    record_reads,
    recording,
    recording_each,
)

__all__ = [
    "LIVE",
    "LIVE_MINUTES",
    "Origin",
    "at_door",
    "by_session",
    "facts",
    "leave_door",
    "origin",
    "record",
    "record_reads",
    "recording",
    "recording_each",
]
