"""The invented ward is written through the real actions and reads back."""

import json
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from casenet import clock, groups, rosters, timeline
from casenet.cli.chatter import Chatter
from casenet.cli.world import read, write_ward
from casenet.config import Config
from casenet.database import sessions, transaction


def test_the_ward_reads_back_through_the_doors_of_the_parts(database: Config) -> None:
    maker = sessions(database)

    card = write_ward(maker, now=clock.now(), pepper=database.pepper, posts_max=220)
    maker.kw["bind"].dispose()

    assert len(card["people"]) == 12
    assert len({person["profession"] for person in card["people"]}) >= 7
    assert len(card["groups"]) == 6
    json.dumps(card)
    nurse = next(person for person in card["people"] if person["login"] == "fujita")
    sano = card["groups"][0]
    with transaction() as session:
        entry = groups.enter(session, nurse["id"], sano["id"], groups.Permission.READ)
        assert groups.patient(session, entry).name == "佐野 ハル"
        assert groups.record_fields(session, entry)["rx.oral_text"] == "アピキサバン他7剤"
        log = timeline.posts_after(session, entry, 0, 200)
    assert [line.sequence for line in log] == list(range(1, sano["posts"] + 1))
    assert "追加の訪問" in (log[-1].text or "")
    assert [line.created_at for line in log] == sorted(line.created_at for line in log)


def test_tonight_every_step_of_the_default_chain_finds_somebody(database: Config) -> None:
    now = clock.now()
    maker = sessions(database)
    card = write_ward(maker, now=now, pepper=database.pepper, posts_max=12)
    maker.kw["bind"].dispose()
    tonight = datetime.combine(now.astimezone(rosters.TOKYO).date(), time(23), rosters.TOKYO)
    office = {facility["name"]: facility["id"] for facility in card["facilities"]}
    logins = {person["id"]: person["login"] for person in card["people"]}

    with transaction() as session:
        found = {
            duty: [
                logins[str(one.person_id)]
                for one in rosters.on_call_at(session, UUID(office[name]), duty, tonight)
            ]
            for duty, name in (
                (rosters.Duty.HOME_NURSING_ON_CALL, "訪問看護ステーション みなも"),
                (rosters.Duty.PHYSICIAN_ON_DUTY, "かくう坂在宅クリニック"),
                (rosters.Duty.PARTNER_PHYSICIAN_ON_DUTY, "かくう坂在宅クリニック"),
            )
        }

    assert list(found.values()) == [["fujita", "murakami"], ["aoki", "mizuno"], ["kitamura"]]


def test_the_lines_stand_in_the_order_of_time_whatever_the_hour() -> None:
    chatter, noon = Chatter(read("phrases")), datetime(2026, 11, 20, 3, tzinfo=UTC)
    professions = {
        "aoki": "physician",
        "fujita": "nurse",
        "yamamoto": "home_helper",
        "nakagawa": "care_manager",
    }
    for described in read("patients"):
        for hour in range(24):
            patient = described | {"posts": min(described["posts"], 200)}
            times = [line.at for line in chatter.timeline(patient, professions, noon + timedelta(hours=hour))]

            assert times == sorted(times), (described["key"], hour)
