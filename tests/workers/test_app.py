"""The timetable and its limits, as Celery sees them."""

import inspect
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from casenet.config import Config
from workers.app import ALERT_SECONDS, SHEET_SECONDS, TIMETABLE, VISIBILITY_SECONDS, app, broker_url
from workers.every import Every

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def loaded(config: Config) -> None:
    app.loader.import_default_modules()


def own_tasks() -> set[str]:
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_everything_on_the_timetable_exists_and_everything_that_exists_is_on_it() -> None:
    assert {row["task"] for row in TIMETABLE.values()} == own_tasks()


def test_every_task_has_a_queue_that_a_worker_serves() -> None:
    queues = {queue.name for queue in app.conf.task_queues}

    assert len({queue.routing_key for queue in app.conf.task_queues}) == len(queues)
    for name in own_tasks():
        assert app.amqp.router.route({}, name)["queue"].name in queues


def test_every_task_has_a_limit_below_the_time_after_which_redis_gives_it_to_another() -> None:
    for name in own_tasks():
        assert 0 < (app.tasks[name].time_limit or 0) < VISIBILITY_SECONDS


def test_a_sheet_may_take_longer_than_a_call() -> None:
    assert {app.tasks[name].time_limit for name in own_tasks() if name.startswith("alerts.")} == {
        ALERT_SECONDS
    }
    assert app.tasks["sheets.render"].time_limit == SHEET_SECONDS
    assert app.tasks["housekeeping.expire"].soft_time_limit == SHEET_SECONDS - 10


def test_a_killed_workers_task_comes_back_and_a_lost_broker_blocks_nobody() -> None:
    conf = app.conf

    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert (conf.task_ignore_result, conf.result_backend) == (True, None)
    assert conf.worker_prefetch_multiplier == 1
    assert (
        conf.broker_transport_options["unacked_restore_throttle"] == 1
    )  # or kombu looks each tenth time only
    assert conf.broker_transport_options["unacked_restore_interval"] < VISIBILITY_SECONDS
    assert conf.accept_content == ["json"]
    assert conf.worker_enable_remote_control is False


def test_a_socket_of_redis_is_named_as_celery_names_it() -> None:
    assert broker_url("unix:///run/redis.sock?db=1") == "redis+socket:///run/redis.sock?db=1"
    assert broker_url("redis://localhost:6379/0") == "redis://localhost:6379/0"


def test_tasks_carry_nothing() -> None:
    for name in own_tasks():
        assert not inspect.signature(app.tasks[name].run).parameters


@pytest.mark.parametrize("module", ["workers.alerts", "workers.nightwatch", "workers.rounds"])
def test_the_path_of_a_call_is_loaded_without_the_key(module: str, shared_environ: dict[str, str]) -> None:
    environ = {name: value for name, value in shared_environ.items() if name != "KEK_FILE"}

    child = subprocess.run(
        [sys.executable, "-c", f"import {module}"], env=environ, cwd=ROOT, capture_output=True, check=False
    )

    assert (child.returncode, child.stderr) == (0, b"")


def test_nightwatch_knows_no_celery(shared_environ: dict[str, str]) -> None:
    asks = "import sys, workers.nightwatch; sys.exit('celery' in sys.modules or 'kombu' in sys.modules)"

    child = subprocess.run([sys.executable, "-c", asks], env=shared_environ, cwd=ROOT, check=False)

    assert child.returncode == 0


def test_no_process_of_celery_is_patched_by_gevent(shared_environ: dict[str, str]) -> None:
    asks = "import sys, workers.app, workers.alerts; sys.exit('gevent' in sys.modules)"

    child = subprocess.run([sys.executable, "-c", asks], env=shared_environ, cwd=ROOT, check=False)

    assert child.returncode == 0


def test_what_is_due_in_a_moment_is_due_now() -> None:
    every = Every(1.0)
    ran = every.now()

    assert not every.is_due(ran - timedelta(seconds=0.9)).is_due
    assert every.is_due(ran - timedelta(seconds=0.985)) == (True, 1.0)
