"""Reads about alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Interval, Select, Table, bindparam, exists, func, select, text
from sqlalchemy.orm import Session

from casenet import facilities, groups
from casenet.database import Database, Prepared
from casenet.errors import NotFound
from casenet.escalation.chain import team_of, thawed
from casenet.escalation.rules import (
    CLOSED,
    DEFAULT_POLICY,
    Level,
    Plan,
    PolicyStep,
    Position,
    State,
    Target,
)
from casenet.escalation.tables import Alert, AlertEvent, EscalationPolicy, Heartbeat
from casenet.groups import Entry, Permission


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as it stands."""

    id: UUID
    group_id: UUID
    post_id: UUID
    sequence: int
    level: Level
    position: Position
    plan: Plan
    raised_by: UUID
    raised_at: datetime
    closed_by: UUID | None
    outcome: str | None
    version: int

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.position.state

    @property
    def is_open(self) -> bool:
        """Not closed: somebody still has to do something."""
        return self.position.state not in CLOSED


@dataclass(frozen=True, slots=True)
class EventView:
    """One thing that happened to an alert."""

    n: int
    at: datetime
    kind: str
    person_id: UUID | None
    channel: str | None
    step: int | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """Whom a group wants to be asked; revision 0 is the default that holds without a policy of its own."""

    steps: tuple[PolicyStep, ...]
    revision: int


def view(row: Alert) -> AlertView:
    """A row as others may see it."""
    position = Position(State(row.state), row.steps_run, row.next_step_at, row.answered_by, row.reminded)
    return AlertView(
        row.id,
        row.group_id,
        row.post_id,
        row.sequence,
        Level(row.level),
        position,
        thawed(row.plan),
        row.raised_by,
        row.raised_at,
        row.closed_by,
        row.outcome,
        row.version,
    )


def alert(session: Session, alert_id: UUID) -> AlertView:
    """One alert, as it stands in the database now. Raises NotFound. Says nothing about who may see it."""
    row = session.get(Alert, alert_id, populate_existing=True)
    if row is None:
        raise NotFound
    return view(row)


def enter_alert(
    session: Session, person_id: UUID, alert_id: UUID, permission: Permission
) -> tuple[Entry, AlertView]:
    """Find an alert through the asker's membership. Raises NotFound outside the group, else NotAllowed."""
    found = alert(session, alert_id)
    return groups.enter(session, person_id, found.group_id, permission), found


def may_answer(session: Session, person_id: UUID, alert_id: UUID) -> bool:
    """True for whom the chain could still ask: a member who may answer, or an administrator of the host office.

    A notification outlives a membership; whoever was let out meanwhile stops no chain.
    """
    found = alert(session, alert_id)
    team = team_of(session, found.group_id)
    member = next((member for member in team.members if member.person_id == person_id), None)
    if member is not None and groups.may(member.role, Permission.ANSWER):
        return True
    return facilities.administers(session, person_id, team.host_facility_id)


def events(session: Session, alert_id: UUID) -> tuple[EventView, ...]:
    """Everything that happened to an alert, in order."""
    rows = session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.n))
    return tuple(
        EventView(row.n, row.at, row.kind, row.person_id, row.channel, row.step, row.detail or {})
        for row in rows
    )


def open_alerts(session: Session, group_ids: Iterable[UUID]) -> tuple[AlertView, ...]:
    """The alerts of these groups that are not closed, newest first; of each group its gravest OPEN_MAX.

    So that false calls without end hide neither a graver one of their group nor any of another.
    """
    place = func.row_number().over(
        partition_by=Alert.group_id, order_by=(Alert.level.desc(), Alert.raised_at.desc(), Alert.id)
    )
    placed = (
        select(Alert.id, place.label("place"))
        .where(Alert.group_id.in_(list(group_ids)), Alert.state.not_in(CLOSED))
        .subquery()
    )
    shown = select(Alert).join(placed, placed.c.id == Alert.id).where(placed.c.place <= OPEN_MAX)
    return _views(session, shown)


def recent_alerts(session: Session, group_ids: Iterable[UUID]) -> tuple[AlertView, ...]:
    """The newest alerts of these groups, open or closed."""
    return _views(session, select(Alert).where(Alert.group_id.in_(list(group_ids))).limit(ALERTS_MAX))


ALERTS_MAX = 100  # of one answer; a ward has eight calls a night (needs.md 4)
OPEN_MAX = 20  # of one group; nobody looks at the twenty-first


def _views(session: Session, alerts: Select[Alert]) -> tuple[AlertView, ...]:
    newest_first = alerts.order_by(Alert.raised_at.desc(), Alert.id)
    return tuple(view(row) for row in session.scalars(newest_first.execution_options(populate_existing=True)))


_alert = cast("Table", Alert.__table__)
_policy = cast("Table", EscalationPolicy.__table__)
_POLICY = Prepared(
    select(_policy.c.steps, _policy.c.revision).where(_policy.c.group_id == bindparam("group"))
)


def policy(session: Session, group_id: UUID) -> PolicyView:
    """Whom this group wants to be asked, in order."""
    row = _POLICY.first(session, {"group": group_id})
    if row is None:
        return PolicyView(DEFAULT_POLICY, 0)
    steps = tuple(
        PolicyStep(Target(step["target"]), UUID(step["facility_id"]) if step["facility_id"] else None)
        for step in row.steps
    )
    return PolicyView(steps, row.revision)


def due(session: Session, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Alerts whose next move is due at `now`, longest waiting first."""
    return tuple(
        session.scalars(
            select(Alert.id)
            .where(Alert.next_step_at <= now, Alert.state.not_in(CLOSED))
            .order_by(Alert.next_step_at)
            .limit(limit)
        )
    )


# The states as they stand in the index's own condition: a plan made once for all parameters finds it only so.
_DUE = Prepared(
    select(
        exists().where(
            _alert.c.next_step_at <= func.now() - bindparam("by", type_=Interval),
            text("state not in ('resolved', 'cancelled')"),
        )
    )
)


def anything_due(session: Database, by: timedelta) -> bool:
    """Whether a move has been due for `by` by the database's clock: a look that costs next to nothing."""
    return _DUE.first(session, {"by": by})[0]


def overdue(session: Session, now: datetime, by: timedelta = timedelta(seconds=60)) -> tuple[UUID, ...]:
    """Alerts that should have moved more than `by` ago. One is enough to turn the lamp red."""
    return due(session, now - by, limit=100)


def heartbeats(session: Session) -> dict[str, datetime]:
    """When each background process last finished a round of work."""
    rows = session.execute(select(Heartbeat.process, Heartbeat.at))
    return {row.process: row.at for row in rows}


def figures(session: Session) -> dict[tuple[str, str], int]:
    """Alerts that are not closed by level and state, for the metrics page."""
    rows = session.execute(
        select(Alert.level, Alert.state, func.count())
        .where(Alert.state.not_in(CLOSED))
        .group_by(Alert.level, Alert.state)
    )
    return {(level, state): count for level, state, count in rows}
