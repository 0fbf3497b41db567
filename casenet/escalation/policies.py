"""Keep whom a group wants to be asked, and in which order."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from casenet import audit
from casenet.errors import Conflict, Invalid
from casenet.escalation import rules
from casenet.escalation.queries import PolicyView, policy
from casenet.escalation.rules import PolicyStep, Target
from casenet.escalation.tables import EscalationPolicy
from casenet.groups import Entry


def set_policy(
    session: Session, entry: Entry, steps: tuple[PolicyStep, ...], *, expected_revision: int, now: datetime
) -> PolicyView:
    """Set whom the group wants to be asked, for alerts raised from now on.

    expected_revision   What the writer saw. Raises Conflict when it has moved on, Invalid for no steps,
                        too many, or a facility named for a step that asks a function.
    """
    if not 1 <= len(steps) <= rules.STEPS_MAX:
        raise Invalid("policy-length", {"steps": "length"})
    functions = (Target.ATTENDING_PHYSICIAN, Target.DEPUTY_PHYSICIAN)
    if any(step.facility_id and step.target in functions for step in steps):
        raise Invalid("policy-facility", {"steps": "facility"})
    kept = [
        {"target": step.target, "facility_id": str(step.facility_id) if step.facility_id else None}
        for step in steps
    ]
    values = {"steps": kept, "updated_by": entry.person_id, "updated_at": now}
    # Revision 0 is the default: the first writer inserts, a second first writer finds revision 1.
    first = insert(EscalationPolicy).values(group_id=entry.group_id, revision=1, **values)
    next_one = update(EscalationPolicy).where(
        EscalationPolicy.group_id == entry.group_id, EscalationPolicy.revision == expected_revision
    )
    written = session.scalar(
        next_one.values(revision=expected_revision + 1, **values).returning(EscalationPolicy.revision)
        if expected_revision
        else first.on_conflict_do_nothing().returning(EscalationPolicy.revision)
    )
    if written is None:
        raise Conflict("policy-moved-on", revision=policy(session, entry.group_id).revision)
    audit.record(
        session, person_id=entry.person_id, action="policy.set", group_id=entry.group_id, revision=written
    )
    return PolicyView(steps, written)
