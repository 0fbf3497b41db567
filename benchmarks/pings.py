"""P6: from an urgent call to the first ping at the attending physician's socket, the whole stack running."""

import asyncio
import time

import orjson

from benchmarks.casenet_stack import API
from benchmarks.load import Load, new_post_id, spread
from benchmarks.subject import GROUPS, MEMBERS_PER_GROUP

# Nobody is on a roster in the benchmark's world: the steps without a person are skipped at once, and the
# attending physician (place 0, see casenet_world.TEAM) is the first who can be asked.
PHYSICIAN, RAISER = 0, 3
# So many that p99 is a rule and not an exception: in each process the first call is the slowest.
ALERTS = 300
WAIT_SECONDS = 10.0


class NoPing(Exception):
    """An alert was refused, or nobody's socket showed it in time."""


async def measure_pings(load: Load) -> dict[str, float]:
    """Raise 300 alerts one after another; each is cancelled once it was seen. ms {p50, p95, p99, max}.

    Raises NoPing with what the server said.
    """
    took: list[float] = []
    for number in range(ALERTS):
        group = number % GROUPS * MEMBERS_PER_GROUP
        took.append(await _raise_and_wait(load, raiser=group + RAISER, physician=group + PHYSICIAN))
        await asyncio.sleep(0.05)
    return spread(took)


async def _raise_and_wait(load: Load, *, raiser: int, physician: int) -> float:
    subject, alert_id = load.subject, new_post_id()
    body: dict[str, object] = {
        "id": alert_id,
        "post_id": new_post_id(),
        "level": "E3",
        "signs": [],
        "situation": "呼吸が苦しく、酸素飽和度が下がっています。",
    }
    path = subject.post_path(raiser).replace("/posts", "/alerts")
    seen = load.wait_for(physician, alert_id.encode())
    started = time.perf_counter()
    status, said = await load.pool.ask(subject.request("POST", path, raiser, orjson.dumps(body)))
    if status != 201:
        raise NoPing(f"POST {path} was answered {status}: {said[:300].decode('utf-8', 'replace')}")
    try:
        at = await asyncio.wait_for(seen, WAIT_SECONDS)
    except TimeoutError:
        raise NoPing(f"no socket showed the alert within {WAIT_SECONDS:g} s") from None
    cancel = orjson.dumps({"reason": "測定"})
    await load.pool.ask(subject.request("POST", f"{API}/alerts/{alert_id}/cancellation", raiser, cancel))
    return at - started
