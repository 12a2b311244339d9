"""Timers of rules, and what people have to settle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _only_one(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        _moment("base", nullable=False),
        _moment("due_at", nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _moment("set_at", nullable=False),
        _moment("fired_at"),
        _moment("ended_at"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_timers")),
    )
    op.create_index("ix_timers_due", "timers", ["state", "due_at"], unique=False)
    _only_one("uq_timers_standing", "timers", ["rule", "fact", "key"], "state IN ('waiting', 'fired')")
    op.create_table(
        "tasks",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        _moment("due_at"),
        sa.Column("state", sa.Text(), nullable=False),
        _moment("opened_at", nullable=False),
        _moment("closed_at"),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_state", "tasks", ["state", "owner", "due_at"], unique=False)
    op.create_index("ix_tasks_key", "tasks", ["kind", "key"], unique=False)
    _only_one("uq_tasks_open", "tasks", ["kind", "owner", "key"], "state = 'open'")


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("timers")
