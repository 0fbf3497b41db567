"""Sheets on paper: values in, PDF out. Nothing here reads a clock, a database or a font of the machine.

Fonts (28 MB) are read once, and typst keeps for the life of the process what it laid out for the last ten
sheets: what did not change is not laid out again. That holds while the values come as a file; values in
sys_inputs would make everything new.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import noto_cjk_sans_jp_bold
import noto_cjk_sans_jp_regular
import typst

from casenet.sheets.forms import Form
from casenet.sheets.printing.text import for_fax, printable

FOLDER = Path(__file__).parent
RUNNING_CHARS = 30  # of a name, in the one line above the second page
LAYOUTS = {("admission", "2024.1"): "admission_2024.typ"}

# Compilers at rest. A compiler serves one call at a time; a deque's append and pop are atomic, so that no
# lock is needed, which threads outside and greenlets inside an event loop would not share anyway.
_resting: deque[typst.Compiler] = deque(maxlen=2)


@dataclass(frozen=True)
class Print:
    """How a sheet is to be printed.

    made_at  Instant written into the PDF, so that the same sheet gives the same bytes.
    footer   Ids for finding the sheet again; nothing about the patient.
    draft    Lays 「下書き」 across every page.
    fax      Hides what may not lie open beside a FAX machine.
    """

    made_at: datetime
    footer: str = ""
    draft: bool = False
    fax: bool = False


def pdf(form: Form, values: Mapping[str, Any], how: Print) -> bytes:
    """The sheet as a PDF with selectable text and embedded fonts.

    values  Checked by rules.check_values. They travel as JSON and are set as plain strings: what looks like
            markup or code in them is printed as it was typed.
    """
    # Any: typst takes files by their names, which its stubs leave out.
    files: Any = {
        "main.typ": _layout(form.kind, form.version),
        "sheet.json": json.dumps(_inputs(form, values, how), ensure_ascii=False).encode(),
    }
    try:
        compiler = _resting.pop()
    except IndexError:
        compiler = _compiler()
    try:
        made = compiler.compile(
            # Tagged, so that a screen reader can follow it: 2 ms and 60 kB more.
            input=files,
            format="pdf",
            timestamp=how.made_at.replace(microsecond=0),
            pdf_tags=True,
        )
    finally:
        _resting.append(compiler)
    return cast("bytes", made)


def footer_of(sheet_id: UUID, version: int) -> str:
    """How the paper names the sheet it was printed from."""
    return f"CaseNet {sheet_id} 第{version}版"


def warm_up() -> None:
    """Read the fonts now, so that the first sheet does not wait for it."""
    _fonts()


def _inputs(form: Form, values: Mapping[str, Any], how: Print) -> dict[str, Any]:
    shown = for_fax(values) if how.fax else values
    name = str(shown.get("p.name", ""))
    return printable(form, shown) | {
        "title": form.title,
        "consent": form.fields["hdr.consent_note"].label,
        "running": f"{name[:RUNNING_CHARS]}　様" if name else "",
        "footer": how.footer,
        "draft": how.draft,
    }


@cache
def _layout(kind: str, version: str) -> bytes:
    return (FOLDER / LAYOUTS[kind, version]).read_bytes()


def _compiler() -> typst.Compiler:
    return typst.Compiler(font_paths=_fonts(), ignore_system_fonts=True)


@cache
def _fonts() -> typst.Fonts:
    folders = [str(Path(str(m.__file__)).parent) for m in (noto_cjk_sans_jp_regular, noto_cjk_sans_jp_bold)]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
