"""CaseNet's admission sheet as the form to print: the tests' CASE-A, every free text new each time."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

import typst

from benchmarks.forms import WORDS
from casenet.sheets import printing
from casenet.sheets.forms import form
from casenet.sheets.printing import text
from tests.parts.sheets.case_a import VALUES

FORM = form("admission")
HOW = printing.Print(made_at=datetime(2026, 11, 21, 1, 15, tzinfo=UTC), footer="CaseNet")


def renderer() -> Callable[[], bytes]:
    """Values to PDF as CaseNet's sheet worker does it."""
    return lambda: printing.pdf(FORM, new_values(), HOW)


def bare_renderer() -> Callable[[], bytes]:
    """The same layout with typst alone: its file of values is ready, nothing is checked, translated or locked."""
    layout = printing.FOLDER.joinpath(printing.LAYOUTS[FORM.kind, FORM.version]).read_bytes()
    fonts = [str(folder) for folder in _font_folders()]
    compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
    ready = [json.dumps(_inputs(new_values()), ensure_ascii=False).encode() for _ in range(50)]

    def render() -> bytes:
        # Any, as in casenet.sheets.printing: typst takes files by their names, which its stubs leave out.
        files: Any = {"main.typ": layout, "sheet.json": random.choice(ready)}
        made: Any = compiler.compile(input=files, format="pdf", pdf_tags=False)
        return bytes(made)

    return render


def html_sheets() -> list[str]:
    """Twenty sheets as plain HTML tables: every label, value and option, the chosen ones marked."""
    return [_html(text.printable(FORM, new_values())) for _ in range(20)]


def _html(shown: dict[str, Any]) -> str:
    cells: list[str] = []
    for key, field in FORM.fields.items():
        options = [
            ("■" if code in shown["chosen"].get(key, ()) else "□") + str(label)
            for code, label in shown["labels"].get(key, ())
        ]
        rows = [" ".join(map(str, row)) for row in shown["rows"].get(key, ())]
        value = " ".join((*options, shown["text"].get(key, ""), *rows))
        cells.append(f"<th>{escape(field.label)}</th><td>{escape(value)}</td>")
    lines = ("".join(cells[first : first + 3]) for first in range(0, len(cells), 3))
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def new_values() -> dict[str, Any]:
    """CASE-A with another word in every free text."""
    return {key: _other(value) if FORM.fields[key].type == "text" else value for key, value in VALUES.items()}


def _other(value: Any) -> Any:
    return f"{random.choice(WORDS)}{value}" if isinstance(value, str) else value


def _inputs(values: dict[str, Any]) -> dict[str, Any]:
    title = {"title": FORM.title, "consent": FORM.fields["hdr.consent_note"].label}
    return text.printable(FORM, values) | title | {"running": "", "footer": "", "draft": False}


def _font_folders() -> list[Any]:
    from pathlib import Path

    import noto_cjk_sans_jp_bold
    import noto_cjk_sans_jp_regular

    return [Path(str(module.__file__)).parent for module in (noto_cjk_sans_jp_regular, noto_cjk_sans_jp_bold)]
