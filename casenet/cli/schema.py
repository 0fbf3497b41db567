"""Bringing a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

# In an installed package the migrations lie inside it; in the project beside it.
_PLACES = (Path(__file__).parents[1] / "migrations", Path(__file__).parents[2] / "migrations")


def settings_for(url: str) -> AlembicConfig:
    """Alembic's settings for the database at `url`, whose role must own the tables."""
    settings = AlembicConfig()
    folder = next(place for place in _PLACES if place.is_dir())
    settings.set_main_option("script_location", str(folder))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations up to `revision`; nothing happens when they have run."""
    command.upgrade(settings_for(url), revision)


def newest(url: str = "") -> str | None:
    """The revision that this version of the program needs."""
    return ScriptDirectory.from_config(settings_for(url)).get_current_head()


def present(url: str) -> str | None:
    """The revision that the database is at; None for an empty one."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
