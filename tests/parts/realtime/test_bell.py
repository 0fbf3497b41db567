import pytest

from casenet.realtime import bell


@pytest.mark.parametrize(
    "data",
    [
        b'{"g": "01a2014a-77a3-7de2-9d63-c0a8226152ef", "n": Infinity}',
        b"[" * 100_000,
        b'{"p": 5}',
        b'{"g": [], "n": 1}',
        b"\xff",
        b"5",
        b"",
        None,
        b'{"p": ["01a2014a77a37de29d63c0a8226152ef", 5], "r": "session"}',
    ],
)
def test_whatever_is_written_to_redis_nothing_ends_the_listening(data: object) -> None:
    assert bell._read(data) == ()  # pyright: ignore[reportPrivateUsage]
