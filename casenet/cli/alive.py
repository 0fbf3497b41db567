"""Whether a process still finishes its rounds, by the heartbeat it leaves in the database: for health checks."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from casenet import config
from casenet.database import engine_of

_SILENCE = text("SELECT extract(epoch FROM clock_timestamp() - at) FROM heartbeat WHERE process = :process")


def silence_seconds(environ: Mapping[str, str], process: str) -> float | None:
    """Seconds since the last finished round; None when there was none or the database is away."""
    engine = engine_of(config.load(environ))
    try:
        with engine.connect() as connection:
            seconds = connection.execute(_SILENCE, {"process": process}).scalar()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
    return None if seconds is None else float(seconds)
