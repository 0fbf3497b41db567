"""Patient groups: who belongs to a patient's team, with which rights, and the patient's sealed record.

`enter` is the only way in: it finds the group and checks the right at once; outside, the group does not exist.
`arrive` asks the same with a session token in hand. Whom it let in may be `recalled` by a statement that asks again.
"""

from casenet.groups.access import (
    NO_TEAM,
    Audience,
    Entry,
    Team,
    admitted,
    audience,
    enter,
    entries_of,
    entry_for_system,
    heard,
    heard_by,
    team_of,
)
from casenet.groups.actions import (
    add_member,
    admit_for_cover,
    leave_all,
    open_group,
    remove_member,
    save_record,
)
from casenet.groups.arrivals import Recalled, arrive, recall, seen_again, standing, still_stands
from casenet.groups.numbers import (
    give_back_mark,
    give_back_sequence,
    next_mark,
    next_sequence,
    next_sequences,
)
from casenet.groups.queries import (
    MemberView,
    PatientView,
    RecordView,
    host_and_members,
    members,
    patient,
    patients,
    record,
    record_fields,
)
from casenet.groups.rules import FUNCTIONS, RIGHTS, ROLE_OF_PROFESSION, Permission, function_fits, may

__all__ = [
    "FUNCTIONS",
    "NO_TEAM",
    "RIGHTS",
    "ROLE_OF_PROFESSION",
    "Audience",
    "Entry",
    "MemberView",
    "PatientView",
    "Permission",
    "Recalled",
    "RecordView",
    "Team",
    "add_member",
    "admit_for_cover",
    "admitted",
    "arrive",
    "audience",
    "enter",
    "entries_of",
    "entry_for_system",
    "function_fits",
    "give_back_mark",
    "give_back_sequence",
    "heard",
    "heard_by",
    "host_and_members",
    "leave_all",
    "may",
    "members",
    "next_mark",
    "next_sequence",
    "next_sequences",
    "open_group",
    "patient",
    "patients",
    "recall",
    "record",
    "record_fields",
    "remove_member",
    "save_record",
    "seen_again",
    "standing",
    "still_stands",
    "team_of",
]
