"""Tasks of sheets: print and deliver what was released, remind of missing receipts.

No task carries an id: each takes what is due in PostgreSQL under a lease. A task lost with its broker is
done by the next one of the timetable; one killed half-way is done again when its lease ends, once.
"""

import structlog

from casenet import sheets
from casenet.crypto import drop_old_rings
from casenet.database import transaction
from casenet.sheets import Claim
from workers import rounds
from workers.app import app

log = structlog.get_logger()


@app.task(name="sheets.render")
def render() -> None:
    """Print and deliver everything that waits. Keys that nobody has used for a minute go."""
    drop_old_rings()
    while claims := _claimed():
        for claim in claims:
            _deliver(claim)
    rounds.beat("sheets.render")


@app.task(name="sheets.remind")
def remind() -> None:
    """Remind senders of sheets that no hospital has confirmed."""
    with transaction() as session:
        sheets.remind_due(session, now=rounds.database_now(session))


def _claimed() -> list[Claim]:
    with transaction() as session:
        return sheets.claim_due(session, now=rounds.database_now(session))


def _deliver(claim: Claim) -> None:
    try:
        with transaction() as session:
            job = sheets.job_of(session, claim)
        if job is None:
            return
        content = sheets.render(job)
        with transaction() as session:
            sheets.record_delivery(session, job, content, now=rounds.database_now(session))
    except Exception as error:  # noqa: BLE001
        # Only the kind: the text may hold what stands on the sheet. One bad sheet must not stop the
        # others; its lease ends and it is tried again, and /health/late turns red meanwhile.
        kind = type(error).__name__
        log.error("sheet_not_delivered", handover_id=str(claim.handover_id), error=kind)
