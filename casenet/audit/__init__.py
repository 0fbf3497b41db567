"""Who did and saw what: one row in the same transaction as what it describes. Rows are only ever added."""

from casenet.audit.actions import (
    Origin,
    at_door,
    delivering,
    facts,
    record,
    record_reads,
    recording,
)

__all__ = ["Origin", "at_door", "delivering", "facts", "record", "record_reads", "recording"]
