"""Draft a sheet from what the team already wrote. Pure: one reading in; values, their sources and offers out.

The record, the patient's card, the office and the members fill fields. Posts never do: what they say newer
is offered beside the field, and a person takes it or leaves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casenet.clock import JAPAN
from casenet.sheets.forms import Form

OFFERS_FROM = timedelta(days=14)  # older posts describe an older state
COURSE_FROM = timedelta(days=3)  # what the hospital asks about first
COURSE_LINES_MAX = 6
COURSE_LINE_CHARS_MAX = 90
COURSE_CHARS_MAX = 600  # the field's own limit


@dataclass(frozen=True)
class Source:
    """Where a value came from. label: code of the catalogue (sheets.source.*) or, for a post, its author."""

    label: str
    at: datetime | None = None
    person_id: UUID | None = None
    sequence: int | None = None
    post_id: UUID | None = None


@dataclass(frozen=True)
class Sentence:
    """One post of the timeline. author: how its writer is shown (訪問看護 田中)."""

    sequence: int
    post_id: UUID
    author_id: UUID
    author: str
    created_at: datetime
    text: str


@dataclass(frozen=True)
class Reading:
    """Everything a draft is made from, read once.

    known      Sets of values keyed as in the form, each with its source; an earlier one wins.
    posts      In any order; corrections already folded.
    called     What the records of urgent calls say, likewise by key; offered, never filled in.
    """

    known: tuple[tuple[Source, Mapping[str, Any]], ...]
    posts: tuple[Sentence, ...]
    now: datetime
    called: tuple[tuple[Source, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Offer:
    """A newer value that a post speaks of."""

    value: Any
    source: Source


@dataclass(frozen=True)
class Composed:
    """A draft: values by key, where each came from, and what posts offer beside."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    offers: dict[str, Offer] = field(default_factory=dict[str, Offer])


def compose(form: Form, reading: Reading) -> Composed:
    """A draft of this form. Nothing in it was guessed: every value has a source."""
    made = Composed()
    for source, values in reading.known:
        for key, value in values.items():
            if key in form.fields and key not in made.values and value not in (None, "", [], False):
                made.values[key] = value
                made.sources[key] = source
    return replace(made, offers=offers(form, made.values, reading))


def offers(form: Form, values: Mapping[str, Any], reading: Reading) -> dict[str, Offer]:
    """What recent posts say otherwise than `values`, the newest statement for each field."""
    found = {key: Offer(value, source) for source, told in reading.called for key, value in told.items()}
    for post in sorted(reading.posts, key=lambda post: post.sequence, reverse=True):
        if post.created_at < reading.now - OFFERS_FROM:
            continue
        for key, value in _statements(post.text, values):
            if key in form.fields and key not in found:
                found[key] = Offer(value, _source(post))
    course = _course(reading)
    if course:
        found["x.recent_course"] = course
    return {key: offer for key, offer in found.items() if offer.value != values.get(key)}


def _source(post: Sentence) -> Source:
    return Source(post.author, post.created_at, post.author_id, post.sequence, post.post_id)


# One line of a plain rule: what is looked for, and what it says. `None` as a result means "nothing".
_Says = Callable[[re.Match[str], Mapping[str, Any]], Iterable[tuple[str, Any]]]
_Rule = tuple[re.Pattern[str], _Says]

_LEVELS = {"自立": "independent", "見守り": "watch", "一部介助": "partial", "全介助": "full"}
_ACTS = {
    "移動": "adl.move",
    "移乗": "adl.transfer",
    "更衣": "adl.dress",
    "起居": "adl.bed_mobility",
    "整容": "adl.groom",
    "入浴": "adl.bath",
    "食事": "adl.eat",
    "排尿": "ex.urine",
    "排便": "ex.feces",
}
_MEALS = {
    "普通": "regular",
    "きざみ": "chopped",
    "刻み": "chopped",
    "嚥下": "dysphagia",
    "ミキサー": "blended",
}
_TREATMENTS = (
    ("suction", r"喀痰吸引|吸引(?:を|し|実施|施行)"),
    ("oxygen", r"在宅酸素|HOT|酸素療法|酸素\s*\d"),
    ("urinary_catheter", r"尿道カテーテル|膀胱留置|バルーン"),
    ("gastrostomy", r"胃ろう|胃瘻|PEG"),
    ("drip", r"点滴"),
    ("pressure_ulcer", r"(?:褥瘡|床ずれ)(?:の)?(?:処置|洗浄|軟膏)"),
)
_NOT = r"(?!.{0,6}(?:なし|無し|ない|なく|中止|不要|抜去|終了))"
_VITAL = re.compile(
    r"発熱|熱発|体温|KT|BT|SpO2|ＳｐＯ２|サチュレーション|酸素(?:の値|飽和)|血圧|BP|脈拍?|HR|呼吸(?:数|\s*\d)|RR|意識|JCS",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d|[０-９]|ぼんやり|反応|傾眠")


def _statements(text: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for pattern, says in _RULES:
        for match in pattern.finditer(text):
            yield from says(match, values)
    treatments = [code for code, words in _TREATMENTS if re.search(f"(?:{words}){_NOT}", text)]
    known = [code for code in values.get("tx.list", []) if code != "none"]
    if new := [code for code in treatments if code not in known]:
        yield "tx.list", [*known, *new]


def _says(key: str, value: Any) -> _Says:
    return lambda match, values: [(key, value)]


_RULES: tuple[_Rule, ...] = (
    (
        re.compile(rf"({'|'.join(_ACTS)})(?:動作)?[はがも：:、\s]{{0,3}}({'|'.join(_LEVELS)})"),
        lambda match, values: [(_ACTS[match[1]], _LEVELS[match[2]])],
    ),
    (
        re.compile(
            rf"食事形態[はを：:、\s]{{0,3}}({'|'.join(_MEALS)})|({'|'.join(_MEALS)})食に(?:変更|した|しました)"
        ),
        lambda match, values: [("meal.form", _MEALS[match[1] or match[2]])],
    ),
    (re.compile(r"とろみ(?:を)?(?:開始|つけ|付け|あり|使用)"), _says("meal.thickener", "yes")),
    (re.compile(r"とろみ(?:は)?(?:なし|中止|不要)"), _says("meal.thickener", "no")),
    (re.compile(rf"むせ(?:る|て|込|こみ|あり){_NOT}"), _says("oral.swallow", "sometimes")),
    (
        re.compile(r"((?:仙骨|尾骨|踵|かかと|大転子|坐骨|背部)\S{0,4}\s*)?([Dd](?:\d|DTI|U)-[Ee]\d\S{5,24})"),
        lambda match, values: [
            ("b.pressure_ulcer", "yes"),
            ("b.pressure_ulcer_text", f"{(match[1] or '').strip()} {match[2]}".strip().rstrip("。、")),
        ],
    ),
    (re.compile(r"飲み忘れ(?:あり|が|て)"), _says("rx.adherence", "sometimes")),
    (re.compile(r"服薬(?:を)?拒否|薬を飲(?:ん|み)でくれ"), _says("rx.adherence", "refuses")),
    (
        re.compile(r"中途覚醒|不眠|眠れ(?:ない|ず|ていない)"),
        lambda match, values: [("sl.sleep", "poor"), ("sl.sleep_text", match[0])],
    ),
    (
        re.compile(r"([ァ-ヶー一-龠A-Za-z]{2,20})(?:に|の|で)?アレルギー(?:あり|が(?:ある|あり)|と判明)"),
        lambda match, values: [("x.allergy", "yes"), ("x.allergy_text", match[1])],
    ),
    (re.compile(r"夜間?(?:だけ|のみ|は)?、?ポータブルトイレ"), _says("ex.portable", "night")),
)


def _course(reading: Reading) -> Offer | None:
    """The last days' lines that look like vital signs, oldest first, each with its day, time and writer."""
    lines: list[tuple[Sentence, str]] = []
    for post in sorted(reading.posts, key=lambda post: post.sequence, reverse=True):
        if post.created_at < reading.now - COURSE_FROM:
            break
        told = [line.strip() for line in post.text.splitlines() if _looks_vital(line)]
        lines.extend((post, _short(line)) for line in told[:2])
        if len(lines) >= COURSE_LINES_MAX:
            break
    if not lines:
        return None
    told = [f"{when(post.created_at)} {line}（{post.author}）" for post, line in lines[:COURSE_LINES_MAX]]
    while len("\n".join(told)) > COURSE_CHARS_MAX:
        told.pop()  # the oldest: a line cut in the middle would tell another value than was measured
    return Offer("\n".join(told[::-1]), _source(lines[0][0])) if told else None


def _short(line: str) -> str:
    """A line that says where it was cut, at the end of a sentence where there is one."""
    if len(line) <= COURSE_LINE_CHARS_MAX:
        return line
    head = line[: COURSE_LINE_CHARS_MAX - 1]
    end = max(head.rfind("。"), head.rfind("、"))
    return f"{head[: end + 1] if end > 0 else head}…"


def _looks_vital(line: str) -> bool:
    return bool(_VITAL.search(line) and _NUMBER.search(line))


def when(instant: datetime) -> str:
    """Day and time as people in Japan write it: 11/20 19:40."""
    local = instant.astimezone(JAPAN)
    return f"{local.month}/{local.day} {local:%H:%M}"
