"""An invented ward for the tests of the night: three offices, six people, one patient group, rosters.

Sato      nurse, home-nursing station, on call tonight, member; usually raises or answers first
Ito       nurse, same station, backup tonight, no member
Tanaka    physician, the clinic, 主治医
Suzuki    physician, the clinic, 副主治医
Mori      physician, a partner clinic, on duty tonight for the partners, no member
Abe       care manager, member, not in any chain
Kato      nurse of another place, no member: the outsider
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from casenet import facilities, groups, notifications, rosters
from casenet.escalation import Call, Level, Report
from casenet.facilities import NewFacility
from casenet.groups import Entry, PatientView, Permission
from casenet.identity import NewPerson
from casenet.ids import new_id
from casenet.rosters import Duty, NewShift, Rank

PATIENT = PatientView("架空 花子", "カクウ ハナコ", date(1940, 2, 29), "female", "東京都文京区架空1-2-3")

PEOPLE = {
    "sato": ("station", "nurse", "佐藤 架子"),
    "ito": ("station", "nurse", "伊藤 架美"),
    "tanaka": ("clinic", "physician", "田中 架一"),
    "suzuki": ("clinic", "physician", "鈴木 架二"),
    "mori": ("partner", "physician", "森 架三"),
    "abe": ("planning", "care_manager", "阿部 架代"),
    "kato": ("elsewhere", "nurse", "加藤 架恵"),
}
OFFICES = {
    "clinic": "clinic",
    "station": "home_nursing",
    "planning": "care_management",
    "partner": "clinic",
    "elsewhere": "home_nursing",
}
FUNCTIONS = {
    "sato": "visiting_nurse",
    "suzuki": "deputy_physician",
    "abe": "responsible_care_manager",
}


@dataclass
class Ward:
    """Everybody's id by name; the group; its roster from an hour before `now` for fourteen hours."""

    group_id: UUID
    people: dict[str, UUID]
    offices: dict[str, UUID] = field(default_factory=dict)

    def name_of(self, person_id: UUID | None) -> str | None:
        return next((name for name, known in self.people.items() if known == person_id), None)

    def entry(self, session: Session, name: str, permission: Permission = Permission.READ) -> Entry:
        return groups.enter(session, self.people[name], self.group_id, permission)

    def call(self, level: Level = Level.E3, **report: str) -> Call:
        said = Report(("breathing",), report.pop("situation", "呼吸が苦しそうです"), **report)
        return Call(new_id(), new_id(), level, said)


def open_ward(session: Session, now: datetime) -> Ward:
    """Build the ward through the parts' own verbs."""
    offices = {name: new_id() for name in OFFICES}
    for name, kind in OFFICES.items():
        new = NewFacility(offices[name], kind, f"架空{name}", tel="03-0000-0000")
        facilities.add_facility(session, new, by=None, now=now)
    people: dict[str, UUID] = {}
    for name, (office, profession, full_name) in PEOPLE.items():
        people[name] = new_id()
        person = NewPerson(people[name], name, f"{name}@casenet.example", full_name, "カナ", profession)
        is_administrator = name in ("sato", "tanaka")
        facilities.add_staff(
            session, offices[office], person, is_administrator=is_administrator, by=None, now=now
        )
    ward = Ward(new_id(), people, offices)
    groups.open_group(
        session,
        ward.group_id,
        PATIENT,
        founder_id=people["tanaka"],
        org_id=offices["clinic"],
        function="attending_physician",
        now=now,
    )
    session.flush()
    founder = ward.entry(session, "tanaka", Permission.INVITE)
    for name, function in FUNCTIONS.items():
        groups.add_member(session, founder, people[name], function=function, now=now)
    for office, duty, name, rank in (
        ("station", Duty.HOME_NURSING_ON_CALL, "sato", Rank.FIRST),
        ("station", Duty.HOME_NURSING_ON_CALL, "ito", Rank.BACKUP),
        ("clinic", Duty.PARTNER_PHYSICIAN_ON_DUTY, "mori", Rank.FIRST),
    ):
        since = now - timedelta(hours=1)
        shift = NewShift(new_id(), duty, people[name], since, since + timedelta(hours=14), rank)
        rosters.add_shift(session, offices[office], shift, by=None, now=now)
    session.flush()
    return ward


@dataclass(frozen=True)
class Browser:
    """A phone's side of Web Push: its keys, as a browser makes them."""

    private: ec.EllipticCurvePrivateKey
    auth: bytes

    @classmethod
    def new(cls) -> "Browser":
        return cls(ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef")

    @property
    def p256dh(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def keys(self) -> dict[str, str]:
        def text(value: bytes) -> str:
            return urlsafe_b64encode(value).decode().rstrip("=")

        return {"p256dh": text(self.p256dh), "auth": text(self.auth)}


def subscribe(session: Session, person_id: UUID, browser: Browser, endpoint: str, now: datetime) -> UUID:
    """Have this browser pushed to at `endpoint`."""
    return notifications.subscribe(
        session, person_id, endpoint=endpoint, p256dh=browser.p256dh, auth=browser.auth, now=now
    )
