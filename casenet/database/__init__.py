"""The database: mapped base, transactions, glances, prepared statements, what runs after commit.

Only doors open transactions and glances. Parts take the Session (or the Database, which may be a glance) as
their first argument and never commit.
"""

from casenet.database.engines import engine_of, sessions
from casenet.database.statements import Database, Glance, Prepared, given_rows
from casenet.database.tables import Base, Instant, Uuid
from casenet.database.transactions import (
    after_commit,
    database_now,
    glance,
    notify,
    run_after_commit,
    transaction,
    use,
)

__all__ = [
    "Base",
    "Database",
    "Glance",
    "Instant",
    "Prepared",
    "Uuid",
    "after_commit",
    "database_now",
    "engine_of",
    "given_rows",
    "glance",
    "notify",
    "run_after_commit",
    "sessions",
    "transaction",
    "use",
]
