"""What the invented team writes: a believable timeline from phrases, the same at every run."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")
MAY_INSTRUCT = ("physician",)
ANSWERS_PERCENT, QUESTIONS_PERCENT, INSTRUCTIONS_PERCENT = 70, 8, 35


@dataclass(frozen=True)
class Line:
    """One post to write.

    by         Login of its author.
    reply_to   Position of the line that it answers, in the same list.
    seen_by    Logins who said 了解.
    """

    by: str
    at: datetime
    kind: str
    text: str
    reply_to: int | None
    seen_by: tuple[str, ...]


class Chatter:
    """Makes timelines from the phrases of ward/phrases.json."""

    def __init__(self, phrases: dict[str, Any]) -> None:
        self._phrases = phrases

    def timeline(self, patient: dict[str, Any], professions: dict[str, str], now: datetime) -> list[Line]:
        """The lines of one patient, oldest first, `patient["posts"]` of them, the told story at the end.

        professions   Of the members, by login.
        """
        dice = random.Random(patient["key"])  # noqa: S311 - the same chatter at every run, nothing secret
        story: list[dict[str, Any]] = patient["story"]
        count = patient["posts"] - len(story)
        ends_at = now - timedelta(hours=max(line["hours"] for line in story) + 4)
        starts_at = now - timedelta(days=patient["days"])
        lines: list[Line] = []
        for number in range(count):
            at = starts_at + (ends_at - starts_at) * (number + 1) / (count + 1)
            line = self._line(dice, patient, professions, at, lines)
            lines.append(replace(line, at=min(line.at, ends_at)))
        logins = list(professions)
        for told in story:
            seen = self._seen(dice, logins, told["by"], 3)
            at = now - timedelta(hours=told["hours"])
            lines.append(Line(told["by"], at, told["kind"], told["text"], None, seen))
        return lines

    def _line(
        self,
        dice: random.Random,
        patient: dict[str, Any],
        professions: dict[str, str],
        at: datetime,
        before: list[Line],
    ) -> Line:
        last = before[-1] if before else None
        doctors = [login for login, profession in professions.items() if profession == "physician"]
        if last and last.kind == "question" and dice.randrange(100) < ANSWERS_PERCENT:
            by = dice.choice([login for login in doctors if login != last.by] or list(professions))
            text = dice.choice(self._phrases["answers"])
            later = max(at, last.at + timedelta(minutes=1))
            return Line(by, later, "report", text, len(before) - 1, (last.by,))
        weights = self._phrases["weights"]
        logins = list(professions)
        by = dice.choices(logins, [weights[professions[login]] for login in logins])[0]
        kind, text = self._words(dice, patient, professions[by])
        return Line(
            by,
            self._in_hours(dice, at, professions[by], last),
            kind,
            text,
            None,
            self._seen(dice, logins, by, 2),
        )

    def _words(self, dice: random.Random, patient: dict[str, Any], profession: str) -> tuple[str, str]:
        values = self._values(dice, patient["body"])
        asked = self._phrases["questions"].get(profession)
        if asked and dice.randrange(100) < QUESTIONS_PERCENT:
            return "question", dice.choice(asked)
        if profession in MAY_INSTRUCT and dice.randrange(100) < INSTRUCTIONS_PERCENT:
            return "instruction", dice.choice(self._phrases["instructions"]).format(**values)
        themes = [self._phrases["themes"][theme] for theme in dice.sample(patient["themes"], 2)]
        parts = [
            dice.choice(self._phrases["openings"][profession]),
            *(dice.choice(theme) for theme in themes),
        ]
        return "report", "".join([*parts, dice.choice(self._phrases["closings"])]).format(**values)

    def _values(self, dice: random.Random, body: dict[str, Any]) -> dict[str, Any]:
        """Readings around the patient's usual ones."""
        spo2 = min(99, body["spo2"] + dice.randint(-1, 1))
        return {
            "bt": round(body["bt"] + dice.uniform(-0.2, 0.4), 1),
            "sys": body["sys"] + dice.randint(-10, 12),
            "dia": body["dia"] + dice.randint(-6, 8),
            "hr": body["hr"] + dice.randint(-6, 8),
            "rr": body["rr"] + dice.randint(-1, 2),
            "spo2": spo2,
            "spo2_low": spo2 - dice.randint(3, 5),
            "weight": round(body["weight"] + dice.uniform(-0.6, 0.6), 1),
            "meal": dice.randint(5, 10),
            "water": dice.randrange(300, 900, 50),
            "nrs": dice.randint(1, 4),
            "prn": dice.randint(0, 3),
        }

    def _in_hours(self, dice: random.Random, at: datetime, profession: str, last: Line | None) -> datetime:
        """A time of day at which this profession writes, never before the line above."""
        first, until = self._phrases["hours"][profession]
        local = at.astimezone(TOKYO)
        if not first <= local.hour < until:
            local = local.replace(hour=dice.randrange(first, until))
        return max(local, last.at + timedelta(minutes=1)) if last else local

    def _seen(self, dice: random.Random, logins: list[str], by: str, most: int) -> tuple[str, ...]:
        others = [login for login in logins if login != by]
        return tuple(dice.sample(others, min(dice.randint(0, most), len(others))))
