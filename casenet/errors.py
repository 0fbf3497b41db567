"""What the parts raise. A stable code and facts, never an HTTP status: casenet.web.errors maps them.

Facts are ids, codes and numbers. No name and nothing about a patient may stand in one.
"""

from types import TracebackType


class DomainError(Exception):
    """A refusal that the caller can understand and act on.

    code    Stable, kebab-case; documented in docs/api.md and translated by the phone.
    facts   Ids, codes and numbers that the answer may carry.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotFound(DomainError):
    """It does not exist, or not for this person: the two are never told apart."""

    def __init__(self, code: str = "not-found") -> None:
        super().__init__(code)


class NotAllowed(DomainError):
    """The person may know that it exists, but may not do this."""


class NotSignedIn(DomainError):
    """There is no full session behind the request."""


class Invalid(DomainError):
    """The input breaks a rule; nothing was changed. `fields` names which, by path and code."""

    def __init__(self, code: str, fields: dict[str, str] | None = None, **facts: object) -> None:
        super().__init__(code, **facts)
        self.fields = fields or {}


class Conflict(DomainError):
    """The state has moved on since the caller looked."""


class Gone(DomainError):
    """A one-time thing was used or has expired."""


class TooMany(DomainError):
    """A limit was reached. `retry_after_seconds` says when to come back."""

    def __init__(self, code: str, retry_after_seconds: int) -> None:
        super().__init__(code, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class Busy(TooMany):
    """The service itself is at its limit, whoever asks."""


class Unavailable(DomainError):
    """Something that we stand on does not answer now (key, database); try again."""


def place_of(trace: TracebackType | None) -> str:
    """Where an error arose: our last five files and lines on the way, and the very last, whosever it is.

    Without the database's ground, through which every way leads. Nothing else of it may be written down: its
    text may hold what a person typed.
    """
    places: list[str] = []
    while trace:
        frame = trace.tb_frame
        module = str(frame.f_globals.get("__name__"))
        is_ours = module.startswith(("casenet.", "workers.")) and not module.startswith("casenet.database.")
        if is_ours or not trace.tb_next:
            places.append(f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-6:])
