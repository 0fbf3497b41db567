import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from casenet import clock
from casenet.cli.servers import Postgres
from casenet.config import Config
from tests.conftest import Servers, close_servers, start_servers
from tests.faults import invariants
from tests.faults.recorders import Browsers, Mailboxes, Record
from tests.faults.site import Site
from tests.faults.ward import Ward, ending, open_ward, plan, service_worker
from tests.house import ROOT, House, wait_until

MADE = ("post", "revision", "alert")  # answered 200 when they were there already
KEPT = ("web", "worker", "beat", "nightwatch")


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Servers of this test alone, also for the fixtures `database` and `house`: they are going to be killed."""
    started = start_servers()
    yield started
    close_servers(started)


@dataclass
class Night:
    """One run: the site, the ward in it, what came out of it. `seed` repeats what is chosen by chance."""

    site: Site
    ward: Ward
    record: Record
    chance: Random
    seed: int

    def run(self, *, posts: int, alerts: int, seconds: float) -> None:
        """Let the ward begin to work."""
        self.began = time.monotonic()
        plan(self.ward, self.chance, posts=posts, alerts=alerts, seconds=seconds)
        for phone in self.ward.phones:
            phone.start()

    def watch(self, seconds: float) -> None:
        """Let time pass as a supervisor does."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.site.look()
            time.sleep(0.05)

    def until(self, true: Callable[[], object], *, seconds: float, what: str) -> None:
        """As wait_until, while the supervisor looks after everything."""
        wait_until(lambda: (self.site.look(), true())[1], seconds=seconds, what=what)

    def end(self) -> list[str]:
        """Mend everything, wait until nothing is on its way, end every call; returns the breaches."""
        self.site.mend()
        with suppress(OperationalError):
            invariants.rows("select 1")  # throws away this process's connections to the server that is gone
        self.until(self.ward.is_idle, seconds=60, what="an answer to every letter")
        breaches = list(invariants.alerts_are_due())
        head = self.ward.of("tanaka")
        now = time.monotonic()
        for line in head.caller.get("/alerts?open=true")["alerts"]:
            head.write(ending(line["id"], now))
        self.until(self.ward.is_idle, seconds=60, what="the end of every call")
        self.until(_nothing_waits, seconds=30, what="an end of pings on their way")
        self.until(self.phones_are_level, seconds=30, what="the same timeline on every phone")
        for phone in self.ward.phones:
            phone.stop()
        return [*breaches, *invariants.check(self.ward, self.record, self.site)]

    def phones_are_level(self) -> bool:
        """Every phone holds as much as is stored; whether it is the same is an invariant."""
        ends = {
            str(row.id): row.last_sequence
            for row in invariants.rows("select id, last_sequence from patient_group")
        }
        return all(log.high >= ends[id] for phone in self.ward.phones for id, log in phone.logs.items())

    def story(self) -> str:
        """One line for the record."""
        firsts = invariants.first_pings(self.record) or [0.0]
        sent = [letter for phone in self.ward.phones for letter in phone.letters]
        oddities = sorted({oddity for phone in self.ward.phones for oddity in phone.oddities})
        return (
            f"seed {self.seed}: kills {self.site.kills}, {len(self.ward.letters('post'))} posts, "
            f"{len(self.ward.letters('revision'))} corrections, {len(self.ward.letters('alert'))} alerts; "
            f"letters sent again {sum(letter.tries - 1 for letter in sent)}, "
            f"found there already {sum(letter.status == 200 for letter in sent if letter.kind in MADE)}; "
            f"rows live {sum(phone.live_rows for phone in self.ward.phones)}, "
            f"caught up {sum(phone.fetched_rows for phone in self.ward.phones)}, "
            f"reconnects {sum(phone.connections - 1 for phone in self.ward.phones)}; "
            f"pings {self.record.total}, repeated {invariants.repeats(self.record)}; call to first ping "
            f"p50 {firsts[len(firsts) // 2]:.2f} s, worst {firsts[-1]:.2f} s; database away "
            f"{sum(end - start for start, end in self.site.away):.1f} s; died by itself {self.site.deaths}; "
            f"odd answers {oddities}"
        )


def _nothing_waits() -> bool:
    return not invariants.rows(
        "select 1 from ping p where p.state = 'pending' and exists "
        "(select 1 from alert a where a.id = p.about_id) limit 1"
    )


@pytest.fixture
def night(
    servers: Servers,
    database: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Iterator[Night]:
    """The ward over a site that may be broken. FAULTS_SEED in the environment repeats a run's choices."""
    seed = int(os.environ.get("FAULTS_SEED", time.time_ns() % 1_000_000))
    chance, record = Random(seed), Record()
    with ExitStack() as stack:
        browsers, mailboxes = stack.enter_context(Browsers()), stack.enter_context(Mailboxes())
        browsers.record = mailboxes.record = record
        names = ("DATABASE_URL", "REDIS_URL", "KEK_FILE", "PEPPER", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT")
        environ = {name: os.environ[name] for name in (*names, "MAIL_FROM")}
        environ |= {"PUSH_HOSTS": browsers.host, "SMTP_URL": mailboxes.url}
        house = House(environ, tmp_path)
        stack.callback(house.stop)
        assert isinstance(servers.postgres.server, Postgres)
        with servers.postgres.server.connect(make_url(database.database_url).database or "") as owner:
            ward = open_ward(house, browsers, chance, owner)
        browsers.on_push = service_worker(ward, chance)
        opened = Night(Site(house, servers, KEPT), ward, record, chance, seed)
        yield opened
        for phone in ward.phones:
            phone.is_on = False
        told = _told(opened)
        with capsys.disabled():
            print(f"\n{told}")
        # What pytest's workers print is seen by nobody; the seed must be found all the same.
        kept = ROOT / "var" / "faults.log"
        kept.parent.mkdir(exist_ok=True)
        with kept.open("a", encoding="utf-8") as log:
            log.write(f"{clock.now():%Y-%m-%dT%H:%M:%SZ} {request.node.name} {told}\n")


def _told(night: Night) -> str:
    try:
        return night.story()
    except Exception as error:  # noqa: BLE001  (the servers may be gone after a failure)
        return f"seed {night.seed}: kills {night.site.kills}; no figures ({type(error).__name__})"
