"""The one place that reads a clock. Doors call it; everything below takes `now` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC instant, cut to microseconds as PostgreSQL stores it."""
    return datetime.now(UTC)
