"""Stories of a night, told against a real database with a time that is only an argument."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from casenet import audit, clock, escalation, facilities, groups, notifications, rosters, timeline
from casenet.audit.tables import AuditEvent
from casenet.errors import Conflict, Invalid, NotAllowed, NotFound
from casenet.escalation import AlertView, Level, Outcome, PolicyStep, State, Target
from casenet.groups import Permission
from casenet.identity import NewPerson
from casenet.ids import new_id
from casenet.rosters import Duty, NewOverride
from tests.night import PATIENT, Ward, open_ward

NOW = clock.now()


@pytest.fixture
def ward(session: Session) -> Iterator[Ward]:
    return open_ward(session, NOW)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def raise_by(session: Session, ward: Ward, name: str, level: Level = Level.E3) -> AlertView:
    entry = ward.entry(session, name, Permission.RAISE)
    alert, is_new = escalation.raise_alert(session, entry, ward.call(level), now=NOW)
    assert is_new
    return alert


def asked(session: Session, ward: Ward, alert: AlertView) -> list[list[str | None]]:
    """Names asked by each step that ran, in order."""
    return [
        [ward.name_of(UUID(person)) for person in event.detail["person_ids"]]
        for event in escalation.events(session, alert.id)
        if event.kind == "step"
    ]


def pinged(session: Session, ward: Ward, alert: AlertView) -> list[str | None]:
    """Names with at least one ping, in the order of asking."""
    pings = notifications.pings_about(session, "alert", alert.id)
    return list(dict.fromkeys(ward.name_of(ping.person_id) for ping in pings))


def notices(session: Session, ward: Ward) -> list[str]:
    rows = timeline.posts_after(session, ward.entry(session, "abe"), 0, 200)
    return [row.notice["code"] for row in rows if row.notice]


def test_the_second_doctor_is_pinged_when_the_first_does_not_answer(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "sato")
    for minutes in (5, 10, 15):
        escalation.advance_due(session, now=at(minutes))

    assert asked(session, ward, alert) == [["ito"], ["tanaka"], ["suzuki"], ["mori"]]
    assert pinged(session, ward, alert) == ["ito", "tanaka", "suzuki", "mori"]


def test_raising_publishes_the_post_and_asks_the_first_person_in_the_same_transaction(
    session: Session, ward: Ward
) -> None:
    alert = raise_by(session, ward, "abe")

    post = timeline.posts_after(session, ward.entry(session, "abe"), 0, 1)[0]
    assert (post.post_id, post.kind) == (alert.post_id, "urgent")
    assert post.text == "【症状】呼吸が苦しい\n【状況】呼吸が苦しそうです"
    assert asked(session, ward, alert) == [["sato"]]
    assert notices(session, ward) == ["alert.raised", "alert.step"]
    assert alert.position.next_step_at == at(5)


def test_the_same_call_twice_is_one_alert_with_one_set_of_pings(session: Session, ward: Ward) -> None:
    entry, call = ward.entry(session, "abe"), ward.call()
    first, _ = escalation.raise_alert(session, entry, call, now=NOW)
    before = notifications.pings_about(session, "alert", first.id)

    again, is_new = escalation.raise_alert(session, entry, call, now=at(1))

    assert (again, is_new) == (first, False)
    assert notifications.pings_about(session, "alert", first.id) == before


def test_an_id_that_somebody_else_used_is_refused(session: Session, ward: Ward) -> None:
    call = ward.call()
    escalation.raise_alert(session, ward.entry(session, "abe"), call, now=NOW)

    with pytest.raises(Conflict):
        escalation.raise_alert(session, ward.entry(session, "sato"), call, now=NOW)


def test_nobody_is_called_to_their_own_call(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "sato")

    # The nurse on call raised it herself: her backup is asked, not she.
    assert pinged(session, ward, alert) == ["ito"]


def test_at_e4_nurse_and_attending_physician_are_asked_at_once_over_every_channel(
    session: Session, ward: Ward
) -> None:
    alert = raise_by(session, ward, "abe", Level.E4)

    assert asked(session, ward, alert) == [["sato"], ["tanaka"]]
    assert all(p.due_at == NOW for p in notifications.pings_about(session, "alert", alert.id))


def test_an_empty_step_is_passed_over_at_once_and_written_down(session: Session, ward: Ward) -> None:
    for name in ("sato", "ito"):
        rest = NewOverride(new_id(), Duty.HOME_NURSING_ON_CALL, ward.people[name], None, NOW, at(600))
        rosters.add_override(session, ward.offices["station"], rest, by=None, now=NOW)

    alert = raise_by(session, ward, "abe")

    assert pinged(session, ward, alert) == ["tanaka"]
    assert "alert.skipped" in notices(session, ward)


def test_the_roster_is_asked_when_the_step_runs_not_when_the_alert_opens(
    session: Session, ward: Ward
) -> None:
    alert = raise_by(session, ward, "abe")
    swap = NewOverride(
        new_id(), Duty.PARTNER_PHYSICIAN_ON_DUTY, ward.people["mori"], ward.people["suzuki"], NOW, at(600)
    )
    rosters.add_override(session, ward.offices["clinic"], swap, by=None, now=NOW)

    for minutes in (5, 10, 15):
        escalation.advance_due(session, now=at(minutes))

    assert asked(session, ward, alert)[-1] == ["suzuki"]


def test_a_change_of_policy_does_not_move_a_running_alert(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    entry = ward.entry(session, "tanaka", Permission.POLICY)
    only_deputy = (PolicyStep(Target.DEPUTY_PHYSICIAN),)
    escalation.set_policy(session, entry, only_deputy, expected_revision=0, now=NOW)

    escalation.advance_due(session, now=at(5))
    later, _ = escalation.raise_alert(session, ward.entry(session, "abe"), ward.call(), now=at(6))

    assert asked(session, ward, alert) == [["sato"], ["tanaka"]]
    assert asked(session, ward, later) == [["suzuki"]]


def test_a_policy_changes_only_from_the_revision_that_the_writer_saw(session: Session, ward: Ward) -> None:
    entry = ward.entry(session, "tanaka", Permission.POLICY)
    steps = (PolicyStep(Target.ATTENDING_PHYSICIAN),)
    assert escalation.set_policy(session, entry, steps, expected_revision=0, now=NOW).revision == 1

    with pytest.raises(Conflict):
        escalation.set_policy(session, entry, steps, expected_revision=0, now=NOW)
    with pytest.raises(Conflict):
        escalation.set_policy(session, entry, steps, expected_revision=7, now=NOW)
    with pytest.raises(Invalid):
        escalation.set_policy(session, entry, (), expected_revision=1, now=NOW)
    assert escalation.policy(session, ward.group_id) == escalation.PolicyView(steps, 1)


def test_a_physician_on_duty_is_let_in_for_the_night_when_it_is_his_turn(
    session: Session, ward: Ward
) -> None:
    raise_by(session, ward, "abe")
    with pytest.raises(NotFound):
        ward.entry(session, "mori")

    for minutes in (5, 10, 15):
        escalation.advance_due(session, now=at(minutes))

    assert ward.entry(session, "mori", Permission.ANSWER).role == "physician"
    cover = next(m for m in groups.members(session, ward.group_id) if m.person_id == ward.people["mori"])
    assert cover.ends_at == at(15 + 24 * 60)


def test_after_the_last_step_it_begins_again_and_everybody_is_asked(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")

    for minutes in (5, 10, 15, 20):
        escalation.advance_due(session, now=at(minutes))

    # The second time through, the backup nurse is asked together with the first.
    assert asked(session, ward, alert)[-1] == ["sato", "ito"]
    all_asked = next(e for e in escalation.events(session, alert.id) if e.kind == "everybody")
    assert {ward.name_of(UUID(p)) for p in all_asked.detail["person_ids"]} == {"tanaka", "suzuki", "mori"}
    assert escalation.alert(session, alert.id).position.next_step_at == at(25)


def test_only_an_answer_stops_it(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")

    for minutes in range(0, 240, 5):
        escalation.advance_due(session, now=at(minutes))

    standing = escalation.alert(session, alert.id)
    assert standing.is_open
    assert standing.position.steps_run > 40
    # The timeline tells of the first round and of each new round, not of every ping of the night.
    assert notices(session, ward).count("alert.step") == 4


def test_an_answer_stops_the_chain_and_cancels_what_waits(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    entry = ward.entry(session, "sato", Permission.ANSWER)

    answer = escalation.acknowledge(session, entry, alert.id, now=at(2))
    escalation.advance_due(session, now=at(5))

    assert answer.is_yours
    assert answer.alert.position.next_step_at == at(17)
    assert asked(session, ward, alert) == [["sato"]]
    assert {p.state for p in notifications.pings_about(session, "alert", alert.id)} == {"cancelled"}
    assert notices(session, ward)[-1] == "alert.acknowledged"


def test_an_answer_without_outcome_lets_the_chain_go_on(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    escalation.acknowledge(session, ward.entry(session, "sato"), alert.id, now=at(2))

    escalation.advance_due(session, now=at(17))

    standing = escalation.alert(session, alert.id)
    assert (standing.state, standing.position.answered_by) == (State.OPEN, None)
    assert asked(session, ward, alert) == [["sato"], ["tanaka"]]
    assert "alert.lapsed" in notices(session, ward)


def test_the_second_to_answer_learns_who_has_it(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    escalation.acknowledge(session, ward.entry(session, "sato"), alert.id, now=at(1))

    late = escalation.acknowledge(session, ward.entry(session, "tanaka"), alert.id, now=at(2))
    escalation.acknowledge(session, ward.entry(session, "tanaka"), alert.id, now=at(3))

    assert (late.is_yours, late.alert.position.answered_by) == (False, ward.people["sato"])
    kinds = [event.kind for event in escalation.events(session, alert.id)]
    assert kinds.count("late_answer") == 1


def test_who_goes_may_take_over_from_who_only_took_the_call(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    nurse, doctor = ward.entry(session, "sato"), ward.entry(session, "tanaka")
    escalation.acknowledge(session, nurse, alert.id, now=at(1))

    gone = escalation.respond(session, doctor, alert.id, how="visit", eta_minutes=20, now=at(2))
    second = escalation.respond(session, nurse, alert.id, how="phone", now=at(3))

    assert (gone.is_yours, gone.alert.position.answered_by) == (True, ward.people["tanaka"])
    assert (second.is_yours, second.alert.position.answered_by) == (False, ward.people["tanaka"])


def test_a_repeated_answer_is_the_same_answer(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    entry = ward.entry(session, "sato")
    first = escalation.acknowledge(session, entry, alert.id, now=at(1))

    assert escalation.acknowledge(session, entry, alert.id, now=at(4)) == first


def test_from_acknowledged_over_the_way_there_to_the_end(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe", Level.E2)
    entry = ward.entry(session, "tanaka")
    escalation.acknowledge(session, entry, alert.id, now=at(1))
    on_the_way = escalation.respond(session, entry, alert.id, how="visit", eta_minutes=40, now=at(3))
    there = escalation.arrive(session, entry, alert.id, now=at(50))
    ended = escalation.resolve(
        session, entry, alert.id, Outcome.PHYSICIAN_VISIT, note="酸素を増量しました", now=at(80)
    )

    assert on_the_way.alert.position.next_step_at == at(73)
    assert there.alert.state is State.ARRIVED
    assert (ended.state, ended.outcome, ended.position.next_step_at) == (
        State.RESOLVED,
        "physician_visit",
        None,
    )
    assert notices(session, ward)[-4:] == [
        "alert.acknowledged",
        "alert.responding",
        "alert.arrived",
        "alert.resolved",
    ]
    note = timeline.posts_after(session, ward.entry(session, "abe"), 0, 200)[-1]
    assert (note.text, note.reply_to) == ("【対応の記録】酸素を増量しました", alert.post_id)


def test_who_arrived_is_reminded_before_the_chain_goes_on(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    escalation.arrive(session, ward.entry(session, "sato"), alert.id, now=at(1))

    escalation.advance_due(session, now=at(121))
    assert escalation.alert(session, alert.id).state is State.ARRIVED
    reminders = [p for p in notifications.pings_about(session, "alert", alert.id) if p.created_at == at(121)]
    assert {ward.name_of(p.person_id) for p in reminders} == {"sato"}

    escalation.advance_due(session, now=at(131))
    assert escalation.alert(session, alert.id).state is State.OPEN


def test_a_resolved_alert_is_left_in_peace(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    entry = ward.entry(session, "sato")
    ended = escalation.resolve(session, entry, alert.id, Outcome.PHONE_GUIDANCE, now=at(1))

    assert escalation.advance_due(session, now=at(600)) == 0
    assert escalation.resolve(session, entry, alert.id, Outcome.PHONE_GUIDANCE, now=at(2)) == ended
    with pytest.raises(Conflict):
        escalation.resolve(session, entry, alert.id, Outcome.AMBULANCE, now=at(3))
    with pytest.raises(Conflict):
        escalation.cancel(session, entry, alert.id, "まちがい", now=at(3))
    assert not escalation.acknowledge(session, ward.entry(session, "tanaka"), alert.id, now=at(4)).is_yours


def test_cancelling_needs_a_reason_and_the_right_person(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "sato")

    with pytest.raises(NotAllowed):
        escalation.cancel(session, ward.entry(session, "abe"), alert.id, "まちがい", now=at(1))
    with pytest.raises(Invalid):
        escalation.cancel(session, ward.entry(session, "sato"), alert.id, "  ", now=at(1))
    ended = escalation.cancel(session, ward.entry(session, "sato"), alert.id, "押しまちがい", now=at(1))

    assert ended.state is State.CANCELLED
    assert notices(session, ward)[-1] == "alert.cancelled"


def test_when_every_ping_of_a_step_has_failed_the_next_step_comes_at_once(
    session: Session, ward: Ward
) -> None:
    alert = raise_by(session, ward, "abe")

    assert escalation.hasten(session, alert.id, step_no=1, attempt=1, now=at(1))
    escalation.advance_due(session, now=at(1))
    assert not escalation.hasten(session, alert.id, step_no=1, attempt=1, now=at(2))

    assert asked(session, ward, alert) == [["sato"], ["tanaka"]]


def test_the_outsider_sees_nothing_of_it(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")

    for alert_id in (alert.id, new_id()):
        with pytest.raises(NotFound):
            escalation.enter_alert(session, ward.people["kato"], alert_id, Permission.READ)


def test_steps_say_who_was_asked_and_who_would_be(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")
    escalation.advance_due(session, now=at(5))
    escalation.acknowledge(session, ward.entry(session, "tanaka"), alert.id, now=at(6))

    seen = escalation.alert(session, alert.id)
    team = escalation.team_of(session, seen.group_id)
    would_ask = escalation.people_of_plan(
        session, team, seen.plan, steps_run=seen.position.steps_run, without=seen.raised_by, now=at(6)
    )
    steps = escalation.steps_of(seen, escalation.events(session, alert.id), would_ask)

    assert [(s.state, [ward.name_of(p) for p in s.person_ids]) for s in steps] == [
        ("passed", ["sato"]),
        ("answered", ["tanaka"]),
        ("waiting", ["suzuki"]),
        ("waiting", ["mori"]),
    ]


def test_the_schema_refuses_an_alert_that_waits_for_nothing(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")

    with pytest.raises(DBAPIError, match="ck_alert_always_due"):
        session.execute(text("update alert set next_step_at = null where id = :id"), {"id": alert.id})


def test_what_happened_can_be_added_to_and_never_changed(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "abe")

    with pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text("delete from alert_event where alert_id = :id"), {"id": alert.id})


def test_nothing_about_the_patient_stands_in_the_clear(session: Session, ward: Ward) -> None:
    entry = ward.entry(session, "abe")
    call = ward.call(situation="秘密の症状です")
    escalation.raise_alert(session, entry, call, now=NOW)
    escalation.cancel(session, ward.entry(session, "sato"), call.id, "秘密の理由", now=at(1))

    for table in ("alert", "alert_event", "ping", "timeline_revision", "audit_event"):
        rows = session.execute(text(f"select t::text from {table} t")).scalars().all()
        assert rows
        assert not [row for row in rows if "秘密" in row or PATIENT.name in row or "呼吸" in row]


def test_an_administrator_who_is_asked_at_the_end_can_read_it_only_as_a_clinician(
    session: Session, ward: Ward
) -> None:
    now = clock.now()
    for name, profession in (("head", "nurse"), ("clerk", "office_clerk")):
        ward.people[name] = new_id()
        person = NewPerson(ward.people[name], name, f"{name}@casenet.example", "架空", "カクウ", profession)
        facilities.add_staff(session, ward.offices["clinic"], person, is_administrator=True, by=None, now=now)
    alert = raise_by(session, ward, "abe")

    for minutes in (5, 10, 15, 20):
        escalation.advance_due(session, now=at(minutes))

    assert {"head", "clerk"} <= set(pinged(session, ward, alert))
    assert ward.entry(session, "head", Permission.ANSWER)
    with pytest.raises(NotFound):
        ward.entry(session, "clerk")


def test_who_has_left_their_office_is_not_called_though_still_on_the_roster(
    session: Session, ward: Ward
) -> None:
    for name in ("ito", "mori"):
        leaver = {"id": ward.people[name]}
        session.execute(text("update staff set until = now() where person_id = :id"), leaver)
    alert = raise_by(session, ward, "sato")

    for minutes in (5, 10, 15, 20):
        escalation.advance_due(session, now=at(minutes))

    assert not {"ito", "mori"} & set(pinged(session, ward, alert))


def test_a_physician_is_never_called_to_their_own_call(session: Session, ward: Ward) -> None:
    alert = raise_by(session, ward, "tanaka")

    for minutes in range(5, 60, 5):
        escalation.advance_due(session, now=at(minutes))

    happened = [event for event in escalation.events(session, alert.id) if event.kind == "everybody"]
    assert happened
    assert "suzuki" in pinged(session, ward, alert)
    assert "tanaka" not in pinged(session, ward, alert)
    assert not [event for event in happened if str(ward.people["tanaka"]) in event.detail["person_ids"]]


def test_a_call_over_a_post_that_was_none_is_refused_and_its_text_not_lost(
    session: Session, ward: Ward
) -> None:
    entry = ward.entry(session, "abe", Permission.RAISE)
    report = timeline.Draft(new_id(), "report", "今日は変わりありません")
    timeline.publish_post(session, entry, report, now=NOW)
    said = ward.call(Level.E4)

    with pytest.raises(Conflict, match="id-taken"):
        escalation.raise_alert(session, entry, replace(said, post_id=report.id), now=NOW)
    escalation.raise_alert(session, entry, said, now=NOW)
    with pytest.raises(Conflict, match="id-taken"):
        escalation.raise_alert(session, entry, replace(said, id=new_id()), now=NOW)


def test_whatever_happens_leaves_event_notice_and_audit_rows_in_one_order(
    session: Session, ward: Ward
) -> None:
    door = audit.at_door(audit.Origin("asked", "192.0.2.1", new_id()))
    try:
        alert = raise_by(session, ward, "abe")
    finally:
        audit.leave_door(door)
    escalation.advance_due(session, now=at(5))

    happened = escalation.events(session, alert.id)
    assert [event.n for event in happened] == list(range(1, len(happened) + 1))
    rows = timeline.posts_after(session, ward.entry(session, "abe"), 0, 200)
    assert [row.sequence for row in rows] == list(range(rows[0].sequence, rows[0].sequence + len(rows)))
    written = [row for row in rows if row.notice]
    assert [row.notice["code"] for row in written if row.notice] == [
        f"alert.{event.kind}" for event in happened
    ]

    recorded = session.execute(
        select(AuditEvent)
        .where(AuditEvent.group_id == ward.group_id, AuditEvent.action != "posts.read")
        .order_by(AuditEvent.id)
    ).scalars()
    trail = [
        (row.action, row.object_id, row.revision, row.person_id, row.request_id)
        for row in recorded
        if row.action.startswith("alert.") or row.action == "notice.publish"
    ]
    assert [line for line in trail if line[0] == "notice.publish"] == [
        ("notice.publish", row.post_id, row.sequence, None, "asked" if row.sequence <= 3 else None)
        for row in written
    ]
    assert [line for line in trail if line[0] != "notice.publish"] == [
        (f"alert.{event.kind}", alert.id, None, event.person_id, "asked" if event.n <= 2 else None)
        for event in happened
    ]
