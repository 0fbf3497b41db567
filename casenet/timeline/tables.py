"""The timeline as a log: every post and every correction is a row, numbered without gaps per group."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Enum, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class TimelineRevision(Base):
    """One post (revision 1) or one correction of it (2, 3 …). Rows are only ever added.

    sequence    Gapless per group, in the order of commits, taken under the group's row lock.
    body        Sealed text; None in a notice.
    notice      What the system or a step of a call did: codes and ids only, in the clear, so that it can
                be written without a key.
    """

    __tablename__ = "timeline_revision"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    post_id: Mapped[Uuid]
    revision: Mapped[int]
    # A type, not a check: a check is parsed anew by every INSERT.
    kind: Mapped[str] = mapped_column(
        Enum("report", "question", "instruction", "urgent", "notice", name="post_kind")
    )
    author_id: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    reply_to: Mapped[Uuid | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    notice: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("group_id", "post_id", "revision"),
        CheckConstraint(
            "(kind = 'notice') = (body IS NULL) AND (body IS NULL) = (notice IS NOT NULL) "
            "AND (body IS NULL) = (author_id IS NULL)",
            name="content",
        ),
    )


class PostMark(Base):
    """One 了解: this person has taken note of this post. Numbered like the timeline, by its own counter."""

    __tablename__ = "post_mark"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    mark: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    post_id: Mapped[Uuid]
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]

    __table_args__ = (UniqueConstraint("group_id", "post_id", "person_id"),)


class ReadMark(Base):
    """How far one member has read. One row for each member and group, not one for each post."""

    __tablename__ = "read_mark"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[Instant]
