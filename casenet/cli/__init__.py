"""DOOR: the command line. `casenet --help` lists what it can do."""


def main() -> None:
    """The `casenet` program."""
    # Imported late: tests and tools that only want casenet.cli.servers need none of the commands.
    from casenet.cli.commands import commands

    commands()
