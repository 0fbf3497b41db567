"""The catalogue of everything that people read, in Japanese: one JSON file per room in ja/.

The phone app is built from the same files. Python speaks for pages and messages made on the server.
"""

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "ja"


@cache
def room(name: str) -> dict[str, str]:
    """The texts of one file, key to text with {placeholders}."""
    texts: dict[str, str] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return texts


def say(key: str, **facts: object) -> str:
    """The text for "room.key", filled with `facts`. Raises KeyError on an unknown key."""
    name, _, rest = key.partition(".")
    return room(name)[rest].format(**facts)
