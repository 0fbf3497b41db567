"""The text of an urgent post: signs, then situation, background, assessment, request (domain 5.13)."""

from dataclasses import dataclass

from casenet.errors import Invalid
from casenet.words import room, say

SIGN_KEY = "sign."
SIGNS_MAX = 20


def signs() -> tuple[str, ...]:
    """The codes of the signs that can be named with one tap."""
    return tuple(key.removeprefix(SIGN_KEY) for key in room("alerts") if key.startswith(SIGN_KEY))


@dataclass(frozen=True, slots=True)
class Report:
    """What the caller says. Only the situation is needed: at night nobody fills four fields first."""

    signs: tuple[str, ...]
    situation: str
    background: str = ""
    assessment: str = ""
    request: str = ""


def compose(report: Report) -> str:
    """The report as one text, each part under its heading. Raises Invalid for a sign that nobody knows."""
    if unknown := set(report.signs) - set(signs()):
        raise Invalid("sign-unknown", dict.fromkeys((f"signs.{sign}" for sign in sorted(unknown)), "unknown"))
    named = "、".join(say(f"alerts.{SIGN_KEY}{sign}") for sign in dict.fromkeys(report.signs))
    parts = {
        "signs": named,
        "situation": report.situation,
        "background": report.background,
        "assessment": report.assessment,
        "request": report.request,
    }
    lines = [
        f"【{say(f'alerts.sbar.{name}')}】{text.strip()}" for name, text in parts.items() if text.strip()
    ]
    return "\n".join(lines)
