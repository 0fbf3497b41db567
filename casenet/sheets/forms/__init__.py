"""The forms as data: one JSON file per kind and version, checked when it is loaded.

A form of another year, or of a town, is another file. A sheet keeps the version it was
drafted with, so a later file never changes what an older sheet means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from casenet.errors import NotFound

FOLDER = Path(__file__).parent

TYPES = frozenset(
    {"text", "long_text", "number", "date", "time", "choice", "choices", "flag", "rows", "fixed"}
)
CONFIDENCE = frozenset({"S", "s", "R", "D"})

# The version that a new sheet of each kind gets.
CURRENT = {"admission": "2024.1"}
FILES = {("admission", "2024.1"): "admission_2024.json"}


class FormError(ValueError):
    """A form file contradicts itself; the program must not start with it."""


@dataclass(frozen=True)
class Field:
    """One value of a form.

    limit    Characters of a text, the largest number, or how many rows; None where it has no meaning.
    when     (key, codes): asked for only while that other field holds one of these codes.
    ours     Not on the sample form; added by CaseNet.
    restricted  Shown only to those who may write sheets (suspected abuse).
    """

    key: str
    label: str
    type: str
    required: bool
    codes: tuple[str, ...]
    labels: Mapping[str, str]
    limit: int | None
    when: tuple[str, frozenset[str]] | None
    columns: Mapping[str, int]
    ours: bool
    restricted: bool


@dataclass(frozen=True)
class Form:
    """One version of one kind of sheet; `document` is the file as the phone gets it."""

    kind: str
    version: str
    title: str
    fields: Mapping[str, Field]
    document: Mapping[str, Any]


@cache
def form(kind: str, version: str | None = None) -> Form:
    """The form of this kind, in the version now in use or the one asked for.

    Raises NotFound for a kind or version that never was.
    """
    version = version or CURRENT.get(kind, "")
    name = FILES.get((kind, version))
    if name is None:
        raise NotFound
    return read((FOLDER / name).read_text("utf-8"))


def read(text: str) -> Form:
    """Read one form file. Raises FormError at the first contradiction in it."""
    document = cast("dict[str, Any]", json.loads(text))
    fields: dict[str, Field] = {}
    for raw in _raw_fields(document):
        field = _field(raw)
        if field.key in fields:
            raise FormError(f"{field.key} stands twice")
        fields[field.key] = field
    for field in fields.values():
        _check_condition(field, fields)
    return Form(document["kind"], document["form_version"], document["title"], fields, document)


def _raw_fields(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for block in document["blocks"]:
        yield from block["fields"]


def _field(raw: dict[str, Any]) -> Field:
    key, kind = raw["key"], raw["type"]
    options = cast("list[dict[str, str]]", raw.get("options", []))
    labels = {option["code"]: option["label"] for option in options}
    if kind not in TYPES or raw["confidence"] not in CONFIDENCE:
        raise FormError(f"{key} has an unknown type or confidence")
    if (kind in ("choice", "choices")) != bool(options) or len(labels) != len(options):
        raise FormError(f"{key} has options it must not have, lacks them, or repeats a code")
    if (kind == "rows") != ("columns" in raw):
        raise FormError(f"{key} has columns it must not have, or lacks them")
    condition = raw.get("when")
    return Field(
        key=key,
        label=raw["label"],
        type=kind,
        required=raw["required"],
        codes=tuple(labels),
        labels=labels,
        limit=raw.get("max"),
        when=(condition["key"], frozenset(condition["codes"])) if condition else None,
        columns={column["key"]: column["max"] for column in raw.get("columns", [])},
        ours=raw.get("ours", False),
        restricted=raw.get("restricted", False),
    )


def _check_condition(field: Field, fields: Mapping[str, Field]) -> None:
    if field.when is None:
        return
    key, codes = field.when
    if key not in fields or not codes <= set(fields[key].codes):
        raise FormError(f"{field.key} depends on something that {key} cannot be")
