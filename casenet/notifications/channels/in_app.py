"""Open apps: ring the person's bell; the app then asks for what it lacks. May be lost: never the only one."""

from casenet.config import Config
from casenet.notifications.letters import Letter, Outcome
from casenet.realtime import ring_person


def send(letter: Letter, settings: Config) -> Outcome:
    """Ring. A bell never fails, it is only not heard."""
    ring_person(letter.person_id, f"{letter.about}:{letter.about_id}")
    return Outcome.sent()
