"""The first member of an installation: an office and its administrator, who lets everybody else in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from casenet import clock, config, facilities, identity
from casenet.cli.children import CannotStart
from casenet.config import ConfigError
from casenet.database import transaction
from casenet.errors import Conflict
from casenet.ids import new_id

INVITATION_PATH = "/invitations/"  # as casenet.web.facilities and the phone page write it


@dataclass(frozen=True)
class Founding:
    """An office and the person who will administer it."""

    facility: str
    kind: str
    login: str
    email: str
    name: str
    kana: str
    profession: str


def found(new: Founding) -> str:
    """Create both and return the link of the one-time invitation. Raises CannotStart in words."""
    try:
        origin = config.current().public_origin
        with transaction() as session:
            now, facility_id = clock.now(), new_id()
            facilities.add_facility(
                session, facilities.NewFacility(facility_id, new.kind, new.facility), by=None, now=now
            )
            person = identity.NewPerson(new_id(), new.login, new.email, new.name, new.kana, new.profession)
            token = facilities.add_staff(
                session, facility_id, person, is_administrator=True, by=None, now=now
            )
    except ConfigError as error:
        raise CannotStart("The settings are not complete: " + "; ".join(error.faults)) from None
    except Conflict:
        raise CannotStart(f"Somebody has the login {new.login} or this mail address already.") from None
    return f"{origin}{INVITATION_PATH}{token}"


def owner_url(environ: Mapping[str, str]) -> str:
    """OWNER_DATABASE_URL or what OWNER_DATABASE_URL_FILE holds. Raises CannotStart when neither is there."""
    if path := environ.get("OWNER_DATABASE_URL_FILE"):
        try:
            return Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise CannotStart(f"OWNER_DATABASE_URL_FILE cannot be read: {error.strerror}.") from None
    if url := environ.get("OWNER_DATABASE_URL"):
        return url
    raise CannotStart(
        "OWNER_DATABASE_URL (or OWNER_DATABASE_URL_FILE) must name the role that owns the tables."
    )
