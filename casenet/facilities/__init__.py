"""Offices (事業所) and the staff that they own: who belongs where, who administers."""

from casenet.facilities.actions import NewFacility, add_facility, add_staff, invite_again, leave
from casenet.facilities.queries import (
    CardView,
    FacilityView,
    StaffView,
    administers,
    administrators,
    cards_of,
    facilities,
    facilities_of,
    facility,
    facility_of,
    staff_of,
)

__all__ = [
    "CardView",
    "FacilityView",
    "NewFacility",
    "StaffView",
    "add_facility",
    "add_staff",
    "administers",
    "administrators",
    "cards_of",
    "facilities",
    "facilities_of",
    "facility",
    "facility_of",
    "invite_again",
    "leave",
    "staff_of",
]
