"""The invented ward is written through the real actions and reads back."""

import json

from casenet import clock, groups, timeline
from casenet.cli.world import write_ward
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
