"""`make bench`: measure CaseNet beside its floors and write results/latest.json and RESULTS.md."""

import argparse
import random
import signal
import sys
from contextlib import AbstractContextManager
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
    """How long a run takes. Quick: about 4 minutes, full: about 20.

    rates        posts a second: (rate, seconds)
    step_seconds of the ceiling search
    ceilings     subjects whose ceiling is searched
    """

    rounds: int
    subjects: tuple[str, ...]
    connect_seconds: float
    warm_seconds: float
    rates: tuple[tuple[float, float], ...]
    step_seconds: float
    ceilings: tuple[str, ...]


QUICK = Plan(1, ("flask", "rig", "casenet"), 10, 1, ((5, 6), (50, 6), (200, 6)), 4, ("flask", "casenet"))
FULL = Plan(2, SUBJECTS, 25, 2, ((5, 20), (50, 12), (200, 10)), 6, SUBJECTS)


def main() -> None:
    """Read the command line, run, write. Ends with 1 when something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about 4 minutes instead of 20; numbers are rougher"
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
    """Start the servers and measure each subject in turn, as many rounds as the plan says."""
    random.seed(2026)
    directory = Path(mkdtemp(prefix="casenet-bench-logs-"))
    results = Results(machine=describe_machine())
    with Processes(directory) as processes:
        servers = start_servers(processes)
        results.machine.update(servers.versions())
        try:
            for number in range(plan.rounds):
                for name in subjects:
                    say(f"round {number + 1} of {plan.rounds}: {name}")
                    with start(name, servers, directory) as subject:
                        await measure_subject(name, subject, plan, results, last=number + 1 == plan.rounds)
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


async def measure_subject(name: str, subject: Subject, plan: Plan, results: Results, *, last: bool) -> None:
    """All rows of one subject in one round; the reads and the alerts in the last round only."""
    load = Load(subject)
    try:
        await load.connect(plan.connect_seconds)
        for rate, seconds in plan.rates:
            row = await load.hold(rate, warm=plan.warm_seconds, seconds=seconds, drain=5.0)
            say(f"  {rate:g}/s: all nine p50 {row.all['p50']:.1f} p99 {row.all['p99']:.1f} ms")
            results.rows.append(row)
        if last and subject.history:
            if name == "rig":
                await fill_history(load)
            results.reads.extend(await measure_history(load))
        if last and name == "casenet":
            results.pings = await measure_pings(load)
        if name in plan.ceilings:
            best, rows = await find_ceiling(load, results.rows[-1], step_seconds=plan.step_seconds)
            results.steps.extend(rows)
            if best:
                results.ceilings.append(best)
                say(f"  ceiling {best.kept:.0f}/s")
                # P8: what becomes of a fifth more than it can hold.
                results.overloads.append(
                    await load.hold(best.offered * 1.2, warm=1.0, seconds=plan.step_seconds, drain=15.0)
                )
    finally:
        load.close()


def say(text: str) -> None:
    """Progress for the person at the terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
