"""The bell: tells web processes that a group or a person has something new. Ids only; may be lost at any time."""

from casenet.realtime.bell import (
    DEAF,
    Ring,
    answers,
    listen,
    ring_again,
    ring_group,
    ring_people,
    ring_person,
)

__all__ = ["DEAF", "Ring", "answers", "listen", "ring_again", "ring_group", "ring_people", "ring_person"]
