"""What a run found, as JSON for programs and as Markdown for people."""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from benchmarks.forms import Rendering
from benchmarks.goals import FLOOR, RIG, Goal, Results, goals, median, ratio
from benchmarks.history import Reads
from benchmarks.load import Row

RESULTS_KEPT = "results/latest.json"
OTHER_CORES_MAX = 0.3  # of the rivals' measurements: 0.6; less moves a p99 already


def write_report(results: Results, folder: Path, *, quick: bool) -> None:
    """Write results/latest.json and RESULTS.md below `folder`, and print the latter."""
    (folder / "results").mkdir(exist_ok=True, parents=True)
    kept = json.dumps(results.as_json(), indent=1, ensure_ascii=False)
    (folder / RESULTS_KEPT).write_text(kept + "\n", "utf-8")
    text = markdown(results, quick=quick)
    (folder / "RESULTS.md").write_text(text, "utf-8")
    print(text)


def markdown(results: Results, *, quick: bool) -> str:
    """The page that people read."""
    machine = results.machine
    versions = ", ".join(f"{name} {value}" for name, value in machine.items() if name not in _MACHINE_LINE)
    parts = [
        f"# Benchmark results ({'quick' if quick else 'full'} run, {machine['at']})\n",
        _ABOUT,
        _MACHINE.format(**machine) + f" {versions}.\n",
        *_warnings(results),
        "## Promises\n",
        _ABOUT_PROMISES,
        _table(
            ("", "what", "wanted", "here", "half of the turns", ""), list(map(_goal_cells, goals(results)))
        ),
        "## Posts with 500 members connected\n",
        _ABOUT_POSTS,
        _table(_POST_HEADS, [_post_cells(rows) for rows in _grouped(results.rows)]),
        "## Ceilings and beyond\n",
        _ABOUT_CEILINGS,
        _table(_CEILING_HEADS, list(_ceiling_cells(results))),
        "## Last 50 posts of a group with 10,000\n",
        _ABOUT_READS,
        _table(_READ_HEADS, _read_rows(results.reads)),
        "## Two-page form\n",
        _ABOUT_FORMS,
        _table(_FORM_HEADS, [_form_cells(rendering) for rendering in results.forms]),
    ]
    if results.pings:
        spread = ", ".join(f"{name} {value:.1f}" for name, value in results.pings.items())
        parts.append(f"## Raise → first ping at the physician's socket\n\nms: {spread}\n")
    return "\n".join(parts)


def _warnings(results: Results) -> list[str]:
    """What makes this run a bad one to quote."""
    busy = [row for row in results.rows if row.other_cores > OTHER_CORES_MAX]
    if not busy:
        return []
    most, share = max(row.other_cores for row in busy), f"{len(busy)} of {len(results.rows)} rows"
    return [f"**Do not quote this run**: other programs used up to {most:.1f} cores in {share}.\n"]


_MACHINE_LINE = ("at", "processor", "cores", "memory", "system", "python")
_MACHINE = "Machine: {processor}, {cores} cores, {memory}, {system}, Python {python}."
_ABOUT = "Written by `make bench`. Only ratios within this run mean anything elsewhere; see README.md.\n"
_ABOUT_PROMISES = """P1, P2 and P4 are medians of the ratios turn by turn, P3 their geometric mean; beside them the
values between which half of the turns lie.
"""
_TURNS_OF_QUARTILES = 8
_ABOUT_POSTS = """Medians over the rounds; times in ms. Delivery: a post to each of the nine others; all nine:
to the last of them. CPU: seconds per 1,000 posts of the server itself, background (workers, beat,
nightwatch), PostgreSQL, Redis. The generator shares the cores.
"""
_ABOUT_CEILINGS = """The highest rate with p99 of delivery below a second and nothing lost or refused; then
1.2 × as much is offered.
"""
_ABOUT_READS = """Medians over the rounds. The same page over and over, by one reader with one connection; CaseNet
remembers it for a minute. In the row of another page each time it remembers nothing. Over a front's connections in turn
two processes answer by turns, which takes longer. CaseNet asks each time whether the
reader may, and commits an audit row before it shows a page; the others neither, but for the rows that say so.
"""
_ABOUT_FORMS = """casenet: the admission sheet as CaseNet prints it. bare: the same layout by typst alone.
weasyprint: the same fields and options as a plain HTML table. plain: 80 labelled fields, 24 rows and a note.
"""
_POST_HEADS = (
    "what",
    "posts/s",
    "ack p50 / p95 / p99 / max",
    "delivery p50 / p95 / p99 / max",
    "all nine p50 / p99",
    "lost / doubled / refused / failed",
    "CPU server + background + PostgreSQL + Redis",
    "memory MiB",
    "generator lag p99 / other cores",
)
_CEILING_HEADS = (
    *("what", "ceiling posts/s", "÷ flask floor", "÷ rig_py", "delivery p99 ms there", "CPU there"),
    *("offered 1.2 ×", "kept", "refused", "failed", "lost", "doubled"),
)
_READ_HEADS = ("what", "p50 ms", "p99 ms", "reads/s, 8 at once", "server CPU ms a read")
_FORM_HEADS = ("engine", "warm ms", "first ms", "peak MiB", "bytes", "pages")


def _goal_cells(goal: Goal) -> tuple[str, ...]:
    value = "not measured" if goal.value is None else f"{goal.value:.3g}"
    return (
        goal.number,
        goal.what,
        goal.wanted,
        value,
        _middle(goal.turns),
        {None: "", True: "met", False: "**missed**"}[goal.is_met],
    )


def _middle(turns: tuple[float, ...]) -> str:
    """The quartiles, between which half of the turns lie; all of them when they are few."""
    if len(turns) < _TURNS_OF_QUARTILES:
        return ", ".join(f"{value:.2f}" for value in turns)
    low, _, high = statistics.quantiles(turns, n=4)
    return f"{low:.2f}–{high:.2f} of {len(turns)}"


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.subject, row.offered), []).append(row)
    return [groups[key] for key in sorted(groups, key=lambda key: key[1])]


def _post_cells(rows: list[Row]) -> tuple[str, ...]:
    def spread(pick: Callable[[Row], Mapping[str, float]], names: tuple[str, ...]) -> str:
        return " / ".join(f"{statistics.median(pick(row)[name] for row in rows):.1f}" for name in names)

    whole = ("p50", "p95", "p99", "max")
    cpu = [statistics.median(row.cpu[name] for row in rows) for name in _ACCOUNTS]
    memory = statistics.median(
        row.memory_mib.get("server", 0) + row.memory_mib.get("background", 0) for row in rows
    )
    return (
        rows[0].subject,
        f"{rows[0].offered:g}",
        spread(lambda row: row.ack, whole),
        spread(lambda row: row.each, whole),
        spread(lambda row: row.all, ("p50", "p99")),
        " / ".join(
            str(sum(getattr(row, name) for row in rows)) for name in ("lost", "doubled", "refused", "failed")
        ),
        f"{' + '.join(f'{used:.2f}' for used in cpu)} = {sum(cpu):.2f}",
        f"{memory:.0f}",
        f"{max(row.lag_ms for row in rows):.1f} / {max(row.other_cores for row in rows):.2f}",
    )


_ACCOUNTS = ("server", "background", "postgres", "redis")


def _ceiling_cells(results: Results) -> Iterable[tuple[str, ...]]:
    names = list(dict.fromkeys(row.subject for row in results.ceilings))
    kept = {name: median(row.kept for row in results.ceilings if row.subject == name) for name in names}
    for name in names:
        best = [row for row in results.ceilings if row.subject == name]
        over = [row for row in results.overloads if row.subject == name]
        yield (
            name,
            f"{kept[name]:.0f}"
            + (
                f" ({min(r.kept for r in best):.0f}–{max(r.kept for r in best):.0f})" if len(best) > 1 else ""
            ),
            *(
                f"{quotient:.2f}" if (quotient := ratio(kept[name], kept.get(other))) else "–"
                for other in (FLOOR, RIG)
            ),
            f"{statistics.median(row.each['p99'] for row in best):.0f}",
            f"{statistics.median(sum(row.cpu.values()) for row in best):.2f}",
            f"{statistics.median(row.offered for row in over):.0f}",
            f"{statistics.median(row.kept for row in over):.0f}",
            *(
                str(sum(getattr(row, column) for row in over))
                for column in ("refused", "failed", "lost", "doubled")
            ),
        )


def _read_rows(reads: list[Reads]) -> list[tuple[str, ...]]:
    def cells(name: str, rows: list[Reads]) -> tuple[str, ...]:
        return (
            name,
            f"{statistics.median(row.one['p50'] for row in rows):.2f}",
            f"{statistics.median(row.one['p99'] for row in rows):.2f}",
            f"{statistics.median(row.per_second for row in rows):.0f}",
            f"{statistics.median(row.cpu_ms for row in rows):.2f}",
        )

    names = dict.fromkeys(row.subject for row in reads)
    return [cells(name, [row for row in reads if row.subject == name]) for name in names]


def _form_cells(r: Rendering) -> tuple[str, ...]:
    if r.missing:
        return r.engine, f"not measured: {r.missing}", "", "", "", ""
    return (
        r.engine,
        f"{r.warm_ms:.1f}",
        f"{r.first_ms:.0f}",
        f"{r.peak_mib:.0f}",
        f"{r.bytes:,}",
        str(r.pages),
    )


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
