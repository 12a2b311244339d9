"""Brings a database to the newest schema, from the program itself: no command line needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from canonical.errors import ConfigurationError
from store.database import WRITES, is_postgresql

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent
_LOCK = 7_315_280_114
"""One migration at a time on PostgreSQL; any number will do as long as it stays."""


def revisions() -> list[str]:
    """Every revision, oldest first: the files in `versions/` are numbered."""
    return sorted(path.stem.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to `connection`; also the way to draft the next revision."""
    from alembic.config import Config  # noqa: PLC0415 - slow to import, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; does nothing when it is there already.

    Raises `ConfigurationError` when a newer release of the hub has written the database.
    """
    with engine.connect() as connection:
        standing = _standing(connection)
    if standing is not None and standing not in revisions():
        raise ConfigurationError(
            f"the database has schema {standing}, which this release does not know",
            hint="run the release that wrote it, or a newer one",
        )
    if standing != revisions()[-1]:
        _upgrade(engine)


def _standing(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415

    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if is_postgresql(connection):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(configuration(connection), "head")
