"""Sheets on paper: values in, PDF out. Nothing here reads a clock, a database or a font of the machine.

The compiler is kept for the life of the process: the fonts (28 MB) are read once, and what did not change
between two documents is not laid out again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import noto_cjk_sans_jp_bold
import noto_cjk_sans_jp_regular
import typst

from casenet.sheets.forms import Form
from casenet.sheets.printing.text import for_fax, printable

FOLDER = Path(__file__).parent
LAYOUTS = {("admission", "2024.1"): "admission_2024.typ"}

# One compiler, one compilation at a time: it keeps the inputs of the last call.
_lock = Lock()


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
    layout = _layout(form.kind, form.version)
    inputs = {"sheet": json.dumps(_inputs(form, values, how), ensure_ascii=False)}
    with _lock:
        made = _compiler().compile(
            input=layout, format="pdf", sys_inputs=inputs, timestamp=how.made_at, pdf_tags=False
        )
    return cast("bytes", made)


def warm_up() -> None:
    """Read the fonts now, so that the first sheet does not wait for it."""
    _compiler()


def _inputs(form: Form, values: Mapping[str, Any], how: Print) -> dict[str, Any]:
    shown = for_fax(values) if how.fax else values
    name = str(shown.get("p.name", ""))
    return printable(form, shown) | {
        "title": form.title,
        "consent": form.fields["hdr.consent_note"].label,
        "running": f"{name}　様" if name else "",
        "footer": how.footer,
        "draft": how.draft,
    }


@cache
def _layout(kind: str, version: str) -> bytes:
    return (FOLDER / LAYOUTS[kind, version]).read_bytes()


@cache
def _compiler() -> typst.Compiler:
    folders = [str(Path(str(m.__file__)).parent) for m in (noto_cjk_sans_jp_regular, noto_cjk_sans_jp_bold)]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    return typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
