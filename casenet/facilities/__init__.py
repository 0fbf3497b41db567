"""Offices (事業所) and the staff that they own: who belongs where, who administers."""

from casenet.facilities.actions import NewFacility, add_facility, add_staff, invite_again, leave
from casenet.facilities.queries import (
    FacilityView,
    StaffView,
    administers,
    administrators,
    facilities,
    facilities_of,
    facility,
    facility_of,
    staff_of,
)

__all__ = [
    "FacilityView",
    "NewFacility",
    "StaffView",
    "add_facility",
    "add_staff",
    "administers",
    "administrators",
    "facilities",
    "facilities_of",
    "facility",
    "facility_of",
    "invite_again",
    "leave",
    "staff_of",
]
