"""Alembic's entry. Connects as the role that owns the tables (casenet_owner); never imports the models."""

from alembic import context
from sqlalchemy import create_engine, pool

settings = context.config


def run() -> None:
    """Run each migration in a transaction of its own; give up on a lock after 2 s rather than stop the ward."""
    engine = create_engine(settings.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET lock_timeout = '2s'")
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
