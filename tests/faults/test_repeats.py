"""A phone whose answer got lost repeats itself while its first try is still at work: both are told the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet import clock, groups, timeline
from casenet.config import Config
from casenet.database import engine_of, transaction
from casenet.groups import Entry, Permission
from tests.cast import Cast, report
from tests.house import populate, wait_until


def both_at_once(cast: Cast, config: Config, act: Callable[[Session, Entry], Any]) -> list[Any]:
    """Do `act` twice, each in a transaction of its own, both waiting for the group's lock before either has it."""

    def once() -> Any:
        with transaction() as session:
            return act(session, groups.enter(session, cast.tanaka, cast.group, Permission.POST))

    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    engine = engine_of(config)
    with ThreadPoolExecutor(2) as threads, engine.connect() as watcher, engine.connect() as holder:
        holder.execute(text("select 1 from patient_group where id = :id for update"), {"id": cast.group})
        found = [threads.submit(once) for _ in range(2)]

        def both_wait() -> bool:
            count = watcher.scalar(text(waiting))
            watcher.rollback()
            return count == 2

        wait_until(both_wait, what="both tries at the lock")
        holder.rollback()
        answers = [one.result(10) for one in found]
    engine.dispose()
    return answers


def test_a_post_a_correction_and_a_mark_sent_twice_at_once_stand_once(database: Config) -> None:
    cast, draft, now = populate(), report("血圧 120"), clock.now()

    posted = both_at_once(
        cast, database, lambda session, me: timeline.publish_post(session, me, draft, now=now)
    )
    corrected = both_at_once(
        cast,
        database,
        lambda session, me: timeline.correct_post(session, me, draft.id, "血圧 210", revision=2, now=now),
    )
    marked = both_at_once(
        cast, database, lambda session, me: timeline.acknowledge_post(session, me, draft.id, now=now)
    )

    assert sorted((one.sequence, one.is_new) for one in posted) == [(1, False), (1, True)]
    assert sorted((one.sequence, one.is_new) for one in corrected) == [(2, False), (2, True)]
    assert sorted(marked) == [(1, False), (1, True)]
    with transaction() as session:
        me = groups.enter(session, cast.tanaka, cast.group, Permission.READ)
        assert [row.text for row in timeline.posts_after(session, me, 0, 10)] == ["血圧 120", "血圧 210"]


def test_a_late_repeat_of_an_older_correction_is_told_that_it_is_there(database: Config) -> None:
    cast, draft, now = populate(), report("一"), clock.now()

    with transaction() as session:
        me = groups.enter(session, cast.tanaka, cast.group, Permission.POST)
        timeline.publish_post(session, me, draft, now=now)
        for revision, words in ((2, "二"), (3, "三")):
            timeline.correct_post(session, me, draft.id, words, revision=revision, now=now)
        again = timeline.correct_post(session, me, draft.id, "二", revision=2, now=now)

    assert (again.sequence, again.is_new) == (2, False)
