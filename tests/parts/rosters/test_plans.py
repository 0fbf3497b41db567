"""Rosters as rows: who may plan, what is heard at once, what stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet import clock, rosters
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.ids import new_id
from casenet.rosters import Duty, NewOverride, NewShift, Rank
from tests.night import Ward, open_ward

NOW = clock.now()
NURSING = Duty.HOME_NURSING_ON_CALL


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def ward(session: Session) -> Ward:
    return open_ward(session, NOW)


def on_call(session: Session, ward: Ward, hours: float) -> list[tuple[str | None, str]]:
    found = rosters.on_call_at(session, ward.offices["station"], NURSING, at(hours))
    return [(ward.name_of(person.person_id), person.rank) for person in found]


def shift(ward: Ward, name: str, since: float, until: float, duty: Duty = NURSING) -> NewShift:
    return NewShift(new_id(), duty, ward.people[name], at(since), at(until))


def test_the_first_stands_before_the_backup_until_the_shift_ends(session: Session, ward: Ward) -> None:
    assert on_call(session, ward, 0) == [("sato", Rank.FIRST), ("ito", Rank.BACKUP)]
    assert on_call(session, ward, 13) == []


def test_who_stands_in_has_the_rank_of_who_is_away(session: Session, ward: Ward) -> None:
    swap = NewOverride(new_id(), NURSING, ward.people["sato"], ward.people["ito"], at(1), at(2))
    rosters.add_override(session, ward.offices["station"], swap, by=ward.people["sato"], now=NOW)

    assert on_call(session, ward, 1) == [("ito", Rank.FIRST)]
    assert on_call(session, ward, 2) == [("sato", Rank.FIRST), ("ito", Rank.BACKUP)]


def test_of_two_changes_the_later_one_changes_what_the_earlier_one_made(session: Session, ward: Ward) -> None:
    """Whatever their ids: those are made by phones."""
    clinic, duty = ward.offices["clinic"], Duty.PARTNER_PHYSICIAN_ON_DUTY
    lesser, greater = sorted((new_id(), new_id()))
    changes = [(greater, "mori", "suzuki"), (lesser, "suzuki", "tanaka")]
    for n, (change_id, away, instead) in enumerate(changes):
        change = NewOverride(change_id, duty, ward.people[away], ward.people[instead], at(1), at(2))
        rosters.add_override(session, clinic, change, by=None, now=NOW + timedelta(seconds=n))

    found = rosters.on_call_at(session, clinic, duty, at(1))
    assert [ward.name_of(person.person_id) for person in found] == ["tanaka"]


def test_a_withdrawn_shift_leaves_the_plan_and_stays_on_record(session: Session, ward: Ward) -> None:
    extra = shift(ward, "ito", 20, 30)
    head, station = ward.people["sato"], ward.offices["station"]
    rosters.add_shift(session, station, extra, by=head, now=NOW)

    rosters.withdraw_shift(session, station, extra.id, by=head, now=at(1))

    assert on_call(session, ward, 21) == []
    session.flush()
    kept = session.execute(
        text("select withdrawn_at from shift where id = :id"), {"id": extra.id}
    ).scalar_one()
    assert kept == at(1)
    with pytest.raises(NotFound):
        rosters.withdraw_shift(session, ward.offices["clinic"], extra.id, by=ward.people["tanaka"], now=NOW)


def test_gaps_of_the_coming_night_are_found_in_advance(session: Session, ward: Ward) -> None:
    station = ward.offices["station"]
    rosters.add_shift(session, station, shift(ward, "ito", 14, 20), by=ward.people["sato"], now=NOW)

    plan = rosters.roster(session, station, NOW, at(24))

    found = rosters.facility_gaps(plan, NURSING, NOW, at(24))
    assert [(gap.starts_at, gap.ends_at) for gap in found] == [(at(13), at(14)), (at(20), at(24))]


def test_only_the_offices_administrators_plan(session: Session, ward: Ward) -> None:
    plan = shift(ward, "ito", 20, 30)

    with pytest.raises(NotAllowed):
        rosters.add_shift(session, ward.offices["station"], plan, by=ward.people["ito"], now=NOW)
    with pytest.raises(NotFound):
        rosters.add_shift(session, ward.offices["station"], plan, by=ward.people["tanaka"], now=NOW)


def test_a_person_who_cannot_be_on_call_for_it_is_refused(session: Session, ward: Ward) -> None:
    head, station = ward.people["sato"], ward.offices["station"]

    for name in ("tanaka", "kato", "abe"):
        with pytest.raises(Invalid):
            rosters.add_shift(session, station, shift(ward, name, 20, 30), by=head, now=NOW)
    with pytest.raises(Invalid):
        rosters.add_shift(session, station, shift(ward, "ito", 30, 20), by=head, now=NOW)


def test_a_partners_physician_may_work_elsewhere(session: Session, ward: Ward) -> None:
    plan = shift(ward, "mori", 20, 30, Duty.PARTNER_PHYSICIAN_ON_DUTY)

    rosters.add_shift(session, ward.offices["clinic"], plan, by=ward.people["tanaka"], now=NOW)

    own = shift(ward, "mori", 20, 30, Duty.PHYSICIAN_ON_DUTY)
    with pytest.raises(Invalid):
        rosters.add_shift(session, ward.offices["clinic"], own, by=ward.people["tanaka"], now=NOW)


def test_the_same_shift_twice_is_one_and_another_offices_id_is_refused(session: Session, ward: Ward) -> None:
    head, station = ward.people["sato"], ward.offices["station"]
    plan = shift(ward, "ito", 20, 30)
    rosters.add_shift(session, station, plan, by=head, now=NOW)
    rosters.add_shift(session, station, plan, by=head, now=NOW)

    assert len(rosters.roster(session, station, at(20), at(21)).shifts) == 1
    stolen = NewShift(plan.id, Duty.PHYSICIAN_ON_DUTY, ward.people["suzuki"], at(20), at(30))
    with pytest.raises(Conflict):
        rosters.add_shift(session, ward.offices["clinic"], stolen, by=ward.people["tanaka"], now=NOW)


def test_an_override_of_nobody_is_refused(session: Session, ward: Ward) -> None:
    head, station = ward.people["sato"], ward.offices["station"]

    for absent, person in ((None, None), (ward.people["ito"], ward.people["ito"])):
        change = NewOverride(new_id(), NURSING, absent, person, at(1), at(2))
        with pytest.raises(Invalid):
            rosters.add_override(session, station, change, by=head, now=NOW)
