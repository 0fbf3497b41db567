"""Tasks of the night. They run without the key: nothing here may open a seal."""

from workers import rounds
from workers.app import app


@app.task(name="alerts.advance")
def advance() -> None:
    """Make the next move of every due alert, then send every due ping.

    One task, because one tick a second for it is half of what an installation does at night when nothing happens.
    While a slow server holds up the sending, the next tick's moves are made by the other child.
    """
    rounds.move_alerts()
    rounds.send_pings()
    rounds.beat("alerts.advance")
