"""Decisions about a sheet: its states, what may stand in a field, what is still missing, its hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, cast

from casenet.errors import Conflict, Invalid
from casenet.sheets.forms import Field, Form

# Every change of state there is. What is not here cannot happen.
STATES = {
    ("draft", "release"): "released",
    ("released", "send"): "sent",
    ("sent", "receive"): "received",
    ("sent", "return"): "returned",
    ("draft", "withdraw"): "withdrawn",
    ("released", "withdraw"): "withdrawn",
}

# Filled by the release itself; the phone knows them too.
BY_SENDING = ("hdr.hospital_name", "hdr.date_provided")
COMPLETENESS = ("complete", "partly", "insufficient")

TRIES_MAX = 5  # wrong opening codes before a link is dead: five of a million
LINK_VALID = timedelta(hours=72)  # a weekend; after that the sender makes a new one
REMIND_AFTER = timedelta(hours=2)  # the fee needs the receiver's confirmation; ask while the ward still knows

# Shown as chosen together they contradict each other: 「なし」 beside anything else.
_NOTHING = "none"
_RANGES = (("p.cert_from", "p.cert_to"), ("hx.adm6m_from", "hx.adm6m_to"))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_YEARS = range(1868, 2200)  # from Meiji; what is counted from a day in the year 9999 has no end
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def has_control(text: str) -> bool:
    """True for what no paper shows: control characters, halves of characters, marks that turn the writing."""
    return _CONTROL.search(text) is not None


def next_state(state: str, act: str) -> str:
    """The state after this act. Raises Conflict when a sheet in this state cannot do that."""
    if (state, act) not in STATES:
        raise Conflict("sheet-state", state=state)
    return STATES[state, act]


def check_values(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the empty ones, once every one of them fits its field.

    Raises Invalid("sheet-values") naming each bad field with a code: unknown-field, wrong-type, too-long,
    control-character, out-of-range, not-a-date, not-a-time, unknown-option, none-with-others,
    too-many, ends-before-it-starts.
    """
    kept = {key: value for key, value in values.items() if not _is_empty(value)}
    faults = {key: fault for key, value in kept.items() if (fault := _fault(form.fields.get(key), value))}
    for first, last in _RANGES:
        if first not in faults and last not in faults and str(kept.get(last, "9")) < str(kept.get(first, "")):
            faults[last] = "ends-before-it-starts"
    if faults:
        raise Invalid("sheet-values", faults)
    return {key: kept[key] for key in form.fields if key in kept}


def missing(form: Form, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that must be filled for a release, in the order of the form."""
    return tuple(
        field.key
        for field in form.fields.values()
        if field.required and _is_empty(values.get(field.key)) and asked(field, values)
    )


def missing_by_hand(form: Form, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of missing() that somebody has to fill: the release itself says to whom it goes, and when."""
    return tuple(key for key in missing(form, values) if key not in BY_SENDING)


def asked(field: Field, values: Mapping[str, Any]) -> bool:
    """True unless the field depends on an answer that was not given."""
    if field.when is None:
        return True
    key, codes = field.when
    given: Any = values.get(key)
    return bool(codes & set(cast("list[str]", given if isinstance(given, list) else [given])))


def visible(form: Form, values: Mapping[str, Any], *, may_write: bool) -> dict[str, Any]:
    """The values that this reader sees: restricted ones only for those who write sheets."""
    return {key: value for key, value in values.items() if may_write or not form.fields[key].restricted}


def digest(form: Form, values: Mapping[str, Any]) -> bytes:
    """SHA-256 (32 bytes) over the released values in one fixed spelling: sorted keys, no spaces, UTF-8."""
    whole = {"kind": form.kind, "form_version": form.version, "values": dict(values)}
    spelt = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelt.encode()).digest()


def _is_empty(value: Any) -> bool:
    return (
        value is None or value is False or value in ("", []) or (isinstance(value, str) and not value.strip())
    )


def _fault(field: Field | None, value: Any) -> str | None:
    if field is None or field.type == "fixed":
        return "unknown-field"
    return _CHECKS[field.type](field, value)


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "wrong-type"
    if has_control(value) or (field.type == "text" and "\n" in value):
        return "control-character"
    return "too-long" if field.limit is not None and len(value) > field.limit else None


def _number(field: Field, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "wrong-type"
    # NaN fails both comparisons and is refused with the rest.
    return None if 0 <= value <= (field.limit or 0) else "out-of-range"


def _day(_: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "wrong-type"
    try:
        known = _DATE.fullmatch(value) and date.fromisoformat(value).year in _YEARS
        return None if known else "not-a-date"
    except ValueError:
        return "not-a-date"


def _time(_: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "wrong-type"
    return None if _TIME.fullmatch(value) else "not-a-time"


def _choice(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "wrong-type"
    return None if value in field.codes else "unknown-option"


def _choices(field: Field, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in cast("list[Any]", value)):
        return "wrong-type"
    codes = cast("list[str]", value)
    if len(set(codes)) < len(codes) or not set(codes) <= set(field.codes):
        return "unknown-option"
    return "none-with-others" if _NOTHING in codes and len(codes) > 1 else None


def _flag(_: Field, value: Any) -> str | None:
    return None if isinstance(value, bool) else "wrong-type"


def _rows(field: Field, value: Any) -> str | None:
    if not isinstance(value, list):
        return "wrong-type"
    rows = cast("list[Any]", value)
    if len(rows) > (field.limit or 0):
        return "too-many"
    return next((fault for row in rows if (fault := _row(field, row))), None)


def _row(field: Field, row: Any) -> str | None:
    if not isinstance(row, dict):
        return "wrong-type"
    cells = cast("dict[str, Any]", row)
    if not set(cells) <= set(field.columns) or not all(isinstance(cell, str) for cell in cells.values()):
        return "wrong-type"
    if any(has_control(cell) or "\n" in cell for cell in cells.values()):
        return "control-character"
    return "too-long" if any(len(cell) > field.columns[column] for column, cell in cells.items()) else None


_CHECKS: dict[str, Callable[[Field, Any], str | None]] = {
    "text": _text,
    "long_text": _text,
    "number": _number,
    "date": _day,
    "time": _time,
    "choice": _choice,
    "choices": _choices,
    "flag": _flag,
    "rows": _rows,
}
