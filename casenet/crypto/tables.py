"""The keys of patient groups, wrapped. No key stands here in the clear."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class GroupKeyRow(Base):
    """One epoch of one group's root key, wrapped under a version of the key-encryption key."""

    __tablename__ = "group_key"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[Uuid]
    kek_version: Mapped[int]
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("state in ('pending', 'active', 'old', 'shredded')", name="state"),
        Index("uq_group_key_active", "group_id", unique=True, postgresql_where=text("state = 'active'")),
    )
