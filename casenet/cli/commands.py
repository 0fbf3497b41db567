"""The commands and their options; what they do stands in the files beside this one."""

import sys
from pathlib import Path

import click

from casenet.cli.children import CannotStart
from casenet.cli.installation import PROJECT


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
@click.option("--reset", is_flag=True, help="Throw the data away instead of starting.")
def demo(port: int, folder: Path, reset: bool) -> None:
    """Run everything with an invented ward."""
    from casenet.cli import demo as running

    if reset:
        running.reset(folder, port)
    else:
        running.run(folder, port)
