"""The promises of README.md, worked out from one run. Ratios are within the run, never across runs."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace

from benchmarks.floors import EMPTY, EMPTY_NOTED, RIG_NOTED
from benchmarks.forms import Rendering
from benchmarks.history import IN_TURN, Reads
from benchmarks.load import Row

FLOOR, RIG, CASENET = "flask floor", "rig_py", "CaseNet"


@dataclass
class Results:
    """Everything measured in one run; `goals` and `markdown` read it."""

    machine: dict[str, str]
    rows: list[Row] = field(default_factory=list[Row])
    ceilings: list[Row] = field(default_factory=list[Row])
    steps: list[Row] = field(default_factory=list[Row])
    overloads: list[Row] = field(default_factory=list[Row])
    reads: list[Reads] = field(default_factory=list[Reads])
    pings: dict[str, float] | None = None
    forms: list[Rendering] = field(default_factory=list[Rendering])

    def faults(self) -> list[str]:
        """Sentences about what must never be: something lost, doubled or failed at a fixed rate."""
        return [
            f"{row.subject} at {row.offered:g}/s: lost {row.lost}, doubled {row.doubled}, failed {row.failed}"
            for row in self.rows
            if row.lost or row.doubled or row.failed
        ]

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "machine": self.machine,
            "goals": [asdict(goal) for goal in goals(self)],
            "rows": [row.as_json() for row in self.rows],
            "ceilings": [row.as_json() for row in self.ceilings],
            "ceiling_steps": [row.as_json() for row in self.steps],
            "overloads": [row.as_json() for row in self.overloads],
            "history": [reads.as_json() for reads in self.reads],
            "first_ping_ms": self.pings,
            "forms": [rendering.as_json() for rendering in self.forms],
        }


@dataclass(frozen=True)
class Goal:
    """One promise of README.md, or what one must know to judge it (`is_met` None, nothing wanted).

    value   A ratio; None when this run did not measure it.
    turns   The ratios that `value` is the median of, or the geometric mean (P3), when there are several.
    """

    number: str
    what: str
    wanted: str
    value: float | None
    is_met: bool | None
    turns: tuple[float, ...] = ()


def goals(results: Results) -> list[Goal]:
    """P1, P2, P3, P4, P6, P7, P8 of README.md, from this run."""

    def at_most(number: str, what: str, limit: float, value: float | None) -> Goal:
        return Goal(number, what, f"≤ {limit:g}", value, None if value is None else value <= limit)

    def at_least(number: str, what: str, limit: float, value: float | None) -> Goal:
        return Goal(number, what, f"≥ {limit:g}", value, None if value is None else value >= limit)

    def turns_at_most(number: str, what: str, limit: float, turns: tuple[float, ...]) -> Goal:
        return replace(at_most(number, what, limit, median(turns)), turns=turns)

    def mean_at_most(number: str, what: str, limit: float, turns: tuple[float, ...]) -> Goal:
        return replace(at_most(number, what, limit, mean(turns)), turns=turns)

    def known(number: str, what: str, turns: tuple[float, ...]) -> Goal:
        return Goal(number, what, "–", median(turns), None, turns)

    ceilings = _turns(results.ceilings, _kept, FLOOR)
    over = [row for row in results.overloads if row.subject == CASENET]
    reached = median(row.kept for row in results.ceilings if row.subject == CASENET)
    return [
        replace(at_least("P1", "ceiling ÷ flask floor", 1, median(ceilings)), turns=ceilings),
        turns_at_most("P2", "delivery p99 at 50/s ÷ flask floor", 1, _at(results, 50, _each_p99, FLOOR)),
        turns_at_most("P2", "delivery p99 at 200/s ÷ flask floor", 1, _at(results, 200, _each_p99, FLOOR)),
        turns_at_most("P2 then", "delivery p99 at 50/s ÷ rig_py", 2, _at(results, 50, _each_p99, RIG)),
        turns_at_most("P2 then", "delivery p99 at 200/s ÷ rig_py", 2, _at(results, 200, _each_p99, RIG)),
        mean_at_most("P3", "CPU per post at 50/s ÷ flask floor", 1, _at(results, 50, _cpu, FLOOR)),
        mean_at_most("P3", "CPU per post at 200/s ÷ flask floor", 1, _at(results, 200, _cpu, FLOOR)),
        *(
            known("P3", f"the same at {rate}/s, the median of the turns", _at(results, rate, _cpu, FLOOR))
            for rate in (50, 200)
        ),
        turns_at_most("P4", "last 50 of 10,000, p50 ÷ rig_py", 2, _reads(results, CASENET, RIG)),
        known(
            "P4", f"{IN_TURN}, p50 ÷ rig_py", _reads(results, f"{CASENET}, {IN_TURN}", f"{RIG}, {IN_TURN}")
        ),
        known("P4", "last 50 of 10,000, p50 ÷ flask floor", _reads(results, CASENET, FLOOR)),
        known("P4", f"last 50 of 10,000, p50 ÷ {RIG_NOTED}", _reads(results, CASENET, RIG_NOTED)),
        known("P4 limit", f"{RIG_NOTED}, p50 ÷ rig_py", _reads(results, RIG_NOTED, RIG)),
        known("P4 limit", f"{EMPTY}, p50 ÷ rig_py", _reads(results, EMPTY, RIG)),
        known("P4 limit", f"{EMPTY_NOTED}, p50 ÷ rig_py", _reads(results, EMPTY_NOTED, RIG)),
        at_most("P6", "raise → first ping, p99 ÷ delivery p99 at 5/s", 2, _first_ping(results)),
        at_most("P7", "two-page form, warm ÷ WeasyPrint", 0.1, _forms(results, "weasyprint")),
        at_most("P7 then", "two-page form, warm ÷ bare typst, same layout", 1.2, _forms(results, "bare")),
        at_least("P8", "kept at 1.2 × the ceiling ÷ ceiling", 0.8, ratio(median(map(_kept, over)), reached)),
        at_most("P8", "lost and doubled at 1.2 × the ceiling", 0, _wrong(over)),
    ]


def _wrong(over: list[Row]) -> float | None:
    return float(sum(row.lost + row.doubled for row in over)) if over else None


def _each_p99(row: Row) -> float:
    return row.each["p99"]


def _cpu(row: Row) -> float:
    return sum(row.cpu.values())


def _kept(row: Row) -> float:
    return row.kept


def _at(results: Results, rate: float, pick: Callable[[Row], float], other: str) -> tuple[float, ...]:
    return _turns([row for row in results.rows if row.offered == rate], pick, other)


def _turns(rows: list[Row], pick: Callable[[Row], float], other: str) -> tuple[float, ...]:
    """CaseNet ÷ other, round by round: turns that follow each other had the same machine."""
    theirs = {row.round: pick(row) for row in rows if row.subject == other}
    ours = [row for row in rows if row.subject == CASENET]
    return tuple(value for row in ours if (value := ratio(pick(row), theirs.get(row.round))) is not None)


def _reads(results: Results, name: str, other: str) -> tuple[float, ...]:
    """As _turns, for the p50 of reads."""
    p50 = {(reads.subject, reads.round): reads.one["p50"] for reads in results.reads}
    ours = [(value, p50.get((other, number))) for (subject, number), value in p50.items() if subject == name]
    return tuple(found for value, theirs in ours if (found := ratio(value, theirs)) is not None)


def _first_ping(results: Results) -> float | None:
    ordinary = median(row.each["p99"] for row in results.rows if row.subject == CASENET and row.offered == 5)
    return ratio(results.pings["p99"] if results.pings else None, ordinary)


def _forms(results: Results, other: str) -> float | None:
    warm = {rendering.engine: rendering.warm_ms for rendering in results.forms if not rendering.missing}
    return ratio(warm.get("casenet"), warm.get(other))


def median(values: Iterable[float]) -> float | None:
    """None when there is nothing."""
    found = list(values)
    return statistics.median(found) if found else None


def mean(values: Iterable[float]) -> float | None:
    """The geometric mean, which suits ratios: a turn of 2 and one of 1/2 make 1. None when there is nothing."""
    found = list(values)
    return statistics.geometric_mean(found) if found else None


def ratio(value: float | None, other: float | None) -> float | None:
    """value ÷ other; None when one is missing."""
    return None if value is None or not other else value / other
