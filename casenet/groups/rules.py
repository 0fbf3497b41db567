"""Who may do what inside a patient group: one table, on one screen."""

from enum import StrEnum


class Permission(StrEnum):
    """What a member may be allowed to do."""

    READ = "read"  # see the timeline, the members, alerts
    POST = "post"  # report and ask, correct one's own posts, say 了解
    INSTRUCT = "instruct"  # write an instruction (指示)
    RAISE = "raise"  # open an urgent call
    ANSWER = "answer"  # take an urgent call, say what was done, end it
    RECORD = "record"  # see the patient's record beyond the card
    EDIT_RECORD = "edit_record"
    INVITE = "invite"
    REMOVE = "remove"
    POLICY = "policy"  # set the order in which people are called
    SHEET = "sheet"  # draft, edit and release sheets to a hospital
    SHEET_READ = "sheet_read"


_P = Permission
_TEAM = {_P.READ, _P.POST, _P.RAISE, _P.ANSWER, _P.RECORD, _P.SHEET_READ}
_LEADS = _TEAM | {_P.EDIT_RECORD, _P.INVITE, _P.REMOVE, _P.POLICY}

RIGHTS: dict[str, frozenset[Permission]] = {
    #                        read post instruct raise answer record edit invite remove policy sheet sheet_read
    "physician": frozenset(_LEADS | {_P.INSTRUCT}),
    "nurse": frozenset(_LEADS | {_P.INSTRUCT}),
    "care_manager": frozenset(_LEADS | {_P.SHEET}),
    "pharmacist": frozenset(_TEAM | {_P.INSTRUCT}),
    "therapist": frozenset(_TEAM),
    "care_worker": frozenset({_P.READ, _P.POST, _P.RAISE, _P.RECORD}),
    "liaison": frozenset({_P.READ, _P.POST, _P.SHEET_READ}),
    "family": frozenset(),  # the family's own timeline is a later part; staff posts are not theirs to read
    "observer": frozenset({_P.READ}),
}

ROLE_OF_PROFESSION = {
    "physician": "physician",
    "dentist": "physician",
    "pharmacist": "pharmacist",
    "public_health_nurse": "nurse",
    "nurse": "nurse",
    "assistant_nurse": "care_worker",  # 准看護師: no instruction, no invitation (domain 5.9: licence matters)
    "physical_therapist": "therapist",
    "occupational_therapist": "therapist",
    "speech_therapist": "therapist",
    "dietitian": "therapist",
    "dental_hygienist": "therapist",
    "care_manager": "care_manager",
    "care_worker": "care_worker",
    "home_helper": "care_worker",
    "social_worker": "liaison",
    "office_clerk": "observer",
    "family": "family",
    "patient": "family",
}

FUNCTIONS = (
    "attending_physician",
    "deputy_physician",
    "partner_physician",
    "responsible_care_manager",
    "visiting_nurse",
    "visiting_pharmacist",
    "home_help",
    "day_care",
    "rehabilitation",
    "family_keyperson",
)


def may(role: str, permission: Permission) -> bool:
    """True when the role holds the permission."""
    return permission in RIGHTS[role]


def founds_groups(profession: str) -> bool:
    """True for those whose profession may open a group for a patient."""
    return ROLE_OF_PROFESSION.get(profession) in ("physician", "nurse", "care_manager")


def function_fits(function: str | None, role: str) -> bool:
    """True when a member of this role can hold this function: only a physician is a 主治医."""
    if function is None:
        return True
    if function.endswith("_physician"):
        return role == "physician"
    if function == "responsible_care_manager":
        return role == "care_manager"
    return function in FUNCTIONS
