"""What Alembic runs: our tables, on the connection that `store.migrations` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from store.columns import StrictJson, UtcDateTime
from store.tables import metadata


def _plain_type(kind: str, column_type: object, _context: object) -> str | Literal[False]:
    """Migrations stay readable and frozen: they name SQL's types, not ours."""
    if kind == "type" and isinstance(column_type, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(column_type, StrictJson):
        return "sa.Text()"
    return False


def _run(connection: Any) -> None:  # noqa: ANN401 - Alembic's attributes are untyped
    context.configure(connection=connection, target_metadata=metadata, render_item=_plain_type, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
