"""A night in which time runs thirty times faster: a ward of five groups, its phones, and what they will send."""

import time
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from casenet import clock, groups
from casenet.database import transaction
from casenet.ids import new_id
from tests import night
from tests.faults.phones import Letter, Phone
from tests.faults.recorders import Browsers
from tests.house import House, caller

HASTE = 30  # a step of five minutes lasts ten seconds
GROUPS = 5
# Who carries which device. Ito and Mori are no members until a call reaches them.
DEVICES = ("tanaka", "tanaka", "sato", "sato", "sato", "suzuki", "suzuki", "abe", "abe", "abe")
WITH_PUSH = ("sato", "tanaka", "mori")
CONFIRMS = ("sato",)  # whose service worker confirms, so that no mail follows

# The waits stand in the plan that an alert freezes; here only the written due time is brought nearer.
HURRY = b"""
create function hurry() returns trigger language plpgsql as $$
begin
    if new.state = 'open' and new.next_step_at is distinct from old.next_step_at then
        new.next_step_at := statement_timestamp() + (new.next_step_at - statement_timestamp()) / 30;
    end if;
    return new;
end $$;
create trigger hurry before insert or update of next_step_at on alert for each row execute function hurry();
"""


@dataclass
class Ward:
    """Group ids, everybody's id by name, and the phones."""

    group_ids: list[UUID]
    people: dict[str, UUID]
    phones: list[Phone]

    def of(self, name: str) -> Phone:
        return self.phones[DEVICES.index(name)]

    def letters(self, kind: str) -> list[Letter]:
        return [letter for phone in self.phones for letter in phone.letters if letter.kind == kind]

    def is_idle(self) -> bool:
        return all(phone.is_idle() for phone in self.phones)


def open_ward(house: House, browsers: Browsers, chance: Random, owner: psycopg.Connection) -> Ward:
    """Five groups with one team, browsers that are pushed to, ten phones."""
    now = clock.now()
    with transaction() as session:
        first = night.open_ward(session, now)
        group_ids = [first.group_id]
        for number in range(2, GROUPS + 1):
            group_ids.append(new_id())
            patient = groups.PatientView(f"架空 {number}", "カクウ", night.PATIENT.birth_date, "male", "")
            opened = partial(groups.open_group, session, group_ids[-1], patient, now=now)
            opened(
                founder_id=first.people["tanaka"],
                org_id=first.offices["clinic"],
                function="attending_physician",
            )
            session.flush()
            entry = groups.enter(session, first.people["tanaka"], group_ids[-1], groups.Permission.INVITE)
            for name, function in night.FUNCTIONS.items():
                groups.add_member(session, entry, first.people[name], function=function, now=now)
        for name in WITH_PUSH:
            endpoint = browsers.endpoint(name)
            night.subscribe(session, first.people[name], browsers.browser(name), endpoint, now)
    assert f"/ {HASTE};".encode() in HURRY
    owner.execute(HURRY)
    phones = [
        Phone(caller(house, first.people[name]), group_ids, Random(chance.random())) for name in DEVICES
    ]
    return Ward(group_ids, first.people, phones)


def plan(ward: Ward, chance: Random, *, posts: int, alerts: int, seconds: float) -> None:
    """Put into the phones what their people will write within `seconds`."""
    starts = time.monotonic()
    for number in range(posts):
        letter = post(chance.choice(ward.group_ids), f"報告{number}", starts + chance.uniform(0, seconds))
        phone = chance.choice(ward.phones)
        if number % 10 == 0:
            letter.then = partial(_correct, phone, letter)
        phone.write(letter)
    for number in range(alerts):
        letter = alert(ward, chance, f"急変{number}", starts + chance.uniform(0, seconds * 0.8))
        if number % 3 == 0:  # the others are answered from a notification, or never
            answerer = ward.of(chance.choice(("tanaka", "suzuki", "sato")))
            letter.then = partial(_answer, answerer, chance.uniform(0.5, 12), chance.uniform(0.5, 5))
        chance.choice(ward.phones).write(letter)


def post(group_id: UUID, text: str, at: float) -> Letter:
    body = {"id": str(new_id()), "kind": "report", "text": text}
    return Letter("post", f"/groups/{group_id}/posts", body, at)


def alert(ward: Ward, chance: Random, text: str, at: float) -> Letter:
    level = chance.choice(("E2", "E3", "E3", "E4"))
    body: dict[str, Any] = {
        "id": str(new_id()),
        "post_id": str(new_id()),
        "level": level,
        "signs": [],
        "situation": text,
    }
    return Letter("alert", f"/groups/{chance.choice(ward.group_ids)}/alerts", body, at)


def _correct(phone: Phone, letter: Letter, answer: dict[str, Any]) -> None:
    body = {"revision": 2, "text": f"{letter.body['text']}の訂正"}
    phone.write(Letter("revision", f"{letter.path}/{letter.body['id']}/revisions", body, time.monotonic()))


def _answer(phone: Phone, after: float, end_after: float, answer: dict[str, Any]) -> None:
    def end(taken: dict[str, Any]) -> None:
        if taken:
            phone.write(ending(answer["id"], time.monotonic() + end_after))

    path = f"/alerts/{answer['id']}/acknowledgement"
    phone.write(Letter("acknowledgement", path, {}, time.monotonic() + after, then=end))


def ending(alert_id: str, at: float) -> Letter:
    """終了: somebody came."""
    return Letter("resolution", f"/alerts/{alert_id}/resolution", {"outcome": "nurse_visit"}, at)


def service_worker(ward: Ward, chance: Random) -> Any:
    """What phones do with a push: confirm it, and now and then answer from the notification itself."""

    def on_push(name: str, message: dict[str, Any]) -> None:
        at, path = time.monotonic(), f"/pings/{message['ping_token']}"
        # The device that has the browser is not always the one with the page: any of them may carry it.
        device = ward.of(name) if name in DEVICES else ward.phones[0]
        if name in CONFIRMS:
            device.write(Letter("receipt", f"{path}/receipt", {}, at))
        if name == "mori" and chance.random() < 0.2:
            device.write(Letter("acknowledgement", f"{path}/acknowledgement", {}, at + 1))

    return on_push
