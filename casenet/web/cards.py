"""Small cards of persons (name, profession, office) that go beside posts. Kept ten minutes: every post shows one."""

import time
from collections.abc import Collection, Iterable
from uuid import UUID

from casenet import facilities
from casenet.database import Database
from casenet.web.shapes import Shape

CARD_SECONDS = (
    600  # a name or an office changes once in years; a page that is shown again keeps it a minute more
)
CARDS_MAX = 20_000  # a prefecture's staff; some 200 bytes each


class Card(Shape):
    """A person as it stands beside a post."""

    name: str
    profession: str
    facility_name: str


# As JSON, made once: every post shows one.
CardJson = dict[str, str]
_cards: dict[UUID, tuple[float, CardJson]] = {}


def cards(
    session: Database, ids: Iterable[UUID | None], likely: Collection[UUID] = ()
) -> dict[str, CardJson]:
    """Cards by person id (as text); also of persons who have left.

    likely  Who will be asked for next, the rest of a team: looked up together with whoever is missing now.
    """
    wanted = {id for id in ids if id is not None}
    found = _kept(wanted)
    if missing := wanted - found.keys():
        missing = missing.union(id for id in likely if id not in _cards)
        for person in facilities.cards_of(session, missing):
            card = Card(name=person.name, profession=person.profession, facility_name=person.facility_name)
            if len(_cards) >= CARDS_MAX:
                _cards.clear()
            kept = _cards[person.person_id] = (time.monotonic(), card.model_dump())
            if person.person_id in wanted:
                found[person.person_id] = kept[1]
    return {str(id): card for id, card in found.items()}


def kept_card(id: UUID) -> CardJson | None:
    """A person's card when nothing need be looked up for it."""
    return _kept({id}).get(id)


def _kept(ids: set[UUID]) -> dict[UUID, CardJson]:
    oldest = time.monotonic() - CARD_SECONDS
    return {id: _cards[id][1] for id in ids if id in _cards and _cards[id][0] > oldest}
