"""What the lamp in every phone and the operator's check look at."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from casenet import clock
from casenet.escalation.tables import Heartbeat
from casenet.ids import new_id
from casenet.web.night_numbers import known_heartbeats
from tests.night import open_ward
from tests.web.conftest import Phone

Beats = Callable[..., None]


@pytest.fixture
def beats(session: Session) -> Beats:
    """Processes by name, and how many seconds ago each finished a round."""

    def beat(**seconds: float) -> None:
        for name, ago in seconds.items():
            at = clock.now() - timedelta(seconds=ago)
            session.merge(Heartbeat(process=name.replace("_", "."), at=at))
        session.commit()

    return beat


def lamp(app: Flask) -> tuple[int, object]:
    answer = app.test_client().get("/health/late")
    assert answer.json is not None
    return answer.status_code, answer.json["silent"]


def test_the_lamp_is_green_while_everybody_finishes_rounds(app: Flask, beats: Beats) -> None:
    beats(nightwatch=1, alerts_advance=2, sheets_render=59, housekeeping_expire=500)

    assert lamp(app) == (200, [])


def test_it_is_red_when_a_process_is_silent_for_a_minute(app: Flask, beats: Beats) -> None:
    beats(nightwatch=1, alerts_advance=61)

    assert lamp(app) == (503, ["alerts.advance"])


def test_it_is_red_where_nightwatch_never_ran(app: Flask, beats: Beats) -> None:
    beats(alerts_advance=1)

    assert lamp(app) == (503, ["nightwatch"])


def test_a_process_of_the_version_before_keeps_no_lamp_red(
    app: Flask, beats: Beats, session: Session
) -> None:
    """An update stops the old worker a moment after the migration that forgets its heartbeat."""
    beats(nightwatch=1, alerts_advance=1, alerts_send=4000)

    assert lamp(app) == (200, [])
    assert known_heartbeats(session).keys() == {"nightwatch", "alerts.advance"}


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("alerts", "UPDATE alert SET next_step_at = now() - interval '61 seconds'"),
        ("pings", "UPDATE ping SET due_at = now() - interval '61 seconds' WHERE state = 'pending'"),
    ],
)
def test_who_is_there_hides_nothing_that_is_late(
    app: Flask, beats: Beats, session: Session, phone_of: Callable[[UUID], Phone], what: str, change: str
) -> None:
    ward = open_ward(session, clock.now())
    beats(nightwatch=1, alerts_advance=1)
    body = {
        "id": str(new_id()),
        "post_id": str(new_id()),
        "level": "E3",
        "signs": ["fever"],
        "situation": "高熱です",
    }
    raised = phone_of(ward.people["abe"]).post(f"/groups/{ward.group_id}/alerts", body)
    assert raised.status_code == 201
    assert lamp(app) == (200, [])

    session.execute(text(change))
    session.commit()
    late = app.test_client().get("/health/late")

    assert late.status_code == 503
    assert late.json is not None
    assert (late.json["late"], late.json[what] > 0) == (True, True)
