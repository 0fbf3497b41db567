"""Live delivery in this process, over a real database in whose answers the test may put a pause."""

import re
import socket as plain_socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from typing import cast as cast_to
from uuid import UUID

import gevent
import gevent.socket
import pytest
from gevent.queue import Queue
from sqlalchemy import Engine, Integer, create_engine, event, func, literal_column, make_url, select, text
from sqlalchemy.exc import OperationalError

from casenet import audit, clock, groups, identity, timeline
from casenet.config import Config
from casenet.database import Glance, Prepared, glance, transaction
from casenet.groups import Permission
from casenet.ids import new_id
from casenet.realtime import Ring, listen
from casenet.timeline import Written
from casenet.web import greenlets, seats
from casenet.web.app import create_app
from casenet.web.gate import asker_of
from casenet.web.sockets import RETRY_SECONDS, Sockets
from casenet.web.wires import Line
from tests.cast import Cast, report, sign_in
from tests.conftest import Servers
from tests.house import populate

# pyright: reportPrivateUsage=false

spawn: Callable[..., Any] = gevent.spawn  # pyright: ignore[reportUnknownMemberType]
Pause = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def in_loop() -> Iterator[None]:
    """As in the web process: who waits for the database lets the others run."""
    event.listen(Engine, "do_connect", greenlets._connect)
    yield
    event.remove(Engine, "do_connect", greenlets._connect)


@pytest.fixture
def cast(in_loop: None, database: Config) -> Cast:
    return populate()


@pytest.fixture
def sockets(cast: Cast, database: Config) -> Sockets:
    return Sockets(create_app(database))


@pytest.fixture
def pause(servers: Servers, database: Config) -> Pause:
    """Nobody is answered about a table while this lasts; whoever asks waits."""

    @contextmanager
    def paused(table: str) -> Generator[None]:
        owner = create_engine(servers.url(make_url(database.database_url).database or "", "casenet_owner"))
        with owner.connect() as connection:
            connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            yield
            connection.rollback()
        owner.dispose()

    return paused


@dataclass
class Phone:
    """The far end of a Line, with what Parcel needs of Engine.IO at the near one."""

    near: Any
    far: Any
    closed: bool = False
    queue: Any = field(default_factory=lambda: cast_to("Any", Queue)())

    def __post_init__(self) -> None:
        self.wire, self.line = self, Line(self.near)

    def send(self, packet: Any) -> None:
        self.queue.put(packet)

    def heard(self) -> str:
        """Whatever has come until now."""
        self.far.setblocking(False)
        try:
            return self.far.recv(1_000_000).decode(errors="replace")
        except BlockingIOError:
            return ""


def joins(sockets: Sockets, person_id: UUID) -> tuple[str, Phone]:
    """This person's phone as `connect` lets it in."""
    with transaction() as session:
        token = sign_in(session, person_id)
    asker = asker_of(token)
    assert asker
    sid, phone = str(new_id()), Phone(*gevent.socket.socketpair())
    sockets.seats.phones[sid] = seats.Phone(asker, phone)
    sockets.seats.seat(sid, asker)
    return sid, phone


def posts(cast: Cast, words: str = "一", *, here: Sockets | None = None) -> None:
    """A post by somebody; `here`: by the very process of these sockets."""
    session = glance()
    entry = groups.enter(session, cast.tanaka, cast.group, Permission.POST)
    timeline.publish_post(
        session, entry, report(words), now=clock.now(), tell=here.deliveries.tell if here else None
    )


def notes(sockets: Sockets) -> list[tuple[int, set[UUID]]]:
    """From which number on who heard the group, as the audit trail says, in its order."""
    query = (
        "SELECT revision, readers FROM audit_event WHERE action = :live AND object_id = :process ORDER BY id"
    )
    with transaction() as session:
        rows = session.execute(text(query), {"live": audit.LIVE, "process": sockets.deliveries.id})
        return [(row.revision, set(row.readers)) for row in rows]


def test_a_phone_that_connects_while_the_sweep_asks_is_not_dropped(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    first, _ = joins(sockets, cast.tanaka)
    with transaction() as session:
        token = sign_in(session, cast.sato)
    asker = asker_of(token)
    assert asker
    ended = sockets.seats.phones[first].asker

    with pause("session"):
        sweep = spawn(sockets._drop_ended)
        gevent.sleep(0.2)
        sockets.seats.phones["late"] = seats.Phone(asker, None)
    sweep.join()
    with transaction() as session:
        identity.end_session(session, ended.session_id, cast.tanaka, now=clock.now())
    sockets._drop_ended()

    assert list(sockets.seats.phones) == ["late"]


def test_the_trail_names_who_hears_a_group_when_that_changes_and_when_nobody_does(
    sockets: Sockets, cast: Cast
) -> None:
    nurse, _ = joins(sockets, cast.tanaka)
    doctor, phone = joins(sockets, cast.sato)
    posts(cast, "一")
    sockets.deliveries.deliver(cast.group)
    posts(cast, "二")
    sockets.deliveries.deliver(cast.group)
    sockets.seats.forget(nurse)
    posts(cast, "三")
    sockets.deliveries.deliver(cast.group)
    sockets.seats.forget(doctor)
    gevent.sleep(0.5)

    assert notes(sockets) == [(1, {cast.tanaka, cast.sato}), (3, {cast.sato}), (4, set())]
    assert all(words in phone.heard() or words for words in "一二三")
    assert not sockets.seats.halls


def test_who_comes_back_while_the_end_is_noted_is_noted_after_it(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    nurse, _ = joins(sockets, cast.tanaka)
    posts(cast)
    sockets.deliveries.deliver(cast.group)
    back = sockets.seats.phones[nurse]
    with pause("audit_event"):
        sockets.seats.forget(nurse)
        gevent.sleep(0.2)
        sockets.seats.phones["back"] = back
        sockets.seats.seat("back", back.asker)
        sockets.seats.halls[cast.group].sequence = 0  # as if a post had come just now
        delivery = spawn(sockets.deliveries.deliver, cast.group)
        gevent.sleep(0.2)
    delivery.join()
    gevent.sleep(0.3)

    assert notes(sockets)[-1][1] == {cast.tanaka}


def test_a_look_from_before_a_removal_lets_nobody_hear_the_delivery_that_cut_them(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    _, nurse = joins(sockets, cast.tanaka)
    sid, helper = joins(sockets, cast.ito)
    with transaction() as session:
        entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
        groups.remove_member(session, entry, cast.ito, now=clock.now())
    posts(cast)

    with pause("audit_event"):
        delivery = spawn(sockets.deliveries.deliver, cast.group)
        gevent.sleep(0.3)
        sockets.seats.halls[cast.group].sids.add(sid)  # the older look has its answer only now
    delivery.join()

    assert "一" in nurse.heard()
    assert "一" not in helper.heard()
    assert notes(sockets)[-1][1] == {cast.tanaka}


def test_who_joins_while_the_delivery_reads_hears_it_and_is_noted(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    joins(sockets, cast.tanaka)
    posts(cast)
    with pause("timeline_revision"):
        delivery = spawn(sockets.deliveries.deliver, cast.group)
        gevent.sleep(0.3)
        _, doctor = joins(sockets, cast.sato)
    delivery.join()

    assert "一" in doctor.heard()
    assert notes(sockets) == [(1, {cast.tanaka, cast.sato})]


def test_an_older_look_does_not_undo_a_later_one(sockets: Sockets, cast: Cast, pause: Pause) -> None:
    sid, _ = joins(sockets, cast.tanaka)
    joins(sockets, cast.ogawa)
    phone = sockets.seats.phones[sid]
    with pause("membership"):
        older = spawn(sockets.seats.seat, sid, phone.asker)
        gevent.sleep(0.2)
        phone.look = (
            sockets.seats.looks + 1
        )  # a later look was answered first, and has let it into the other group
        sockets.seats.halls[cast.other_group].sids.add(sid)
    older.join()

    assert sid in sockets.seats.halls[cast.other_group].sids


def test_a_call_from_before_does_not_deliver_a_group_twice_at_a_time(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    _, phone = joins(sockets, cast.tanaka)
    posts(cast)
    with pause("timeline_revision"):
        sockets.deliveries.due.put(cast.group)  # left over from the group's last hall
        sockets.deliveries.call(cast.group)
        deliverers = [spawn(sockets.deliveries.answer_calls) for _ in range(2)]
        gevent.sleep(0.3)
    gevent.sleep(0.3)
    for one in deliverers:
        one.kill()

    assert phone.heard().count("一") == 1


def rings(sockets: Sockets, cast: Cast, sequence: int) -> None:
    """The bell as `_listen` hears it, and whatever delivery it asks for."""
    sockets.heard(Ring(group_id=cast.group, sequence=sequence))
    if sockets.deliveries.due.qsize():
        deliverer = spawn(sockets.deliveries.answer_calls)
        gevent.sleep(0.3)
        deliverer.kill()


def known(sockets: Sockets, cast: Cast) -> None:
    """A first post, by somebody else: from now on this process knows the team and its cards, and has noted them."""
    posts(cast)
    rings(sockets, cast, 1)


def words_of(frames: str) -> list[str]:
    """The texts of the posts in what a phone has heard, in their order."""
    return re.findall(r'"text":"([^"]*)"', frames)


def in_two_processes(sockets: Sockets, cast: Cast, database: Config) -> tuple[Sockets, Phone, Phone]:
    """Another process; a phone here and one there; the first post, which this process has read."""
    there = Sockets(create_app(database))
    _, nurse = joins(sockets, cast.tanaka)
    _, doctor = joins(there, cast.sato)
    known(sockets, cast)
    return there, nurse, doctor


def test_a_post_of_this_very_process_is_told_at_once_and_not_read_again_for_its_bell(
    sockets: Sockets, cast: Cast
) -> None:
    _, nurse = joins(sockets, cast.tanaka)
    _, doctor = joins(sockets, cast.sato)
    known(sockets, cast)

    posts(cast, "二", here=sockets)
    heard = words_of(nurse.heard()), words_of(doctor.heard())
    sockets.heard(Ring(group_id=cast.group, sequence=2))

    assert heard == (["一", "二"], ["一", "二"])
    assert not sockets.deliveries.due.qsize()


def test_posts_of_two_processes_are_heard_once_and_in_order_in_both(
    sockets: Sockets, cast: Cast, database: Config
) -> None:
    there, nurse, doctor = in_two_processes(sockets, cast, database)
    known_there = words_of(doctor.heard())
    rings(there, cast, 1)

    for number in range(2, 12):
        posts(cast, f"{number}番", here=sockets if number % 3 else there)
        # Each bell comes late by one post in one of the two.
        rings(sockets, cast, number)
        rings(there, cast, number - 1)
    rings(there, cast, 11)

    expected = ["一", *(f"{number}番" for number in range(2, 12))]
    assert known_there == []
    assert words_of(nurse.heard()) == expected
    assert words_of(doctor.heard()) == expected


def test_what_is_told_at_once_is_the_same_frame_as_what_is_read(
    sockets: Sockets, cast: Cast, database: Config
) -> None:
    there, nurse, doctor = in_two_processes(sockets, cast, database)
    rings(there, cast, 1)
    assert words_of(nurse.heard()) == words_of(doctor.heard()) == ["一"]

    posts(cast, "二", here=sockets)
    rings(there, cast, 2)

    told = nurse.heard()
    assert words_of(told) == ["二"]
    assert told == doctor.heard()


def test_whoever_is_removed_while_a_post_waits_for_its_number_hears_nothing_of_it(
    sockets: Sockets, cast: Cast
) -> None:
    _, nurse = joins(sockets, cast.tanaka)
    _, helper = joins(sockets, cast.ito)
    known(sockets, cast)

    with transaction() as session:  # another process, whose bell is late
        entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
        groups.remove_member(session, entry, cast.ito, now=clock.now())
        post = spawn(posts, cast, "二", here=sockets)
        gevent.sleep(0.3)
        assert not post.ready()
    post.join()
    before_the_bell = words_of(nurse.heard()), words_of(helper.heard())
    rings(sockets, cast, 2)

    assert before_the_bell == (["一"], ["一"])
    assert words_of(nurse.heard()) == ["二"]
    assert words_of(helper.heard()) == []
    assert notes(sockets)[-1] == (2, {cast.tanaka})


def test_whose_cover_has_ended_since_the_last_post_hears_nothing(
    sockets: Sockets, cast: Cast, servers: Servers, database: Config
) -> None:
    with transaction() as session:
        until = clock.now() + timedelta(hours=1)
        groups.admit_for_cover(session, cast.group, cast.ogawa, until=until, now=clock.now())
    _, nurse = joins(sockets, cast.tanaka)
    _, cover = joins(sockets, cast.ogawa)
    known(sockets, cast)
    hall = sockets.seats.halls[cast.group]
    assert 3500 < hall.team_until - time.monotonic() <= 3600

    owner = create_engine(servers.url(make_url(database.database_url).database or "", "casenet_owner"))
    with owner.begin() as connection:  # an hour later: nobody writes anything for it
        connection.execute(text("ALTER TABLE membership DISABLE TRIGGER team_has_changed"))
        connection.execute(text("UPDATE membership SET ends_at = now() WHERE ends_at IS NOT NULL"))
        connection.execute(text("ALTER TABLE membership ENABLE TRIGGER team_has_changed"))
    owner.dispose()
    hall.team_until = time.monotonic()
    posts(cast, "二", here=sockets)
    rings(sockets, cast, 2)

    assert words_of(nurse.heard()) == ["一", "二"]
    assert words_of(cover.heard()) == ["一"]


def test_who_came_since_the_last_delivery_is_noted_before_anything_is_told(
    sockets: Sockets, cast: Cast
) -> None:
    joins(sockets, cast.tanaka)
    known(sockets, cast)
    _, doctor = joins(sockets, cast.sato)

    posts(cast, "二", here=sockets)
    assert doctor.heard() == ""
    rings(sockets, cast, 2)

    assert words_of(doctor.heard()) == ["二"]
    assert notes(sockets) == [(1, {cast.tanaka}), (2, {cast.tanaka, cast.sato})]


def test_an_acknowledgement_is_heard_although_its_post_was_told_at_once(sockets: Sockets, cast: Cast) -> None:
    _, nurse = joins(sockets, cast.tanaka)
    known(sockets, cast)
    draft = report("二")
    entry = groups.enter(glance(), cast.tanaka, cast.group, Permission.POST)
    timeline.publish_post(glance(), entry, draft, now=clock.now(), tell=sockets.deliveries.tell)
    ear = listen()
    assert next(ear) is None

    with transaction() as session:
        entry = groups.enter(session, cast.sato, cast.group, Permission.READ)
        timeline.acknowledge_post(session, entry, draft.id, now=clock.now())
    ring = next(ear)
    assert ring
    posts(cast, "三", here=sockets)  # must not pass the 了解 that nobody here has heard of
    assert words_of(nurse.heard()) == ["一", "二"]
    rings(sockets, cast, ring.sequence)

    heard = nurse.heard()
    assert words_of(heard) == ["三"]
    assert str(cast.sato) in heard.partition('"marks":')[2].partition("]")[0]


def written(cast: Cast, words: str) -> Written:
    """A post that is committed, and that nobody here has been told of yet."""
    told: list[Written] = []
    entry = groups.enter(glance(), cast.tanaka, cast.group, Permission.POST)
    timeline.publish_post(glance(), entry, report(words), now=clock.now(), tell=told.append)
    return told[0]


def test_a_post_is_told_once_when_a_delivery_is_reading_it_already(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    _, nurse = joins(sockets, cast.tanaka)
    known(sockets, cast)
    row = written(cast, "二")

    with pause("timeline_revision"):
        sockets.heard(Ring(group_id=cast.group, sequence=2))
        deliverer = spawn(sockets.deliveries.answer_calls)
        gevent.sleep(0.2)
        sockets.deliveries.tell(row)
    gevent.sleep(0.3)
    deliverer.kill()

    assert words_of(nurse.heard()) == ["一", "二"]


def test_whoever_was_let_in_by_a_look_from_before_their_removal_is_told_nothing(
    sockets: Sockets, cast: Cast
) -> None:
    joins(sockets, cast.tanaka)
    sid, helper = joins(sockets, cast.ito)
    known(sockets, cast)
    with transaction() as session:
        entry = groups.enter(session, cast.tanaka, cast.group, Permission.REMOVE)
        groups.remove_member(session, entry, cast.ito, now=clock.now())
    rings(sockets, cast, 0)
    sockets.seats.halls[cast.group].sids.add(sid)  # the older look has its answer only now

    posts(cast, "二", here=sockets)

    assert words_of(helper.heard()) == ["一"]


def test_who_comes_back_while_the_end_is_noted_is_told_nothing_before_that_is_noted_too(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    nurse, phone = joins(sockets, cast.tanaka)
    known(sockets, cast)
    row = written(cast, "二")
    back = sockets.seats.phones[nurse]

    with pause("audit_event"):
        sockets.seats.forget(nurse)
        gevent.sleep(0.2)
        sockets.seats.phones["back"] = back
        sockets.seats.seat("back", back.asker)
        sockets.deliveries.tell(row)
        assert words_of(phone.heard()) == ["一"]
    gevent.sleep(0.2)
    rings(sockets, cast, 2)

    assert words_of(phone.heard()) == ["二"]
    assert notes(sockets)[-2:] == [(2, set()), (2, {cast.tanaka})]


def test_a_post_over_http_is_told_before_its_answer(cast: Cast, database: Config) -> None:
    app = create_app(database)
    sockets = Sockets(app)
    _, doctor = joins(sockets, cast.sato)
    known(sockets, cast)
    with transaction() as session:
        token = sign_in(session, cast.tanaka)
    client = app.test_client()
    client.set_cookie("casenet", token)

    answer = client.post(
        f"/api/v1/groups/{cast.group}/posts",
        json={"id": str(new_id()), "kind": "report", "text": "二"},
        headers={"X-CSRF-Token": identity.csrf_token(token)},
    )

    assert answer.status_code == 201
    assert words_of(doctor.heard()) == ["一", "二"]


def test_a_post_stands_also_when_telling_it_here_fails(sockets: Sockets, cast: Cast) -> None:
    sid, _ = joins(sockets, cast.tanaka)
    known(sockets, cast)
    sockets.seats.phones[sid].engine = None

    posts(cast, "二", here=sockets)

    entry = groups.enter(glance(), cast.tanaka, cast.group, Permission.READ)
    assert entry.last_sequence == 2


def small_line() -> tuple[Line, Any]:
    near, far = gevent.socket.socketpair()
    near.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_SNDBUF, 1)
    return Line(near), far


def drained(far: Any) -> bytes:
    found = b""
    with suppress(gevent.Timeout), gevent.Timeout(1):
        while True:
            found += far.recv(65_536)
    return found


def test_what_the_kernel_takes_partly_is_finished_before_anything_else() -> None:
    line, far = small_line()
    first = b"a" * 300_000

    assert line.offer(first)
    assert not line.offer(b"b")
    waiting = spawn(line.send, b"c" * 10)
    gevent.sleep(0)

    assert drained(far) == first + b"c" * 10
    waiting.get(timeout=1)
    assert line.offer(b"d")
    assert drained(far) == b"d"


def test_no_frame_passes_one_that_waits_for_its_turn() -> None:
    line, far = small_line()
    line._turn.acquire()
    older = spawn(line.send, b"b")
    gevent.sleep(0)
    line._turn.release()  # as _finish does; who waits learns of it only in the loop's next round

    assert not line.offer(b"c")

    older.get(timeout=1)
    assert drained(far) == b"b"


def test_a_phone_that_is_gone_takes_nothing_and_harms_nobody() -> None:
    line, far = small_line()
    assert line.offer(b"a" * 300_000)
    far.close()
    gevent.sleep(0.1)
    assert not line.offer(b"b")
    line.close()
    other, other_far = small_line()  # may get the number of the closed one

    assert not line.offer(b"c")
    assert other.offer(b"d")
    assert drained(other_far) == b"d"


def test_who_was_let_in_hears_the_group_although_the_database_was_lost_meanwhile(
    sockets: Sockets, cast: Cast, pause: Pause
) -> None:
    sid, _ = joins(sockets, cast.ogawa)
    with transaction() as session:
        entry = groups.enter(session, cast.tanaka, cast.group, Permission.INVITE)
        groups.add_member(session, entry, cast.ogawa, function=None, now=clock.now())
    lost = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    with pause("membership"):
        sockets.heard(Ring(person_id=cast.ogawa, reason=f"group:{cast.group}"))
        gevent.sleep(0.3)
        with transaction() as session:
            assert session.execute(lost).all()
    gevent.sleep(RETRY_SECONDS + 0.5)

    assert sid in sockets.seats.halls[cast.group].sids


ONE = Prepared(select(literal_column("1", Integer).label("one")))
NAP = Prepared(select(func.pg_sleep(3)))


def glance_at(url: str) -> Glance:
    return Glance(create_engine(url, isolation_level="AUTOCOMMIT", pool_size=3, max_overflow=0))


def test_a_glance_asks_once_more_after_the_database_was_started_anew(own_servers: Servers) -> None:
    glance = glance_at(own_servers.url(own_servers.clone()))
    assert ONE.first(glance, {}).one == 1

    own_servers.postgres.stop()
    own_servers.postgres.start()

    assert ONE.first(glance, {}).one == 1
    own_servers.postgres.stop()
    with pytest.raises(OperationalError):
        ONE.first(glance, {})


def test_a_glance_asks_once_more_also_when_the_pools_connections_are_old(own_servers: Servers) -> None:
    glance = glance_at(own_servers.url(own_servers.clone()))
    borrowed = [glance._borrow(ONE) for _ in range(3)]
    for one in borrowed:
        one.ask(ONE, {})
        one.proxied.close()  # as _keep gives them back for somebody who waits
    ONE.first(glance, {})

    own_servers.postgres.stop()
    own_servers.postgres.start()

    assert [ONE.first(glance, {}).one for _ in range(4)] == [1] * 4


def test_whoever_is_given_up_in_mid_statement_leaves_no_answer_to_the_next(database: Config) -> None:
    glance = glance_at(database.database_url)
    for _ in range(5):
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
            NAP.first(glance, {})
        assert ONE.first(glance, {}).one == 1
    assert glance._waiting == 0
