"""`make bench`: measure CaseNet beside its floors and write results/latest.json and RESULTS.md."""

import argparse
import random
import signal
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import uvloop

from benchmarks.casenet_stack import casenet_stack
from benchmarks.floors import PROJECT, flask_floor, rig
from benchmarks.forms import measure_forms
from benchmarks.goals import Results
from benchmarks.history import fill_history, measure_history
from benchmarks.load import Load, Row, find_ceiling
from benchmarks.machine import describe_machine
from benchmarks.pings import measure_pings
from benchmarks.processes import Processes, StartFailed
from benchmarks.report import write_report
from benchmarks.servers import Servers, start_servers
from benchmarks.subject import Subject
from benchmarks.wire import ConnectionBroken

SUBJECTS = ("flask", "raw", "rig", "casenet")
# Of P1, P2 and P3, which need many turns: the machine drifts by more than they differ.
PAIR = ("flask", "casenet")
RIGS = ("raw", "rig")


@dataclass(frozen=True)
class Turn:
    """`rate` posts a second for some seconds, by these subjects, in every round whose number `every` divides.

    warm_rate   Before it, not measured.
    """

    rate: float
    seconds: float
    subjects: tuple[str, ...]
    every: int = 1
    warm_rate: float = 200.0


@dataclass(frozen=True)
class Plan:
    """How long a run takes. Quick: about 12 minutes, full: about 40.

    step_seconds of the ceiling search
    searches     how often the ceilings of PAIR are searched, in turn; the rigs' once
    """

    rounds: int
    subjects: tuple[str, ...]
    connect_seconds: float
    turns: tuple[Turn, ...]
    step_seconds: float
    searches: int

    def turns_of(self, round_number: int) -> list[tuple[str, Turn]]:
        """(subject, turn) of a round. Every other turn of a kind goes backwards: nobody always follows the same."""
        found: list[tuple[str, Turn]] = []
        for turn in self.turns:
            number, left = divmod(round_number, turn.every)
            if left == 0:
                names = turn.subjects[::-1] if number % 2 else turn.subjects
                found += [(name, turn) for name in names if name in self.subjects]
        return found


def turns(*, every: int, quiet_seconds: float, rig_seconds: float) -> tuple[Turn, ...]:
    """Each round the pair at 50/s, where a turn tells least; in every second at 200/s; in every `every`-th the rest."""
    return (
        Turn(50, 4, PAIR),
        Turn(200, 4, PAIR, every=2),
        Turn(5, quiet_seconds, SUBJECTS, every=every, warm_rate=5),
        Turn(50, rig_seconds, RIGS, every=every),
        Turn(200, rig_seconds, RIGS, every=every),
    )


QUICK = Plan(
    rounds=12,
    subjects=("flask", "rig", "casenet"),
    connect_seconds=10,
    turns=turns(every=6, quiet_seconds=5, rig_seconds=4),
    step_seconds=4,
    searches=1,
)
FULL = Plan(
    rounds=40,
    subjects=SUBJECTS,
    connect_seconds=25,
    turns=turns(every=8, quiet_seconds=8, rig_seconds=6),
    step_seconds=5,
    searches=3,
)
READ_ROUNDS = 6
WARM_SECONDS = 1.0  # of a ceiling's step
# Between two turns of a subject lies a minute: without this, whatever CaseNet does once a minute (a group's key, that
# somebody was here) would fall into the few seconds that are measured, five times as often as under a steady load.
# Not at 5/s: calls (P6), which are compared with it, come out of the quiet too.
WARM_UP_SECONDS = 4.0


def main() -> None:
    """Read the command line, run, write. Ends with 1 when something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about 12 minutes instead of 40; numbers are rougher"
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
        for name, turn in plan.turns_of(number):
            if name in loads:
                row = await take_turn(loads[name], turn)
                results.rows.append(replace(row, round=number))
    await measure_reads(loads, results)
    if casenet := loads.get("casenet"):
        results.pings = await measure_pings(casenet)
    for number in range(plan.searches):
        for name, load in loads.items():
            if name in PAIR or (number == 0 and plan.searches > 1):
                await measure_ceiling(load, plan, results, number)


async def take_turn(load: Load, turn: Turn) -> Row:
    """As in the midst of an hour of this load: what is kept for a minute is there."""
    return await load.hold(
        turn.rate, warm=WARM_UP_SECONDS, warm_rate=turn.warm_rate, seconds=turn.seconds, drain=5.0
    )


async def measure_reads(loads: dict[str, Load], results: Results) -> None:
    """The last posts of a long group (P4)."""
    readers = [load for load in loads.values() if load.subject.history]
    for load in readers:
        if load.subject.facts.get("fill_history"):
            await fill_history(load)
    for number in range(READ_ROUNDS):
        for load in readers:
            results.reads.extend(replace(row, round=number) for row in await measure_history(load))


async def measure_ceiling(load: Load, plan: Plan, results: Results, number: int) -> None:
    """Search once, and see what becomes of a fifth more than it can hold (P8)."""
    earlier = [row for row in results.ceilings if row.subject == load.subject.name]
    known = [row for row in results.rows if row.subject == load.subject.name]
    best, rows = await find_ceiling(load, (earlier or known)[-1], step_seconds=plan.step_seconds)
    results.steps.extend(rows)
    if best:
        results.ceilings.append(replace(best, round=number))
        say(f"  {load.subject.name}: ceiling {best.kept:.0f}/s")
        over = await load.hold(best.offered * 1.2, warm=WARM_SECONDS, seconds=plan.step_seconds, drain=15.0)
        results.overloads.append(replace(over, round=number))


def say(text: str) -> None:
    """Progress for the person at the terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
