"""A post as one statement, and what a live delivery reads."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from uuid import UUID

import pytest
import redis
from sqlalchemy import create_engine, make_url, select, text

from casenet import groups, timeline
from casenet.audit.tables import AuditEvent
from casenet.cli.servers import OWNER
from casenet.config import Config
from casenet.database import Prepared, glance, transaction
from casenet.errors import Conflict
from casenet.groups import Entry, Permission
from casenet.ids import new_id
from casenet.timeline import Draft, Posted
from casenet.timeline.tables import TimelineRevision
from tests.cast import NOON, Cast, assemble
from tests.conftest import Servers


@pytest.fixture
def cast(database: Config) -> Cast:
    with transaction() as session:
        return assemble(session)


def entry_of(cast: Cast, person_id: UUID) -> Entry:
    return groups.enter(glance(), person_id, cast.group, Permission.POST)


def post(entry: Entry, post_id: UUID, text: str = "訪問しました") -> Posted:
    return timeline.publish_post(glance(), entry, Draft(post_id, "report", text, None), now=NOON)


def test_a_post_sent_by_two_hands_at_once_takes_one_number_and_leaves_no_gap(cast: Cast) -> None:
    entry, ids = entry_of(cast, cast.sato), [new_id() for _ in range(12)]

    with ThreadPoolExecutor(8) as hands:
        posted = list(hands.map(partial(post, entry), [id for id in ids for _ in range(3)]))

    with transaction() as session:
        numbers = session.scalars(select(TimelineRevision.sequence).order_by(TimelineRevision.sequence)).all()
        noted = session.scalars(select(AuditEvent.revision).where(AuditEvent.action == "post.publish")).all()
    assert list(numbers) == list(range(1, 13))
    assert sorted(number or 0 for number in noted) == list(numbers)
    assert sum(each.is_new for each in posted) == 12
    assert len({(each.post_id, each.sequence) for each in posted}) == 12
    assert {each.post_id for each in posted} == set(ids)


def test_somebody_elses_id_is_refused_and_takes_no_number(cast: Cast) -> None:
    post_id = new_id()
    post(entry_of(cast, cast.sato), post_id)

    with pytest.raises(Conflict, match="id-taken"):
        post(entry_of(cast, cast.tanaka), post_id)

    assert post(entry_of(cast, cast.tanaka), new_id()).sequence == 2


def test_news_are_what_came_after_and_who_may_read_them_now(cast: Cast) -> None:
    entry = entry_of(cast, cast.sato)
    for words in ("一", "二", "三"):
        post(entry, new_id(), words)

    news = timeline.news(glance(), cast.group, 1)
    assert news is not None
    assert news.team is not None
    known = timeline.news(glance(), cast.group, 3, known_team=news.team.revision)
    with transaction() as session:
        groups.remove_member(session, entry, cast.mori, now=NOON)
    after = timeline.news(glance(), cast.group, 3, known_team=news.team.revision)

    assert [(row.sequence, row.text) for row in news.rows] == [(2, "二"), (3, "三")]
    assert news.team.readers == {cast.sato, cast.tanaka, cast.mori, cast.ito}
    assert news.team.seconds == inf
    assert known is not None
    assert known.team is None
    assert after is not None
    assert (after.rows, after.last_sequence) == ((), 3)
    assert after.team is not None
    assert after.team.readers == {cast.sato, cast.tanaka, cast.ito}
    assert timeline.news(glance(), new_id(), 0) is None


def test_a_post_sent_again_rings_again_for_its_first_bell_may_be_lost(cast: Cast, redis_url: str) -> None:
    entry, post_id = entry_of(cast, cast.sato), new_id()
    post(entry, post_id)
    with redis.Redis.from_url(redis_url) as line, line.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("casenet:bell")
        ear.get_message(timeout=1)

        again = post(entry, post_id)

        heard = ear.get_message(timeout=2)
    assert not again.is_new
    assert heard is not None
    assert cast.group.hex.encode() in heard["data"]


def test_a_correction_sent_again_rings_again_too(cast: Cast, redis_url: str) -> None:
    entry, post_id = entry_of(cast, cast.sato), new_id()
    post(entry, post_id)

    def corrects() -> Posted:
        with transaction() as session:
            return timeline.correct_post(session, entry, post_id, "血圧 110", revision=2, now=NOON)

    corrects()
    with redis.Redis.from_url(redis_url) as line, line.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("casenet:bell")
        ear.get_message(timeout=1)

        again = corrects()

        heard = ear.get_message(timeout=2)
    assert (again.is_new, again.sequence) == (False, 2)
    assert heard is not None
    assert cast.group.hex.encode() in heard["data"]


def test_a_column_that_a_migration_changes_under_us_is_read_anew(
    cast: Cast, database: Config, servers: Servers
) -> None:
    post(entry_of(cast, cast.sato), new_id())
    for _ in range(8):  # psycopg prepares it on the server after five
        timeline.news(glance(), cast.group, 0)
    name = make_url(database.database_url).database or ""
    with create_engine(servers.url(name, OWNER)).begin() as owner:
        owner.execute(text("ALTER TABLE timeline_revision ALTER COLUMN revision TYPE bigint"))

    news = timeline.news(glance(), cast.group, 0)

    assert news is not None
    assert [row.revision for row in news.rows] == [1]


def test_a_prepared_statement_takes_no_list_that_is_written_anew_each_time() -> None:
    with pytest.raises(TypeError):
        Prepared(select(TimelineRevision.sequence).where(TimelineRevision.kind.in_(("report", "notice"))))
