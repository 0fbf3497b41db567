"""The night in numbers, for Prometheus: read from PostgreSQL at each scrape, so that they survive any process."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from casenet import clock, escalation, notifications
from casenet.database import transaction
from casenet.web import permissions

NIGHTWATCH = "nightwatch"
OVERDUE = timedelta(seconds=30)  # security.md R2: anything later is flagged


class NightNumbers(Collector):
    """Open alerts, pings of the last day, what is overdue, and when each process last finished a round."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One transaction of five indexed reads."""
        now = clock.now()
        with transaction() as session:
            alerts, late_alerts = escalation.figures(session), len(escalation.overdue(session, now, OVERDUE))
            pings, late_pings = notifications.figures(session), notifications.overdue(session, now, OVERDUE)
            lateness, beats = notifications.lateness(session), known_heartbeats(session)
        yield _family("casenet_alerts_open", "Alerts not closed", ["level", "state"], alerts)
        yield _family("casenet_alerts_overdue", "Alerts whose next step is overdue", [], {(): late_alerts})
        yield _family("casenet_pings_day", "Pings of the last day", ["channel", "state"], pings)
        yield _family("casenet_pings_overdue", "Pings that should have gone out", [], {(): late_pings})
        yield _family(
            "casenet_ping_late_seconds",
            "From due to sent, last day",
            ["channel", "quantile"],
            {(channel, str(quantile)): value for (channel, quantile), value in lateness.items()},
        )
        ages = {(process,): (now - at).total_seconds() for process, at in beats.items()}
        yield _family("casenet_heartbeat_age_seconds", "Since the last finished round", ["process"], ages)


def known_heartbeats(session: Session) -> dict[str, datetime]:
    """When each process of this version last finished a round.

    A worker of the version before, which an update stops a moment after the migration, may leave one of its own.
    """
    beats = escalation.heartbeats(session)
    return {name: at for name, at in beats.items() if name in permissions.TASKS or name == NIGHTWATCH}


def _family(
    name: str, what: str, labels: list[str], values: dict[tuple[str, ...], float] | dict[tuple[str, str], int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
