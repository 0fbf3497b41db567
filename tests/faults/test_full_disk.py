"""Nothing can be written to the logs any more: the background processes go on."""

import pytest

from tests.house import House, wait_until
from tests.workers.working import last_round

PROCESSES = ("worker", "beat", "nightwatch")


@pytest.fixture
def full(house: House) -> House:
    for name in PROCESSES:
        (house.folder / f"{name}.log").symlink_to("/dev/full")
    return house


def test_where_no_log_can_be_written_calls_are_still_made(full: House) -> None:
    full.start(*PROCESSES)

    for process in ("nightwatch", "alerts.advance"):
        begun = wait_until(lambda process=process: last_round(process), what=f"a round of {process}")
        wait_until(
            lambda process=process, begun=begun: last_round(process) != begun, what=f"one more of {process}"
        )
    assert {name: full.running[name].poll() for name in PROCESSES} == dict.fromkeys(PROCESSES)
