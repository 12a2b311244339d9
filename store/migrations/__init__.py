"""Brings a database to the newest schema, from the program itself: no command line needed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from store.database import WRITES, is_postgresql

_LOCK = 7_315_280_114
"""One migration at a time on PostgreSQL; any number will do as long as it stays."""


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to `connection`; also the way to draft the next revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; does nothing when it is there already."""
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if is_postgresql(connection):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(configuration(connection), "head")
