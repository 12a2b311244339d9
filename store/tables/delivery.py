"""Commands and notices on their way out, and the connections they take."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import StrictJson, UtcDateTime
from store.tables.base import POSITION, arrival, metadata, text_column

outbox = Table(
    "outbox",
    metadata,
    arrival(),
    Column("id", Text, nullable=False, unique=True),
    text_column("kind"),
    text_column("system"),
    text_column("entity"),
    text_column("business_key"),
    Column("revision", Integer, nullable=False),
    Column("body", StrictJson, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    text_column("actor"),
    text_column("cause"),
    Column("sales_orders", StrictJson, nullable=False),
    Column("after", StrictJson, nullable=False),
    text_column("state"),
    text_column("held_for", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime),
    text_column("lease_owner", nullable=True),
    Column("lease_until", UtcDateTime),
    text_column("last_error", nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    text_column("approved_by", nullable=True),
    UniqueConstraint("system", "kind", "business_key", "revision"),
    Index("ix_outbox_key", "system", "business_key", "position"),
    Index("ix_outbox_business_key", "business_key"),
    Index("ix_outbox_state", "state", "system", "position"),
    Index("ix_outbox_updated", "system", "updated_at"),
)

outbox_steps = Table(
    "outbox_steps",
    metadata,
    Column("command_id", Text, ForeignKey("outbox.id"), nullable=False),
    text_column("step"),
    Column("attempt", Integer, nullable=False),
    text_column("state"),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("receipt", StrictJson),
    PrimaryKeyConstraint("command_id", "step", "attempt"),
)

connections = Table(
    "connections",
    metadata,
    Column("system", Text, primary_key=True),
    text_column("state"),
    Column("adopted_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    text_column("changed_by"),
)

circuits = Table(
    "circuits",
    metadata,
    Column("system", Text, primary_key=True),
    text_column("state"),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    text_column("said"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("owner"),
    Column("until", UtcDateTime, nullable=False),
)

doubles = Table(
    "doubles",
    metadata,
    text_column("system"),
    text_column("kind"),
    text_column("business_key"),
    Column("native_ids", StrictJson, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("gone_at", UtcDateTime),
    PrimaryKeyConstraint("system", "kind", "business_key"),
)

read_backs = Table(
    "read_backs",
    metadata,
    Column("system", Text, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    arrival(),
    text_column("audience"),
    text_column("key"),
    Column("text", StrictJson, nullable=False),
    text_column("actor"),
    text_column("cause"),
    Column("at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("audience", "key", "cause"),
)

notice_deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("notice", POSITION, ForeignKey("notices.position"), nullable=False),
    text_column("audience"),
    text_column("channel"),
    text_column("escalated_from", nullable=True),
    text_column("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime),
    text_column("message", nullable=True),
    Column("sent_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    text_column("last_error", nullable=True),
    PrimaryKeyConstraint("notice", "audience", "channel"),
    Index("ix_notice_deliveries_state", "state", "channel", "notice"),
    Index("ix_notice_deliveries_sent", "channel", "sent_at"),
)
