"""The audit trail. The application may insert and read, nothing else (migration 0001 grants no more)."""

from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Enum, Identity, Index
from sqlalchemy import Uuid as UuidColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class AuditEvent(Base):
    """One act or one reading.

    person_id   None for the system itself (escalation, rendering).
    readers     For a live delivery: everybody whose phone is sent posts from number `revision` on, by the process
                `object_id`, until its next row about the group; LIVE_MINUTES at most.
    detail      Ids, codes and numbers only.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[Instant]
    person_id: Mapped[Uuid | None]
    action: Mapped[str]
    group_id: Mapped[Uuid | None]
    object_id: Mapped[Uuid | None]
    revision: Mapped[int | None] = mapped_column(BigInteger)
    decision: Mapped[str] = mapped_column(Enum("allowed", "denied", name="audit_decision"))
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    session_id: Mapped[Uuid | None]
    readers: Mapped[list[UUID] | None] = mapped_column(ARRAY(UuidColumn))
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        Index("ix_audit_event_group_at", "group_id", "at"),
        Index("ix_audit_event_person_at", "person_id", "at"),
    )
