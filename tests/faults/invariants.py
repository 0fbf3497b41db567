"""What must hold whatever was killed: read from the database by SQL, from the phones, and from the receivers.

Every check returns sentences, one for each breach, so that a run tells all of them at once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from casenet.database import transaction
from casenet.notifications.rules import LEASE_SECONDS
from tests.faults.recorders import Record, key_of_push
from tests.faults.site import Site
from tests.faults.ward import HASTE, Ward

QUIET_SECONDS = 2.0  # nothing is sent later than this after the end of an alert (I-5)


def rows(query: str, **values: Any) -> list[Any]:
    with transaction() as session:
        return list(session.execute(text(query), values).all())


def check(ward: Ward, record: Record, site: Site) -> list[str]:
    """Every breach of every invariant."""
    return [
        *posts_are_there_once(ward),
        *numbers_are_gapless(),
        *phones_agree(ward),
        *alerts_are_there_once(ward),
        *alerts_are_due(),
        *histories_are_paths(),
        *steps_keep_time(site),
        *everybody_was_pinged(record, site),
        *nothing_after_the_end(record),
    ]


def posts_are_there_once(ward: Ward) -> Iterable[str]:
    """I-1 for posts: every answer is true, no text stands twice, nothing was refused."""
    stored = {
        (str(row.group_id), str(row.post_id), row.revision): row.sequence
        for row in rows("select group_id, post_id, revision, sequence from timeline_revision")
    }
    texts = Counter(row[2] for log in ward.phones[0].logs.values() for row in log.rows.values() if row[2])
    for kind in ("post", "revision"):
        for letter in ward.letters(kind):
            if letter.refused or letter.answer is None:
                yield f"a {kind} was not taken: {letter.refused}"
                continue
            group_id = letter.path.split("/")[2]
            place = (group_id, letter.answer["id"], letter.body.get("revision", 1))
            if stored.get(place) != letter.answer["sequence"]:
                yield f"an acknowledged {kind} is lost: {place}"
            if texts[letter.body["text"]] != 1:
                yield f"{letter.body['text']} stands {texts[letter.body['text']]} times"


def numbers_are_gapless() -> Iterable[str]:
    """Each group's log is 1, 2 … last_sequence."""
    found = rows(
        "select g.id, g.last_sequence, count(r.sequence) as held, max(r.sequence) as top from patient_group g "
        "left join timeline_revision r on r.group_id = g.id group by g.id, g.last_sequence"
    )
    for row in found:
        if not row.last_sequence == row.held == (row.top or 0):
            yield f"numbers of {row.id}: {row.held} rows up to {row.top}, counter {row.last_sequence}"


def phones_agree(ward: Ward) -> Iterable[str]:
    """What every phone has folded is what is stored."""
    stored: dict[str, dict[int, tuple[str, int]]] = defaultdict(dict)
    for row in rows("select group_id, sequence, post_id, revision from timeline_revision"):
        stored[str(row.group_id)][row.sequence] = (str(row.post_id), row.revision)
    for number, phone in enumerate(ward.phones):
        for group_id, log in phone.logs.items():
            held = {sequence: row[:2] for sequence, row in log.rows.items()}
            if held != stored[group_id]:
                yield f"phone {number} holds {len(held)} rows of {len(stored[group_id])}"
            if log.doubles:
                yield f"phone {number} was told {log.doubles} numbers with two contents"


def alerts_are_there_once(ward: Ward) -> Iterable[str]:
    """I-1 for alerts, with their post."""
    stored = {str(row.id): row for row in rows("select id, post_id, group_id, sequence from alert")}
    letters = ward.letters("alert")
    for letter in letters:
        row = stored.get(letter.body["id"])
        if letter.answer is None or row is None:
            yield f"an alert was not taken or is lost: {letter.refused}"
        elif str(row.post_id) != letter.body["post_id"] or row.sequence != letter.answer["sequence"]:
            yield f"alert {row.id} is not as it was answered"
    if len(stored) != len(letters):
        yield f"{len(stored)} alerts of {len(letters)} calls"


def alerts_are_due() -> Iterable[str]:
    """I-2: whatever is not closed has a due time that is not past."""
    for row in rows(
        "select id, next_step_at from alert where state not in ('resolved', 'cancelled') "
        "and (next_step_at is null or next_step_at < now() - interval '10 seconds')"
    ):
        yield f"alert {row.id} is silent: due {row.next_step_at}"


AFTER = {
    None: {"raised"},
    "open": {"step", "skipped", "everybody", "acknowledged", "resolved", "cancelled", "hastened"},
    "taken": {"acknowledged", "responding", "arrived", "reminded", "lapsed", "resolved", "cancelled"},
    "closed": {"late_answer"},
}


def histories_are_paths() -> Iterable[str]:
    """I-7 and I-8: numbered without a gap, only possible steps, each with its audit row."""
    audited = Counter(
        (str(row.object_id), row.action.removeprefix("alert."))
        for row in rows("select object_id, action from audit_event where action like 'alert.%'")
    )
    for alert_id, events in events_by_alert().items():
        if [event.n for event in events] != list(range(1, len(events) + 1)):
            yield f"events of {alert_id} have a gap"
        state: str | None = None
        for event in events:
            if event.kind not in AFTER[state] | ({"late_answer"} if state else set()):
                yield f"alert {alert_id}: {event.kind} while {state}"
            if event.kind in ("resolved", "cancelled"):
                state = "closed"
            elif event.kind in ("acknowledged", "responding", "arrived"):
                state = "taken"
            elif event.kind in ("raised", "lapsed"):
                state = "open"
        told = Counter((alert_id, event.kind) for event in events)
        for key, count in told.items():
            if audited[key] != count:
                yield f"{key} has {audited[key]} audit rows, not {count}"


def events_by_alert() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows(
        "select alert_id, n, at, kind, person_id, step, detail from alert_event order by alert_id, n"
    ):
        found[str(row.alert_id)].append(row)
    return found


def steps_keep_time(site: Site) -> Iterable[str]:
    """I-6: no step before its time, none silently late, and the first in the moment of the call."""
    plans = {str(row.id): row.plan for row in rows("select id, plan from alert")}
    for alert_id, events in events_by_alert().items():
        if alert_id not in plans:
            continue  # said elsewhere
        due = events[0].at.timestamp()
        early = 0.5  # the clock of the web and the database's, and the two reads of a round
        for event in events:
            at = event.at.timestamp()
            if event.kind in ("acknowledged", "lapsed", "resolved", "cancelled", "hastened"):
                due, early = float("inf") if event.kind == "acknowledged" else at, 1e9
            if event.kind != "step":
                continue
            late = at - due - site.seconds_away(due, at)
            if early < 1e6 and due - at > early:
                yield f"alert {alert_id}: step {event.step} came {due - at:.1f} s early"
            if late > site.late_seconds:
                yield f"alert {alert_id}: step {event.step} came {late:.1f} s late: {site.around(due, at)}"
            step = plans[alert_id][event.step - 1]
            if not step["with_next"]:
                due, early = at + step["wait_seconds"] / HASTE, 0.5


def everybody_was_pinged(record: Record, site: Site) -> Iterable[str]:
    """I-3 and I-4: each step reached each of its people in time, and no ping went out more often than claimed."""
    pings = rows(
        "select id, about_id, step_no, attempt, channel, person_id, state, reason, due_at, fence, token_hash "
        "from ping where about = 'alert' and channel <> 'in_app'"
    )
    by_step: dict[Any, list[Any]] = defaultdict(list)
    for ping in pings:
        by_step[str(ping.about_id), ping.step_no, ping.attempt, str(ping.person_id)].append(ping)
        seen = calls_of(record, ping)
        if len(seen) > ping.fence:
            yield f"ping {ping.id} was claimed {ping.fence} times and sent {len(seen)} times"
        if not seen and not (ping.state == "cancelled" and ping.reason != "expired"):
            yield f"ping {ping.id} is {ping.state} and never came out"
        if seen:
            due = ping.due_at.timestamp()
            # A sender that died with it holds it until its lease ends; each left its number in the fence.
            held = LEASE_SECONDS * (ping.fence - 1)
            late = seen[0] - due - held - site.seconds_away(due, seen[0])
            if late > site.late_seconds:
                yield (
                    f"{ping.channel} {ping.id} came out {late:.1f} s late after {ping.fence} claims: "
                    f"{site.around(due, seen[0])}"
                )
    for alert_id, events in events_by_alert().items():
        for event in (event for event in events if event.kind == "step"):
            for person_id in event.detail["person_ids"]:
                found = by_step[alert_id, event.step, event.detail["round"], person_id]
                if not any(calls_of(record, ping) or ping.state == "cancelled" for ping in found):
                    yield f"alert {alert_id}: step {event.step} never reached {person_id}"


def calls_of(record: Record, ping: Any) -> list[float]:
    return record.of(key_of_push(ping.token_hash), str(ping.id))


def nothing_after_the_end(record: Record) -> Iterable[str]:
    """I-5: who is no longer needed is not woken."""
    ended = rows(
        "select p.id, p.token_hash, a.closed_at from ping p join alert a on a.id = p.about_id "
        "where a.closed_at is not null"
    )
    for row in ended:
        late = [
            moment for moment in calls_of(record, row) if moment > row.closed_at.timestamp() + QUIET_SECONDS
        ]
        if late:
            yield f"ping {row.id} went out {late[-1] - row.closed_at.timestamp():.1f} s after the end"


def first_pings(record: Record) -> list[float]:
    """Seconds from each call to the first ping outside, ascending (R3)."""
    found: dict[str, float] = {}
    for row in rows(
        "select p.id, p.token_hash, a.id as alert_id, a.raised_at from ping p join alert a on a.id = p.about_id"
    ):
        for moment in calls_of(record, row)[:1]:
            seconds = moment - row.raised_at.timestamp()
            found[str(row.alert_id)] = min(seconds, found.get(str(row.alert_id), 1e9))
    return sorted(found.values())


def repeats(record: Record) -> int:
    """How many calls went out more than once."""
    return record.total - len(record.calls)
