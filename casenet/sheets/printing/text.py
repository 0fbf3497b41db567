"""What stands on the paper for each value: eras, marks, rows. Pure; knows the form, not the layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from casenet.sheets.forms import Field, Form

# First day of each era. Dates before Meiji never occur on a form.
ERAS = (
    (date(2019, 5, 1), "令和"),
    (date(1989, 1, 8), "平成"),
    (date(1926, 12, 25), "昭和"),
    (date(1912, 7, 30), "大正"),
    (date(1868, 1, 25), "明治"),
)

# What a FAX hides when it may lie open in an office (Tokyo, northern Tama: name in part, no birth date).
HIDDEN_ON_FAX = frozenset({"p.birth", "p.tel", "p.postcode", "f.main_caregiver_tel", "f.keyperson_tel"})
SHORTENED_ON_FAX = frozenset(
    {
        "p.name",
        "p.kana",
        "f.main_caregiver",
        "f.keyperson",
        "o.caregiver_after_name",
        "x.acp_proxy",
        "hdr.consent_by",
    }
)
_MUNICIPALITY = re.compile(r"^(?:.{2,3}[都道府県])?.+?[市区町村]")


def era_date(day: date) -> str:
    """A date as Japanese forms write it: 昭和13年4月12日; the first year is 元年."""
    for first, name in ERAS:
        if day >= first:
            year = day.year - first.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    return f"{day.year}年{day.month}月{day.day}日"


def printable(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """Every value in the shape the layout reads.

    Returns {"text": key to printed text, "chosen": key to list of codes, "rows": key to list of rows,
    "labels": key to list of [code, label]}. A key without a value is left out of the first three.
    """
    text: dict[str, str] = {}
    chosen: dict[str, list[str]] = {}
    rows: dict[str, list[list[str]]] = {}
    for key, value in values.items():
        field = form.fields[key]
        if field.type in ("choice", "choices"):
            chosen[key] = [value] if isinstance(value, str) else list(value)
        elif field.type == "flag":
            chosen[key] = ["yes"] if value else []
        elif field.type == "rows":
            rows[key] = [[row.get(column, "") for column in field.columns] for row in value]
        else:
            text[key] = _text(field, value)
    labels = {key: [[c, field.labels[c]] for c in field.codes] for key, field in form.fields.items()}
    return {"text": text, "chosen": chosen, "rows": rows, "labels": labels}


def for_fax(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with name, birth date and address cut to what may lie open beside a FAX machine."""
    return {key: _on_fax(key, value) for key, value in values.items() if key not in HIDDEN_ON_FAX}


def _on_fax(key: str, value: Any) -> Any:
    if key in SHORTENED_ON_FAX and value:
        return f"{value[0]}○○○"
    if key == "p.addr":
        found = _MUNICIPALITY.match(value)
        return f"{found.group()}（以下省略）" if found else "（省略）"
    return value


def _text(field: Field, value: Any) -> str:
    if field.type == "date":
        return era_date(date.fromisoformat(value))
    if field.type == "number":
        return f"{value:g}" if isinstance(value, float) else f"{value:,}"
    return str(value)
