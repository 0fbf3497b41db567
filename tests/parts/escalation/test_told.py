"""Who hears of a call at once: the workers by NOTIFY, every member's open app by the bell."""

import json
from typing import Any

import psycopg
import redis

from casenet import clock, escalation
from casenet.config import Config
from casenet.database import transaction
from casenet.groups import Permission
from tests.night import open_ward


def test_a_call_wakes_the_workers_and_rings_members_and_whoever_was_let_in(database: Config) -> None:
    with transaction() as session:
        ward = open_ward(session, clock.now())
    url = database.database_url.replace("+psycopg", "")
    ring = redis.Redis.from_url(database.redis_url).pubsub()
    ring.subscribe("casenet:bell")
    with psycopg.connect(url, autocommit=True) as ear:
        ear.execute("LISTEN alerts_due")

        with transaction() as session:
            # Sato is on call herself: Ito, her backup, is asked, who is no member.
            entry = ward.entry(session, "sato", Permission.RAISE)
            alert, _ = escalation.raise_alert(session, entry, ward.call(), now=clock.now())

        assert [note.channel for note in ear.notifies(timeout=5, stop_after=1)] == ["alerts_due"]
    rung = heard(ring)
    calls = [message for message in rung if message.get("r") == f"alert:{alert.id}"]
    assert rung[0] == calls[0]  # before the timeline
    members = {ward.people[name].hex for name in ("sato", "ito", "tanaka", "suzuki", "abe")}
    assert set(calls[0]["p"]) == members
    with transaction() as session:
        last = ward.entry(session, "abe").last_sequence
    assert max(message["n"] for message in rung if "g" in message) == last


def heard(ring: "redis.client.PubSub") -> list[dict[str, Any]]:
    """Every message so far."""
    found: list[dict[str, Any]] = []
    while message := ring.get_message(timeout=0.5):
        if message["type"] == "message":
            found.append(json.loads(message["data"]))
    return found
