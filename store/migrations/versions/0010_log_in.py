"""Passwords, sessions of the pages, and failed log-ins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _of_people(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["name"], ["people.name"], name=op.f(f"fk_{table}_name"))


def upgrade() -> None:
    op.create_table(
        "passwords",
        _text("name"),
        _text("hash"),
        _moment("set_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_passwords")),
        _of_people("passwords"),
    )
    op.create_table(
        "password_links",
        _text("token_hash"),
        _text("name"),
        _moment("made_at"),
        _text("made_by"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_links")),
        _of_people("password_links"),
    )
    op.create_table(
        "identities",
        _text("issuer"),
        _text("subject"),
        _text("name"),
        _moment("bound_at"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "name", name=op.f("uq_identities_issuer_name")),
        _of_people("identities"),
    )
    op.create_table(
        "sessions",
        _text("token_hash"),
        _text("name"),
        _text("via"),
        _moment("made_at"),
        _moment("seen_at"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
        _of_people("sessions"),
    )
    op.create_index("ix_sessions_name", "sessions", ["name"], unique=False)
    op.create_table(
        "failed_log_ins",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        _text("subject"),
        _moment("at"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_failed_log_ins")),
    )
    op.create_index("ix_failed_log_ins_subject", "failed_log_ins", ["subject", "at"], unique=False)


def downgrade() -> None:
    for table in ("failed_log_ins", "sessions", "identities", "password_links", "passwords"):
        op.drop_table(table)
