"""A database whose machine vanishes without a word: waiting for it ends after twenty seconds.

Without these probes nightwatch waited for an answer that nobody would give for as long as TCP sends again: a
quarter of an hour, and for ever when it had nothing to send.
"""

from typing import Any

PROBES = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def add_probes(dialect: Any, record: Any, arguments: Any, named: dict[str, Any]) -> None:
    """For SQLAlchemy's event do_connect: a new connection gets the probes as well."""
    named.update(PROBES)
