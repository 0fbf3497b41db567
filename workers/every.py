"""The timetable's clock."""

import time
from datetime import UTC, datetime, timedelta

from celery.schedules import schedstate, schedule

from casenet import clock

# Celery wakes 10 ms before the time and asks again and again until it has come: 2 % of a processor, for nothing.
EARLY_SECONDS = 0.02

_BEGAN, _BEGAN_MONOTONIC = clock.now(), time.monotonic()


class Every(schedule):
    """Each so many seconds, whatever happens to the clock on the wall.

    Celery counts by that clock. Set back by an hour, as on a machine that started with a wrong time, it would
    have beat wait for an hour.
    """

    def now(self) -> datetime:
        """The time at which this process began, and what has passed since."""
        return _BEGAN + timedelta(seconds=time.monotonic() - _BEGAN_MONOTONIC)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to send now, and when to ask again. A last time that is still to come counts as none."""
        state = super().is_due(last_run_at if last_run_at <= self.now() else datetime.min.replace(tzinfo=UTC))
        if 0 < state.next <= EARLY_SECONDS and not state.is_due:
            return schedstate(is_due=True, next=self.seconds)
        return state
