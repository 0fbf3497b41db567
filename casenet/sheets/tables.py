"""Sheets, their sealed revisions, the printed document, and the links by which hospitals get it."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class Sheet(Base):
    """One sheet of one patient. Its answers stand in its revisions.

    form_version  The form it was drafted with, for ever.
    version       The number of the newest revision; a writer must name it.
    facility_id   The hospital it was released to.
    digest        SHA-256 of the released answers; from release on nothing may change them.
    """

    __tablename__ = "sheet"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), index=True)
    kind: Mapped[str]
    form_version: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    facility_id: Mapped[Uuid | None] = mapped_column(ForeignKey("facility.id"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    released_by: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint(
            "state in ('draft', 'released', 'sent', 'received', 'returned', 'withdrawn')", name="state"
        ),
        CheckConstraint(
            "state in ('draft', 'withdrawn') or (digest is not null and facility_id is not null "
            "and released_by is not null and released_at is not null)",
            name="frozen",
        ),
    )


class SheetRevision(Base):
    """The answers as one writer left them: sealed JSON {values, sources}. Rows are only ever added."""

    __tablename__ = "sheet_revision"

    sheet_id: Mapped[Uuid] = mapped_column(ForeignKey("sheet.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[bytes] = mapped_column(LargeBinary)
    author_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]


class SheetDocument(Base):
    """The released sheet on paper: sealed PDF. One for each sheet; rows are only ever added.

    sha256  Of the PDF before sealing: what the hospital holds can be compared with it.
    """

    __tablename__ = "sheet_document"

    sheet_id: Mapped[Uuid] = mapped_column(ForeignKey("sheet.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    author_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]


class Handover(Base):
    """One link for one hospital. A sheet gets a new one when the last was locked, expired or lost.

    state         waiting (to be rendered and delivered) → sent → opened → received; closed when another
                  link took its place or too many codes were wrong.
    due_at        While waiting: when a worker should take it.
    token_hash    SHA-256 of the token in the link.
    code_hash     HMAC of the six digits with the installation's pepper; six digits alone hide nothing.
    opening       Sealed JSON {token, code}: so that the sender can read them out again.
    browser_hash  SHA-256 of the cookie of the one browser that opened it.
    received_by   Sealed name of whoever confirmed at the hospital.
    remind_at     When to remind the sender that nobody has confirmed.
    """

    __tablename__ = "handover"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    sheet_id: Mapped[Uuid] = mapped_column(ForeignKey("sheet.id"))
    number: Mapped[int]
    state: Mapped[str]
    due_at: Mapped[Instant | None]
    lease_until: Mapped[Instant | None]
    fence: Mapped[int]
    created_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    opening: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int]
    sent_at: Mapped[Instant | None]
    expires_at: Mapped[Instant | None]
    opened_at: Mapped[Instant | None]
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    received_at: Mapped[Instant | None]
    received_by: Mapped[bytes | None] = mapped_column(LargeBinary)
    completeness: Mapped[str | None]
    remind_at: Mapped[Instant | None]
    reminders: Mapped[int]

    __table_args__ = (
        UniqueConstraint("sheet_id", "number"),
        CheckConstraint("state in ('waiting', 'sent', 'opened', 'received', 'closed')", name="state"),
        # A waiting link without a due time would wait for ever.
        CheckConstraint("(state = 'waiting') = (due_at is not null)", name="due"),
        CheckConstraint("completeness in ('complete', 'partly', 'insufficient')", name="completeness"),
        Index("uq_handover_live", "sheet_id", unique=True, postgresql_where=text("state <> 'closed'")),
        Index("ix_handover_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_handover_remind", "remind_at", postgresql_where=text("remind_at is not null")),
    )
