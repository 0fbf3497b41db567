"""Sheets to hospitals: drafted from what the team wrote, frozen at release, printed, handed over, confirmed.

A sheet is a versioned form (forms/), not columns. Every value has a source; posts only offer. From release
on the answers do not change and are hashed. The hospital needs no account: a one-time link, six digits that
travel another way, one browser. Every disclosure stands in the audit trail with its recipient.
"""

from casenet.sheets.actions import (
    CHANNEL,
    draft_sheet,
    note_refusal,
    release_sheet,
    revise_sheet,
    withdraw_sheet,
)
from casenet.sheets.compose import Offer, Source
from casenet.sheets.delivery import (
    Claim,
    Job,
    claim_due,
    job_of,
    new_link,
    record_delivery,
    remind_due,
    render,
)
from casenet.sheets.forms import Form, form
from casenet.sheets.preview import preview
from casenet.sheets.printing import warm_up
from casenet.sheets.queries import (
    FeeView,
    HandoverView,
    SheetLine,
    SheetView,
    document,
    enter_sheet,
    lines,
    lines_of,
    overdue,
    picture,
    revisions,
    view,
)
from casenet.sheets.reception import (
    RETURN_REASONS,
    Opening,
    Ward,
    confirm_receipt,
    look,
    open_link,
    read_document,
    send_back,
)
from casenet.sheets.rules import COMPLETENESS, LINK_VALID

__all__ = [
    "CHANNEL",
    "COMPLETENESS",
    "LINK_VALID",
    "RETURN_REASONS",
    "Claim",
    "FeeView",
    "Form",
    "HandoverView",
    "Job",
    "Offer",
    "Opening",
    "SheetLine",
    "SheetView",
    "Source",
    "Ward",
    "claim_due",
    "confirm_receipt",
    "document",
    "draft_sheet",
    "enter_sheet",
    "form",
    "job_of",
    "lines",
    "lines_of",
    "look",
    "new_link",
    "note_refusal",
    "open_link",
    "overdue",
    "picture",
    "preview",
    "read_document",
    "record_delivery",
    "release_sheet",
    "remind_due",
    "render",
    "revise_sheet",
    "revisions",
    "send_back",
    "view",
    "warm_up",
    "withdraw_sheet",
]
