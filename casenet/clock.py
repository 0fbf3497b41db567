"""The one place that reads a clock. Doors call it; everything below takes `now` as an argument."""

from datetime import UTC, date, datetime, timedelta, timezone

# No daylight saving since 1951; a fixed offset needs no time-zone data on the machine.
JAPAN = timezone(timedelta(hours=9), "JST")


def now() -> datetime:
    """Aware UTC instant, cut to microseconds as PostgreSQL stores it."""
    return datetime.now(UTC)


def today_in_japan() -> date:
    """The calendar day where the patients live."""
    return now().astimezone(JAPAN).date()
