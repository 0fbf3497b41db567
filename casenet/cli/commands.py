"""The commands and their options; what they do stands in the files beside this one."""

import os
import sys
from pathlib import Path

import click

from casenet.cli.children import CannotStart
from casenet.cli.installation import PROJECT
from casenet.words import room

FACILITY_KINDS = [key.removeprefix("facility.") for key in room("vocabulary") if key.startswith("facility.")]
PROFESSIONS = [key.removeprefix("profession.") for key in room("vocabulary") if key.startswith("profession.")]


class _Sentences(click.Group):
    """Says what is in the way as one sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CannotStart as error:
            click.echo(f"{error}", err=True)
            sys.exit(1)


@click.group(cls=_Sentences)
def commands() -> None:
    """CaseNet: encrypted patient timelines, night calls and admission sheets for home-care teams."""


@commands.command()
@click.option("--port", default=8000, show_default=True, help="Where the web listens, on 127.0.0.1.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=PROJECT / "var", help="Where it keeps its data."
)
@click.option(
    "--posts-max", default=10_000, show_default=True, help="Cuts the longest timeline when seeding."
)
@click.option("--reset", is_flag=True, help="Throw the data away instead of starting.")
def demo(port: int, folder: Path, posts_max: int, reset: bool) -> None:
    """Run everything with an invented ward."""
    from casenet.cli import demo as running

    if reset:
        running.reset(folder, port)
    else:
        running.run(folder, port, posts_max=posts_max)


@commands.command()
def doctor() -> None:
    """Say what is wrong with the installation that the environment describes."""
    from casenet.cli.doctor import examine

    findings = list(examine(os.environ))
    for finding in findings:
        click.echo(str(finding))
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@commands.command()
@click.argument("process")
@click.option("--within", default=60, show_default=True, help="Seconds of silence that are still well.")
def alive(process: str, within: int) -> None:
    """Say whether PROCESS still finishes its rounds; ends with 1 when not. For health checks."""
    from casenet.cli.alive import silence_seconds

    silence = silence_seconds(os.environ, process)
    click.echo(f"{process}: " + ("never heard" if silence is None else f"{silence:.1f} s ago"))
    sys.exit(0 if silence is not None and silence <= within else 1)


@commands.command()
def migrate() -> None:
    """Bring the database to the newest schema, as the role that owns the tables (OWNER_DATABASE_URL)."""
    from casenet.cli import schema
    from casenet.cli.first import owner_url

    schema.upgrade(owner_url(os.environ))
    click.echo(f"The schema is at {schema.newest()}.")


@commands.command("first-member")
@click.option("--facility", required=True, help="Name of the office.")
@click.option("--kind", required=True, type=click.Choice(FACILITY_KINDS), help="Its kind.")
@click.option("--login", required=True)
@click.option("--email", required=True)
@click.option("--name", required=True, help="As written, for example 青木 誠一.")
@click.option("--kana", required=True, help="As read, in katakana.")
@click.option("--profession", required=True, type=click.Choice(PROFESSIONS))
def first_member(**given: str) -> None:
    """Create an office and its administrator; prints the one-time invitation link."""
    from casenet.cli.first import Founding, found

    click.echo("Open this link within 72 hours to choose a password and a second factor; it works once:")
    click.echo(found(Founding(**given)))


@commands.group()
def keys() -> None:
    """The key-encryption key (KEK_FILE)."""


@keys.command("new")
def new_key() -> None:
    """Add a new version to KEK_FILE; new groups are sealed under it from the next start on."""
    from casenet.cli import keyfile

    version = keyfile.add_version(keyfile.path_from(os.environ))
    click.echo(
        f"Version {version} was added. Make a copy in a safe place, then restart web and worker-sheets."
    )


@keys.command("list")
def list_keys() -> None:
    """Which versions the file holds and how many keys in the database stand under each."""
    from casenet.cli import keyfile

    for line in keyfile.overview(os.environ):
        click.echo(line)


@commands.command("secrets")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--database-host", default="postgres", show_default=True)
@click.option("--redis-host", default="redis", show_default=True)
def make_secrets(folder: Path, database_host: str, redis_host: str) -> None:
    """Make the secrets of a production installation as files in FOLDER; those that are there stay."""
    from casenet.cli.secretfiles import write_secrets

    for name in write_secrets(folder, database_host=database_host, redis_host=redis_host):
        click.echo(f"made {folder / name}")
    click.echo(f"Write the mail server into {folder / 'smtp_url'}: smtps://user:password@host:465")
    click.echo("Keep a copy of kek apart from every backup of the database: without it nothing opens.")
