"""What the phone page says of a limit is what the server demands: each side has its own number, here they meet."""

import re
from pathlib import Path

import pytest

from casenet.identity import rules as identity
from casenet.timeline import rules as timeline

SCREENS = Path(__file__).parents[2] / "static" / "src" / "screens"


@pytest.mark.parametrize(
    ("screen", "name", "demanded"),
    [
        ("enrol.tsx", "PASSWORD_CHARACTERS_MIN", identity.PASSWORD_CHARS_MIN),
        ("composer.tsx", "TEXT_CHARACTERS_MAX", timeline.TEXT_CHARS_MAX),
    ],
)
def test_the_page_says_what_the_server_demands(screen: str, name: str, demanded: int) -> None:
    said = re.findall(rf"^const {name} = ([\d_]+);$", (SCREENS / screen).read_text("utf-8"), re.MULTILINE)

    assert [int(number) for number in said] == [demanded]
