"""What a live delivery needs, in one statement: who may read now, and what is new. Or what a writer knows of that."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select, true

from casenet import groups
from casenet.database import Database, Prepared
from casenet.groups import NO_TEAM, Team
from casenet.timeline.queries import COLUMNS, ROW, RevisionView, open_rows
from casenet.timeline.rules import PAGE_MAX


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a group, and everybody who may read it now.

    team            None when it is the one that the caller knows.
    last_sequence   The group's own counters, which may be beyond `rows`.
    """

    rows: tuple[RevisionView, ...]
    team: Team | None
    last_sequence: int
    last_mark: int


@dataclass(frozen=True, slots=True)
class Written:
    """A row that this process has just committed, and what was true of its group at that very number."""

    group_id: UUID
    row: RevisionView
    last_mark: int
    team_revision: int


def news(session: Database, group_id: UUID, after: int, *, known_team: int = NO_TEAM) -> News | None:
    """What came after number `after`, oldest first, at most PAGE_MAX rows; None for no such group.

    known_team  The revision of the team whose readers the caller knows.
    Leaves no audit row: the caller knows to whom it goes (audit.LIVE).
    """
    asked = {"heard_group_id": group_id, "after": after}
    found = _ROWS.all(session, asked) if known_team != NO_TEAM else ()
    is_known = bool(found) and found[0].team_revision == known_team
    if not is_known:
        found = _NEWS.all(session, asked)
    if not found:
        return None
    head = found[0]
    # The group's line stands also when nothing is new.
    rows = sorted(found, key=_sequence) if head.sequence else ()
    opened = open_rows(session, group_id, head.org_id, rows)
    return News(opened, None if is_known else groups.team_of(head), head.last_sequence, head.last_mark)


def _sequence(row: Any) -> int:
    return row.sequence


def _statement(heard: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    fresh = (
        select(*COLUMNS)
        .where(ROW.c.group_id == bindparam("heard_group_id"), ROW.c.sequence > bindparam("after"))
        .order_by(ROW.c.sequence)
        .limit(PAGE_MAX)
        .lateral("fresh")
    )
    return heard.add_columns(*fresh.c).outerjoin(fresh, true())


# Who may read it is left out for who knows that already: planned, it costs a third of the rest also when not run.
_NEWS = Prepared(_statement(groups.heard_by()), as_bytes=True)
_ROWS = Prepared(_statement(groups.heard()), as_bytes=True)
