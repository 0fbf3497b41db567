"""Tasks of the night. They run without the key: nothing here may open a seal."""

from workers import rounds
from workers.app import app


@app.task(name="alerts.advance")
def advance() -> None:
    """Make the next move of every due alert."""
    if rounds.move_alerts():
        rounds.send_pings()
    rounds.beat("alerts.advance")


@app.task(name="alerts.send")
def send() -> None:
    """Send every due ping."""
    rounds.send_pings()
    rounds.beat("alerts.send")
