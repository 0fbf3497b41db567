"""A process that hangs with a patient's row locked (a stopped machine, a debugger) holds up that patient only."""

from collections.abc import Iterable
from random import Random
from uuid import UUID

from sqlalchemy import text

from casenet.config import Config
from casenet.database import engine_of
from tests.faults import invariants, ward
from tests.faults.conftest import Night
from tests.faults.phones import Letter


def raise_in(night: Night, group_id: UUID, count: int) -> list[str]:
    """Calls of level E4, whose later steps follow every four seconds here; ids of the alerts."""
    letters: list[Letter] = []
    for number in range(count):
        letter = ward.alert(night.ward, Random(number), f"急変{number}", 0)
        letter.path = f"/groups/{group_id}/alerts"
        letter.body["level"] = "E4"
        letters.append(letter)
        night.ward.of("abe").write(letter)
    night.until(night.ward.is_idle, seconds=30, what="calls")
    return [letter.body["id"] for letter in letters]


def steps(alert_ids: Iterable[str]) -> int:
    query = "select 1 from alert_event where kind = 'step' and alert_id = any(cast(:ids as uuid[]))"
    return len(invariants.rows(query, ids=list(alert_ids)))


def test_a_session_that_hangs_with_a_lock_delays_no_other_call_and_its_own_for_seconds(
    night: Night, database: Config
) -> None:
    night.site.start()
    for phone in night.ward.phones:
        phone.start()
    stuck, free = night.ward.group_ids[:2]
    hung = engine_of(database).connect()
    theirs = raise_in(night, stuck, 3)
    others = raise_in(night, free, 1)
    hung.execute(text("select 1 from patient_group where id = :id for update"), {"id": stuck})

    # Every call makes its next move (E4 asks two steps at once), and the hung session does not decide when.
    night.until(lambda: steps(others) > 2 * len(others), seconds=12, what="a step of another patient's call")
    night.until(lambda: steps(theirs) > 2 * len(theirs), seconds=30, what="a step of this patient's calls")

    hung.invalidate()
    breaches = night.end()
    assert [one for one in breaches if any(other in one for other in others)] == []
