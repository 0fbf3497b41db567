"""P7: a two-page Japanese form, warm. Each engine in processes of its own:

casenet           the admission sheet as CaseNet prints it
bare              the same layout by typst alone, its file of values ready
weasyprint        the same fields and options by WeasyPrint, as a plain HTML table
plain typst       80 labelled fields, 24 rows and a note by typst
plain weasyprint  the plain form by WeasyPrint

`python -m benchmarks.forms ENGINE FILE [SHEETS]` measures one engine in this process and prints JSON.
WeasyPrint comes from benchmarks/requirements.txt into var/benchmarks/weasyprint, so that it is nobody's
dependency; it needs the system's Pango and is left out, with the reason, where that is missing.
"""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
WEASYPRINT_HOME = HERE.parent / "var" / "benchmarks" / "weasyprint"
ENGINES = ("casenet", "bare", "weasyprint", "plain typst", "plain weasyprint")
PROCESSES, WARM_RENDERS = 3, 15
FIELDS, ROWS = 80, 24
WORDS = (
    "訪問看護",
    "右膝の痛み",
    "一日三回",
    "見守り",
    "妻と同居",
    "杖歩行",
    "自立",
    "要介護二",
    "刻み食",
    "服薬確認",
)


@dataclass(frozen=True)
class Rendering:
    """One engine: ms of a warm render (median of medians of the processes), of the first one, and size.

    missing  why there is no figure; None when there is one
    """

    engine: str
    warm_ms: float = 0.0
    first_ms: float = 0.0
    peak_mib: float = 0.0
    bytes: int = 0
    pages: int = 0
    missing: str | None = None

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def measure_forms() -> list[Rendering]:
    """Measure every engine that can be had; the others say why not."""
    return [_measure(engine) for engine in ENGINES]


def _measure(engine: str) -> Rendering:
    # Imported here: the engines' own processes run in an environment that has nothing but the engine.
    from pypdf import PdfReader

    from benchmarks.casenet_form import html_sheets

    python = sys.executable
    if engine.endswith("weasyprint"):
        prepared = _weasyprint_python(engine)
        if isinstance(prepared, Rendering):
            return prepared
        python = str(prepared)
    runs: list[dict[str, float]] = []
    with TemporaryDirectory() as folder:
        printed = Path(folder) / "form.pdf"
        command = [python, "-m", "benchmarks.forms", engine, str(printed)]
        if engine == "weasyprint":
            sheets = Path(folder) / "sheets.json"
            sheets.write_text(json.dumps(html_sheets()), "utf-8")
            command.append(str(sheets))
        for _ in range(PROCESSES):
            done = subprocess.run(
                command, cwd=HERE.parent, capture_output=True, text=True, timeout=120, check=False
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
                return Rendering(engine, missing=last[:200])
            runs.append(json.loads(done.stdout.splitlines()[-1]))
        pages, size = len(PdfReader(printed).pages), printed.stat().st_size
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return Rendering(engine, median["warm_ms"], median["first_ms"], median["peak_mib"], size, pages)


def _weasyprint_python(engine: str) -> Path | Rendering:
    """An interpreter that has WeasyPrint; made once. A Rendering that says why when it cannot be had."""
    python = WEASYPRINT_HOME / "bin" / "python"
    if python.exists() and (WEASYPRINT_HOME / "ready").exists():
        return python
    wanted = HERE / "requirements.txt"
    for command in (
        [sys.executable, "-m", "venv", str(WEASYPRINT_HOME)],
        [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(wanted)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return Rendering(engine, missing=f"could not be installed: {done.stderr.strip()[-200:]}")
    (WEASYPRINT_HOME / "ready").touch()
    return python


def measure_here(engine: str, printed: Path) -> dict[str, float]:
    """Render once cold and then warm, every cell new each time; the last document goes to `printed`."""
    render = {
        "casenet": _casenet,
        "bare": _bare,
        "weasyprint": lambda: _weasyprint(_sheet_source),
        "plain typst": _typst,
        "plain weasyprint": lambda: _weasyprint(_plain_source),
    }[engine]()
    started = time.perf_counter()
    document = render()
    first = time.perf_counter() - started
    took: list[float] = []
    for _ in range(WARM_RENDERS):
        started = time.perf_counter()
        document = render()
        took.append(time.perf_counter() - started)
    printed.write_bytes(document)
    return {
        "warm_ms": statistics.median(took) * 1000,
        "first_ms": first * 1000,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _casenet() -> Callable[[], bytes]:
    from benchmarks.casenet_form import renderer

    return renderer()


def _bare() -> Callable[[], bytes]:
    from benchmarks.casenet_form import bare_renderer

    return bare_renderer()


def _typst() -> Callable[[], bytes]:
    import typst

    compiler = typst.Compiler(font_paths=[str(_font_folder())], ignore_system_fonts=True)
    return lambda: bytes(compiler.compile(_typst_source().encode(), format="pdf"))


def _weasyprint(source: Callable[[], str]) -> Callable[[], bytes]:
    from weasyprint import HTML  # pyright: ignore[reportMissingImports]
    from weasyprint.text.fonts import FontConfiguration  # pyright: ignore[reportMissingImports]

    fonts = FontConfiguration()
    return lambda: HTML(string=source(), base_url=str(_font_folder())).write_pdf(font_config=fonts)


def _cells() -> tuple[list[tuple[str, str]], list[list[str]], str]:
    """New contents: the labelled fields, the rows of the table, the note."""

    def phrase(words: int) -> str:
        return "、".join(random.choices(WORDS, k=words)) + str(random.randrange(1000))

    fields = [(f"項目{number}", phrase(2)) for number in range(FIELDS)]
    return fields, [[phrase(1) for _ in range(4)] for _ in range(ROWS)], phrase(40)


def _typst_source() -> str:
    fields, rows, note = _cells()
    cells = ", ".join(f"[{label}], [{value}]" for label, value in fields)
    lines = ", ".join(f"[{cell}]" for row in rows for cell in row)
    return (
        '#set page("a4", margin: 15mm)\n#set text(font: "Noto Sans CJK JP", size: 9pt)\n'
        f"#table(columns: (1fr, 3fr, 1fr, 3fr), {cells})\n#pagebreak()\n"
        f"#table(columns: (1fr, 1fr, 1fr, 1fr), {lines})\n#block(stroke: 0.5pt, inset: 4pt)[{note}]\n"
    )


_STYLE = (
    "@page{size:A4;margin:12mm} body{font:SIZE 'Form';margin:0} table{border-collapse:collapse;width:100%}"
    "td,th{border:.5pt solid;padding:2pt;font-weight:normal} .next{break-before:page}"
    "@font-face{font-family:Form;src:url('file://FOLDER/NotoSansCJKjp-Regular.otf')}"
)


def _style(size: str) -> str:
    return f"<style>{_STYLE.replace('FOLDER', str(_font_folder())).replace('SIZE', size)}</style>"


def _sheet_source() -> str:
    """One of the sheets that the parent has written: this process has no CaseNet."""
    return _style("6pt") + random.choice(_sheets())


@cache
def _sheets() -> list[str]:
    return json.loads(Path(sys.argv[3]).read_text("utf-8"))


def _plain_source() -> str:
    fields, rows, note = _cells()
    pairs = [f"<th>{escape(label)}</th><td>{escape(value)}</td>" for label, value in fields]
    first = "".join(f"<tr>{left}{right}</tr>" for left, right in zip(pairs[::2], pairs[1::2], strict=True))
    second = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    tables = f"<table>{first}</table><table class=next>{second}</table><p>{escape(note)}</p>"
    return _style("8pt") + tables


def _font_folder() -> Path:
    if named := os.environ.get("BENCH_FONTS"):
        return Path(named)
    spec = find_spec("noto_cjk_sans_jp_regular")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


if __name__ == "__main__":
    print(json.dumps(measure_here(sys.argv[1], Path(sys.argv[2]))))
