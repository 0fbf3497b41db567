from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

import casenet.escalation.tables
import casenet.groups.tables
import casenet.notifications.tables
import casenet.rosters.tables
import casenet.sheets.tables
import casenet.timeline.tables
from casenet.cli import schema
from casenet.cli.servers import OWNER, Postgres
from casenet.config import Config
from casenet.database import Base, transaction
from casenet.groups import Permission, enter
from casenet.ids import new_id
from casenet.timeline import Draft, publish_notice, publish_post
from tests.cast import NOON, assemble
from tests.conftest import Servers

TABLES = (
    casenet.escalation.tables,
    casenet.groups.tables,
    casenet.notifications.tables,
    casenet.rosters.tables,
    casenet.sheets.tables,
    casenet.timeline.tables,
)
_scripts = ScriptDirectory.from_config(schema.settings_for(""))
REVISIONS = [script.revision for script in _scripts.walk_revisions()][::-1]


@pytest.fixture
def empty(servers: Servers) -> Iterator[str]:
    """The owner's address of a database without any table."""
    postgres = servers.postgres.server
    assert isinstance(postgres, Postgres)
    postgres.make_database("casenet_empty")
    yield postgres.url(OWNER, "casenet_empty")
    postgres.drop_database("casenet_empty")


def shape(url: str) -> list[Any]:
    """Every column, index, constraint and right in the schema, as text."""
    engine = create_engine(url)
    questions = (
        (
            "SELECT table_name, column_name, data_type, is_nullable, column_default "
            "FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2"
        ),
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
        (
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ),
        (
            "SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges "
            "WHERE table_schema = 'public' ORDER BY 1, 2, 3"
        ),
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    )
    with engine.connect() as connection:
        found = [
            tuple(row)
            for question in questions
            for row in connection.execute(text(question))
            if row[0] != "alembic_version"
        ]
    engine.dispose()
    return found


def test_the_migrations_build_exactly_what_the_code_maps(empty: str) -> None:
    schema.upgrade(empty)
    engine = create_engine(empty)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()

    assert differences == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_migration_down_leaves_the_schema_as_it_was(empty: str, revision: str) -> None:
    settings = schema.settings_for(empty)
    command.upgrade(settings, revision)
    command.downgrade(settings, "-1")
    before = shape(empty)
    command.upgrade(settings, revision)

    command.downgrade(settings, "-1")
    after = shape(empty)

    assert after == before
    command.upgrade(settings, "head")


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_rows_outlive_each_migration_down_and_up(database: Config, servers: Servers, revision: str) -> None:
    with transaction() as session:
        cast = assemble(session)
        entry = enter(session, cast.sato, cast.group, Permission.POST)
        for text_of_post in ("血圧 138/76", "訪問しました"):
            publish_post(session, entry, Draft(new_id(), "report", text_of_post, None), now=NOON)
        publish_notice(session, cast.group, new_id(), {"code": "alert.resolved"}, now=NOON)
    name = make_url(database.database_url).database or ""
    settings = schema.settings_for(servers.url(name, OWNER))
    command.downgrade(settings, revision)
    before = rows(servers.url(name, OWNER))

    command.downgrade(settings, "-1")
    command.upgrade(settings, revision)

    assert len(before["timeline_revision"]) == 3
    assert rows(servers.url(name, OWNER)) == before
    command.upgrade(settings, "head")


def rows(url: str) -> dict[str, list[str]]:
    """Every row of the tables that each migration leaves there, as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            name: list(connection.scalars(text(f"SELECT t::text FROM {name} t ORDER BY 1")))
            for name in (
                "person",
                "patient_group",
                "membership",
                "timeline_revision",
                "audit_event",
                "group_key",
            )
        }
    engine.dispose()
    return found


def test_the_application_role_owns_nothing_and_cannot_rewrite_the_record(servers: Servers) -> None:
    name = servers.clone()
    engine = create_engine(servers.url(name))
    with engine.connect() as connection:
        owned = connection.scalar(
            text("SELECT count(*) FROM pg_class WHERE relowner = 'casenet_app'::regrole")
        )
        rewritable = connection.execute(
            text(
                "SELECT table_name, privilege_type FROM information_schema.table_privileges "
                "WHERE grantee = 'casenet_app' AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') "
                "AND table_name IN ('timeline_revision', 'post_mark', 'audit_event', 'patient_record', "
                "'alert_event', 'group_key')"
            )
        ).all()
    engine.dispose()
    servers.drop(name)

    assert owned == 0
    assert rewritable == []
