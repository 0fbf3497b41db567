"""The cast: invented people whom tests know by name, each with one sentence about their rights."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from casenet import facilities, groups, identity
from casenet.ids import new_id
from casenet.timeline import Draft

NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # 12:00 in Japan, a Friday


@dataclass(frozen=True)
class Cast:
    """Two groups. The second exists so that "sees nothing" means something.

    clinic, station, office     三つの事業所
    sato        医師 of the clinic, 主治医 of the group, administrator of the clinic
    tanaka      訪問看護師 of the station, member, founder of the group
    mori        ケアマネジャー of the office, member
    ito         訪問介護員, member: posts, raises calls, does not answer them, writes no instruction
    ogawa       看護師 of the station, no member of the group, member of the other: the outsider
    """

    clinic: UUID
    station: UUID
    office: UUID
    sato: UUID
    tanaka: UUID
    mori: UUID
    ito: UUID
    ogawa: UUID
    group: UUID
    other_group: UUID


PEOPLE: dict[str, tuple[str, str, str, str]] = {
    "sato": ("clinic", "佐藤 架子", "サトウ カコ", "physician"),
    "tanaka": ("station", "田中 空子", "タナカ ソラコ", "nurse"),
    "mori": ("office", "森 設子", "モリ セツコ", "care_manager"),
    "ito": ("office", "伊藤 仮一", "イトウ カイチ", "home_helper"),
    "ogawa": ("station", "小川 外子", "オガワ ソトコ", "nurse"),
}

PATIENT = groups.PatientView(
    name="架空 ハル",
    kana="カクウ ハル",
    birth_date=date(1938, 4, 12),
    sex="female",
    address="東京都架空区一丁目",
    tel="03-0000-0000",
    summary="要介護3・在宅酸素",
)
OTHER_PATIENT = groups.PatientView(
    name="別人 アキ", kana="ベツジン アキ", birth_date=date(1940, 1, 2), sex="male", address="東京都別区"
)


def assemble(session: Session, *, now: datetime = NOON) -> Cast:
    """Put the cast into an empty database through the parts' own actions."""
    offices: dict[str, UUID] = {}
    for key, kind, name in (
        ("clinic", "clinic", "架空在宅クリニック"),
        ("station", "home_nursing", "架空訪問看護ステーション"),
        ("office", "care_management", "架空居宅介護支援事業所"),
    ):
        offices[key] = new_id()
        office = facilities.NewFacility(offices[key], kind, name, tel="03-0000-0001")
        facilities.add_facility(session, office, by=None, now=now)
    people: dict[str, UUID] = {}
    for key, (home, name, kana, profession) in PEOPLE.items():
        people[key] = new_id()
        person = identity.NewPerson(people[key], key, f"{key}@casenet.example", name, kana, profession)
        leads = key in ("sato", "tanaka", "mori")
        facilities.add_staff(session, offices[home], person, is_administrator=leads, by=None, now=now)
    group, other_group = new_id(), new_id()
    _found(session, group, PATIENT, people["tanaka"], offices["station"], now)
    _found(session, other_group, OTHER_PATIENT, people["ogawa"], offices["station"], now)
    entry = groups.enter(session, people["tanaka"], group, groups.Permission.INVITE)
    for key, function in (
        ("sato", "attending_physician"),
        ("mori", "responsible_care_manager"),
        ("ito", None),
    ):
        groups.add_member(session, entry, people[key], function=function, now=now)
    return Cast(**offices, **people, group=group, other_group=other_group)


def _found(
    session: Session, group: UUID, patient: groups.PatientView, founder: UUID, org: UUID, now: datetime
) -> None:
    groups.open_group(
        session, group, patient, founder_id=founder, org_id=org, function="visiting_nurse", now=now
    )


def report(text: str = "血圧 120/70、変わりなし。", **changes: Any) -> Draft:
    """A report as a phone would draft it."""
    return Draft(**({"id": new_id(), "kind": "report", "text": text} | changes))


def sign_in(session: Session, person_id: UUID, *, now: datetime | None = None) -> str:
    """A full session's token for this person, without the two factors (which have tests of their own)."""
    from casenet import clock

    return identity.open_session(session, person_id, device="test", hours=12, now=now or clock.now())
