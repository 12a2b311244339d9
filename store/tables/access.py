"""How people and machines come in: passwords, links that set one, identities, sessions, failures, tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from store.columns import UtcDateTime
from store.tables.base import arrival, metadata, text_column


def _name() -> Column[str]:
    return Column("name", Text, ForeignKey("people.name"), nullable=False)


def _moment(name: str) -> Column[object]:
    return Column(name, UtcDateTime, nullable=False)


passwords = Table(
    "passwords",
    metadata,
    Column("name", Text, ForeignKey("people.name"), primary_key=True),
    text_column("hash"),
    _moment("set_at"),
)

password_links = Table(
    "password_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _name(),
    _moment("made_at"),
    text_column("made_by"),
    _moment("expires_at"),
)

identities = Table(
    "identities",
    metadata,
    text_column("issuer"),
    text_column("subject"),
    _name(),
    _moment("bound_at"),
    PrimaryKeyConstraint("issuer", "subject"),
    UniqueConstraint("issuer", "name"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _name(),
    text_column("via"),
    _moment("made_at"),
    _moment("seen_at"),
    _moment("expires_at"),
    Index("ix_sessions_name", "name"),
)

failed_log_ins = Table(
    "failed_log_ins",
    metadata,
    arrival(),
    text_column("subject"),
    _moment("at"),
    Index("ix_failed_log_ins_subject", "subject", "at"),
)

machine_tokens = Table(
    "machine_tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    text_column("scope"),
    _moment("made_at"),
    text_column("made_by"),
    _moment("expires_at"),
    Column("revoked_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Column("uses", BigInteger, nullable=False),
)
