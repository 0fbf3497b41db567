"""The notifier's senders are threads of one process: they ring through the same kept connections."""

from typing import Any
from uuid import UUID

import pytest

from casenet.config import Config
from casenet.realtime import bell


class JustTaken(list[Any]):
    """Another thread takes the last one between our look and our hand."""

    def __bool__(self) -> bool:
        return True


def test_a_ring_does_not_fail_because_another_thread_took_the_last_connection(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = JustTaken()
    monkeypatch.setattr(bell, "_free", kept)

    bell.ring_person(UUID(int=1), "alert:1")

    assert len(kept) == 1
