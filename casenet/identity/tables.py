"""Natural persons and how they prove who they are. Which office they belong to is the facilities' matter."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class Person(Base):
    """One natural person; there are no shared accounts (MHLW guideline 6.0).

    licence         The licence held, apart from any role: rules on nursing name it (domain 5.9).
    password_hash   Argon2id over the peppered password; None until the invitation is taken up.
    totp_secret     Sealed under the key-encryption key.
    totp_step       The last 30-second step that was used: no code opens twice.
    """

    __tablename__ = "person"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    login: Mapped[str]
    email: Mapped[str]
    name: Mapped[str]
    name_kana: Mapped[str]
    profession: Mapped[str]
    licence: Mapped[str | None]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int | None]
    enrolled_at: Mapped[Instant | None]
    suspended_at: Mapped[Instant | None]
    created_at: Mapped[Instant]

    __table_args__ = (
        Index("uq_person_login", text("lower(login)"), unique=True),
        Index("uq_person_email", text("lower(email)"), unique=True),
    )


class SessionRow(Base):
    """One sign-in of one device, so that a lost phone can be signed out alone.

    state   "code": the password was right, the second factor is awaited; "full": signed in.
    """

    __tablename__ = "session"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Instant]
    last_seen_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    device: Mapped[str]

    __table_args__ = (CheckConstraint("state in ('code', 'full')", name="state"),)


class Invitation(Base):
    """A one-time link by which a new person sets password and second factor."""

    __tablename__ = "invitation"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"), index=True)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]


class Guess(Base):
    """Wrong sign-ins of late, by a hash of account and address, of account, or of address."""

    __tablename__ = "guess"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    not_before: Mapped[Instant]
    last_at: Mapped[Instant] = mapped_column(index=True)
