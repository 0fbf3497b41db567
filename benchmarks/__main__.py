"""`make bench`: measure CaseNet beside its floors and write results/latest.json and RESULTS.md."""

import argparse
import random
import signal
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import uvloop

from benchmarks.casenet_stack import casenet_stack
from benchmarks.floors import PROJECT, flask_floor, rig
from benchmarks.forms import measure_forms
from benchmarks.goals import Results
from benchmarks.history import fill_history, measure_history
from benchmarks.load import Load, find_ceiling
from benchmarks.machine import describe_machine
from benchmarks.pings import measure_pings
from benchmarks.processes import Processes, StartFailed
from benchmarks.report import write_report
from benchmarks.servers import Servers, start_servers
from benchmarks.subject import Subject
from benchmarks.wire import ConnectionBroken

SUBJECTS = ("flask", "raw", "rig", "casenet")


@dataclass(frozen=True)
class Plan:
    """How long a run takes. Quick: about 6 minutes, full: about 22.

    rates        posts a second: (rate, seconds)
    rounds       turns of every subject at every rate
    step_seconds of the ceiling search
    searches     how often each ceiling is searched, in turn
    ceilings     subjects whose ceiling is searched
    """

    rounds: int
    subjects: tuple[str, ...]
    connect_seconds: float
    warm_seconds: float
    rates: tuple[tuple[float, float], ...]
    step_seconds: float
    searches: int
    ceilings: tuple[str, ...]


QUICK = Plan(3, ("flask", "rig", "casenet"), 10, 1, ((5, 5), (50, 5), (200, 5)), 4, 1, ("flask", "casenet"))
FULL = Plan(5, SUBJECTS, 25, 1, ((5, 8), (50, 6), (200, 6)), 6, 2, SUBJECTS)


def main() -> None:
    """Read the command line, run, write. Ends with 1 when something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about 6 minutes instead of 22; numbers are rougher"
    )
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="measure only this (repeatable)")
    parser.add_argument("--output", type=Path, default=PROJECT / "benchmarks", help="where RESULTS.md goes")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    # A polite stop still stops everything that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = uvloop.run(measure(plan, tuple(asked.only or plan.subjects)))
    write_report(results, asked.output, quick=asked.quick)
    if wrong := results.faults():
        sys.exit("bench: " + "; ".join(wrong))


async def measure(plan: Plan, subjects: tuple[str, ...]) -> Results:
    """Start the servers and all subjects, and load one after another in short turns."""
    random.seed(2026)
    directory = Path(mkdtemp(prefix="casenet-bench-logs-"))
    results = Results(machine=describe_machine())
    with Processes(directory) as processes:
        servers = start_servers(processes)
        results.machine.update(servers.versions())
        try:
            with ExitStack() as stack:
                loads: dict[str, Load] = {}
                for name in subjects:
                    say(f"start: {name}")
                    loads[name] = Load(stack.enter_context(start(name, servers, directory)))
                    stack.callback(loads[name].close)
                    await loads[name].connect(plan.connect_seconds)
                await measure_all(loads, plan, results)
        except (StartFailed, ConnectionBroken) as error:
            sys.exit(f"bench: {error}\nlogs: {directory}")
        finally:
            # The servers' directories go only after the servers.
            processes.stop()
            servers.remove()
    say("forms")
    results.forms = measure_forms()
    return results


def start(name: str, servers: Servers, directory: Path) -> AbstractContextManager[Subject]:
    """Start one subject."""
    if name == "flask":
        return flask_floor(servers, directory)
    if name == "casenet":
        return casenet_stack(servers, directory)
    return rig(servers, directory, sealed=name == "rig")


async def measure_all(loads: dict[str, Load], plan: Plan, results: Results) -> None:
    """Rates and ceilings in turns, so that a machine that slows down for a while slows everybody."""
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        for rate, seconds in plan.rates:
            for load in loads.values():
                row = await load.hold(rate, warm=plan.warm_seconds, seconds=seconds, drain=5.0)
                results.rows.append(row)
    for load in loads.values():
        if load.subject.history:
            if load.subject.facts.get("fill_history"):
                await fill_history(load)
            results.reads.extend(await measure_history(load))
    if casenet := loads.get("casenet"):
        results.pings = await measure_pings(casenet)
    searched = [load for name, load in loads.items() if name in plan.ceilings]
    for load in searched * plan.searches:
        await measure_ceiling(load, plan, results)


async def measure_ceiling(load: Load, plan: Plan, results: Results) -> None:
    """Search once, and see what becomes of a fifth more than it can hold (P8)."""
    known = [row for row in results.rows if row.subject == load.subject.name]
    best, rows = await find_ceiling(load, known[-1], step_seconds=plan.step_seconds)
    results.steps.extend(rows)
    if best:
        results.ceilings.append(best)
        say(f"  {load.subject.name}: ceiling {best.kept:.0f}/s")
        results.overloads.append(
            await load.hold(best.offered * 1.2, warm=1.0, seconds=plan.step_seconds, drain=15.0)
        )


def say(text: str) -> None:
    """Progress for the person at the terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
