"""Looking whether anything is new before reading it: what has been shown and is still all need not be read again."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, String, Uuid, bindparam, exists, func, literal_column, select

from casenet import audit, identity
from casenet.database import Database, Glance, Prepared
from casenet.groups import Entry, Recalled, seen_again, standing
from casenet.timeline.queries import READ, RevisionView, note_reading


class Shown(NamedTuple):
    """A stretch of a group's log that was shown, and where the log and its 了解 ended then.

    first, last     From where to where it goes; None when it has no row.
    """

    last_sequence: int
    last_mark: int
    first: int | None
    last: int | None

    def is_still_all(self, entry: Entry) -> bool:
        """True when nothing has happened in the group since: nobody changes or removes a row."""
        return (self.last_sequence, self.last_mark) == (entry.last_sequence, entry.last_mark)


UNSHOWN = Shown(-1, -1, None, None)  # never all there is: no group ends so


def shown_in(entry: Entry, page: Sequence[RevisionView]) -> Shown:
    """What a page shows, newest first, that was read with this entry."""
    first, last = (page[-1].sequence, page[0].sequence) if page else (None, None)
    return Shown(entry.last_sequence, entry.last_mark, first, last)


def look(session: Glance, recalled: Recalled, shown: Shown = UNSHOWN) -> Entry | None:
    """The entry of somebody who is recalled, as the group is now; None, and nothing done, when it stands no longer.

    When `shown` is still all, the audit trail says from here on that they have seen it: it is to be shown.
    """
    statement = _LOOK_SEEN if recalled.is_to_be_seen else _LOOK
    given = {
        "shown_last_sequence": shown.last_sequence,
        "shown_last_mark": shown.last_mark,
        "shown_first": shown.first,
        "shown_last": shown.last,
    }
    row = statement.first(session, given | recalled.proof | audit.origin())
    if row is None:
        return None
    seen_again(recalled)
    was = recalled.entry
    return Entry(was.group_id, was.org_id, was.person_id, was.role, was.function, *row)


def record_again(session: Database, entry: Entry, shown: Shown) -> None:
    """As `look` for somebody who was asked: the audit trail says that they have seen it. No row is no reading."""
    if shown.first is not None and shown.last is not None:
        note_reading(session, entry, shown.first, shown.last)


def _look(*, seen: bool) -> Select[*tuple[Any, ...]]:
    now = standing().cte("standing")
    first, last = (bindparam(f"shown_{name}", type_=BigInteger) for name in ("first", "last"))
    again = (
        select(now.c.group_id, first.label("first"), last.label("last"))
        .where(
            now.c.last_sequence == bindparam("shown_last_sequence"),
            now.c.last_mark == bindparam("shown_last_mark"),
            first.is_not(None),
        )
        .subquery("again")
    )
    noted = audit.recording_each(
        person_id=bindparam("recalled_person", type_=Uuid),
        action=literal_column(f"'{READ}'", String),
        group_id=again.c.group_id,
        detail=func.jsonb_build_object(
            literal_column("'from'", String), again.c.first, literal_column("'to'", String), again.c.last
        ),
    ).cte("noted")
    found = select(now.c.last_sequence, now.c.last_mark).add_cte(noted)
    return found.add_cte(identity.sighting(exists(select(now.c.group_id)))) if seen else found


_LOOK, _LOOK_SEEN = Prepared(_look(seen=False)), Prepared(_look(seen=True))
