"""Shared types of everything that comes in over HTTP. They refuse what JSON lets slip.

A number is no date, a NUL is no text (PostgreSQL stores none), a time without zone is no instant, and a
field that nobody asked for is an error.
"""

import re
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# Line ends, and what turns the writing direction of what stands beside it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


_YEARS = range(1900, 2200)


def _text_only(value: object) -> object:
    if not isinstance(value, (str, date, UUID)):
        raise ValueError("must be text")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    return _unicode(value)


def _unicode(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return value


def _one_line(value: str) -> str:
    if _CONTROL.search(value) or not value.strip():
        raise ValueError("must be one line of text")
    return value


def _with_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must name its time zone")
    if value.year not in _YEARS:
        raise ValueError("must be in our time")  # a week after the year 9999 there is no day
    return value


class Shape(BaseModel):
    """Base of all request and response bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


Line = Annotated[
    str,
    BeforeValidator(_text_only),
    AfterValidator(_no_nul),
    AfterValidator(_one_line),
    Field(min_length=1, max_length=200),
]
# As browsers check it (HTML): whatever a mail server could take for a second address is none.
MailAddress = Annotated[Line, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$")]
OptionalLine = Annotated[str, BeforeValidator(_text_only), AfterValidator(_no_nul), Field(max_length=200)]
Text = Annotated[
    str, BeforeValidator(_text_only), AfterValidator(_no_nul), Field(min_length=1, max_length=10_000)
]
OptionalText = Annotated[str, BeforeValidator(_text_only), AfterValidator(_no_nul), Field(max_length=10_000)]
# Its length is checked where it is chosen and where it is tried.
Password = Annotated[str, BeforeValidator(_text_only), AfterValidator(_unicode)]
Code = Annotated[
    str, BeforeValidator(_text_only), Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")
]
Id = Annotated[UUID, BeforeValidator(_text_only)]
Day = Annotated[date, BeforeValidator(_text_only)]
Moment = Annotated[datetime, BeforeValidator(_text_only), AfterValidator(_with_zone)]
# A sequence fits PostgreSQL's bigint.
Sequence = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `errors` names fields by path and code, never by content."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    errors: list[dict[str, str]] | None = None
