"""What may be posted by whom."""

from dataclasses import dataclass
from uuid import UUID

from casenet.errors import Invalid, NotAllowed
from casenet.groups import Permission, may

TEXT_CHARS_MAX = 10_000  # five pages; a longer text is a document
PAGE_MAX = 200  # revisions in one answer (OWASP API4)
AWAITING_ROWS = 200  # how far back the list looks for what waits for a 了解
AWAITING_DAYS = 7  # older ones are settled by telephone or by time
NOTICE_ID_VERSION = 5  # made by name: a member who took such an id first would keep the notice out
MEMBER_KINDS = ("report", "question", "instruction", "urgent")


@dataclass(frozen=True, slots=True)
class Draft:
    """A post as the phone made it. `id` is the phone's own (UUIDv7) and names the post for ever."""

    id: UUID
    kind: str
    text: str
    reply_to: UUID | None = None


def check_draft(draft: Draft, role: str) -> None:
    """Raise Invalid or NotAllowed when this role may not post this."""
    if draft.id.version == NOTICE_ID_VERSION:
        raise Invalid("input-invalid", {"id": "version"})
    if draft.kind not in MEMBER_KINDS:
        raise Invalid("kind-unknown", {"kind": "unknown"})
    check_text(draft.text)
    if draft.kind == "instruction" and not may(role, Permission.INSTRUCT):
        raise NotAllowed("instruction-not-allowed")
    if draft.kind == "urgent" and not may(role, Permission.RAISE):
        raise NotAllowed("urgent-not-allowed")


def check_ordinary(draft: Draft) -> None:
    """Raise Invalid for an urgent post: it calls people, so it comes in by the door of calls, never by this one."""
    if draft.kind == "urgent":
        raise Invalid("urgent-is-a-call", {"kind": "urgent"})


def check_text(text: str) -> None:
    """Raise Invalid for an empty or endless text."""
    if not text.strip():
        raise Invalid("text-empty", {"text": "empty"})
    if len(text) > TEXT_CHARS_MAX:
        raise Invalid("text-too-long", {"text": "too-long"}, chars_max=TEXT_CHARS_MAX)
