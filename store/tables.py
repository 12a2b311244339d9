"""Every table of the hub, once, for SQLite and PostgreSQL alike.

Times are aware UTC, `*_key` and ids are text exactly as the systems write them, JSON columns hold
canonical text. `migrations/` is generated from here; a test proves that both agree.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import StrictJson, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)
_POSITION = BigInteger().with_variant(Integer, "sqlite")


def _position() -> Column[int]:
    """Order of arrival; SQLite counts only a plain INTEGER."""
    return Column("position", _POSITION, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    _text("actor"),
    Column("as_of", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    _text("state"),
)

run_stages = Table(
    "run_stages",
    metadata,
    _text("run_id"),
    _text("stage"),
    _text("part"),
    Column("counts", StrictJson, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("run_id", "stage", "part"),
)

landings = Table(
    "landings",
    metadata,
    _position(),
    _text("system"),
    _text("stream"),
    _text("digest"),
    _text("run_id"),
    Column("row_count", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    UniqueConstraint("system", "stream", "digest", "run_id"),
)

watermarks = Table(
    "watermarks",
    metadata,
    _text("system"),
    _text("stream"),
    _text("value", nullable=True),
    Column("fetched_at", UtcDateTime, nullable=False),
    _text("run_id"),
    PrimaryKeyConstraint("system", "stream"),
)

crosswalk = Table(
    "crosswalk",
    metadata,
    _text("system"),
    _text("entity"),
    _text("source_key"),
    _text("golden_id"),
    _text("native_id", nullable=True),
    Column("is_primary", Boolean, nullable=False),
    Column("bound_at", UtcDateTime, nullable=False),
    _text("home_id", nullable=True),
    PrimaryKeyConstraint("system", "entity", "source_key"),
    Index("ix_crosswalk_golden_id", "entity", "golden_id", "system"),
    Index("ix_crosswalk_native_id", "system", "entity", "native_id"),
    Index("ix_crosswalk_home_id", "entity", "home_id"),
    Index(
        "uq_crosswalk_primary",
        "system",
        "entity",
        "golden_id",
        unique=True,
        sqlite_where=text("is_primary"),
        postgresql_where=text("is_primary"),
    ),
)

documents = Table(
    "documents",
    metadata,
    _text("system"),
    _text("entity"),
    _text("business_key"),
    _text("native_id"),
    _text("native_number", nullable=True),
    Column("revision", Integer, nullable=False),
    Column("content", StrictJson),
    _text("origin"),
    Column("applied_at", UtcDateTime, nullable=False),
    Column("seen_in_pull_at", UtcDateTime),
    PrimaryKeyConstraint("system", "entity", "business_key"),
    UniqueConstraint("system", "entity", "native_id"),
)

golden_records = Table(
    "golden_records",
    metadata,
    _text("entity"),
    _text("golden_id"),
    Column("version", Integer, nullable=False),
    _text("content"),
    Column("retired_at", UtcDateTime),
    _text("redirect_to", nullable=True),
    PrimaryKeyConstraint("entity", "golden_id"),
)

golden_history = Table(
    "golden_history",
    metadata,
    _text("entity"),
    _text("golden_id"),
    Column("version", Integer, nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("content", StrictJson, nullable=False),
    _text("run_id"),
    Column("effective_from", UtcDateTime),
    PrimaryKeyConstraint("entity", "golden_id", "version"),
)

golden_codes = Table(
    "golden_codes",
    metadata,
    _text("entity"),
    _text("name"),
    _text("code"),
    Column("allocated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("entity", "name"),
    UniqueConstraint("entity", "code"),
)

steward_decisions = Table(
    "steward_decisions",
    metadata,
    _position(),
    _text("entity"),
    _text("kind"),
    Column("members", StrictJson, nullable=False),
    Column("others", StrictJson, nullable=False),
    _text("attribute", nullable=True),
    Column("value", StrictJson),
    Column("expires_at", UtcDateTime),
    Column("about", _POSITION),
    Column("needs_approval", Boolean, nullable=False),
    _text("batch", nullable=True),
    _text("actor"),
    _text("reason"),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_steward_decisions_entity", "entity", "position"),
)

candidate_pairs = Table(
    "candidate_pairs",
    metadata,
    _text("entity"),
    _text("a_system"),
    _text("a_key"),
    _text("b_system"),
    _text("b_key"),
    _text("band"),
    Column("posterior", Float, nullable=False),
    Column("evidence", StrictJson, nullable=False),
    _text("model"),
    _text("run_id"),
    Column("found_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("entity", "a_system", "a_key", "b_system", "b_key"),
    Index("ix_candidate_pairs_band", "entity", "band"),
)

queue_assignments = Table(
    "queue_assignments",
    metadata,
    Column("item", Text, primary_key=True),
    _text("assignee", nullable=True),
    Column("due_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    _text("changed_by"),
)

conflicts = Table(
    "conflicts",
    metadata,
    _text("entity"),
    _text("golden_id"),
    _text("attribute"),
    Column("values", StrictJson, nullable=False),
    Column("chosen", StrictJson),
    Column("since", UtcDateTime, nullable=False),
    _text("state"),
    Column("closed_at", UtcDateTime),
    PrimaryKeyConstraint("entity", "golden_id", "attribute"),
    Index("ix_conflicts_state", "state", "entity"),
)

quarantine = Table(
    "quarantine",
    metadata,
    _text("stage"),
    _text("system"),
    _text("entity"),
    _text("source_key"),
    _text("rule"),
    _text("path"),
    _text("message"),
    Column("payload", StrictJson),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    _text("state"),
    PrimaryKeyConstraint("stage", "system", "entity", "source_key", "rule", "path"),
    Index("ix_quarantine_state", "state", "entity"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _text("run_id"),
    _text("stage"),
    _text("entity"),
    _text("rule"),
    _text("severity"),
    Column("blocking", Boolean, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("detail", StrictJson),
    Column("judged_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("run_id", "stage", "entity", "rule"),
)

outbox = Table(
    "outbox",
    metadata,
    _position(),
    Column("id", Text, nullable=False, unique=True),
    _text("kind"),
    _text("system"),
    _text("entity"),
    _text("business_key"),
    Column("revision", Integer, nullable=False),
    Column("body", StrictJson, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    _text("actor"),
    _text("cause"),
    Column("sales_orders", StrictJson, nullable=False),
    Column("after", StrictJson, nullable=False),
    _text("state"),
    _text("held_for", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime),
    _text("lease_owner", nullable=True),
    Column("lease_until", UtcDateTime),
    _text("last_error", nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _text("approved_by", nullable=True),
    UniqueConstraint("system", "kind", "business_key", "revision"),
    Index("ix_outbox_key", "system", "business_key", "position"),
    Index("ix_outbox_state", "state", "system", "position"),
    Index("ix_outbox_updated", "system", "updated_at"),
)

outbox_steps = Table(
    "outbox_steps",
    metadata,
    Column("command_id", Text, ForeignKey("outbox.id"), nullable=False),
    _text("step"),
    Column("attempt", Integer, nullable=False),
    _text("state"),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("receipt", StrictJson),
    PrimaryKeyConstraint("command_id", "step", "attempt"),
)

decided = Table(
    "decided",
    metadata,
    _text("system"),
    _text("kind"),
    _text("business_key"),
    Column("revision", Integer, nullable=False),
    _text("content"),
    PrimaryKeyConstraint("system", "kind", "business_key"),
)

decided_facts = Table(
    "decided_facts",
    metadata,
    _text("entity"),
    _text("key"),
    _text("content"),
    _text("hash"),
    PrimaryKeyConstraint("entity", "key"),
)

inbox = Table(
    "inbox",
    metadata,
    _position(),
    _text("system"),
    _text("event_id"),
    Column("payload", StrictJson, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    _text("state"),
    Column("read_at", UtcDateTime),
    _text("error", nullable=True),
    UniqueConstraint("system", "event_id"),
    Index("ix_inbox_state", "state", "position"),
)

change_events = Table(
    "change_events",
    metadata,
    _position(),
    Column("id", Text, nullable=False, unique=True),
    _text("entity"),
    _text("key"),
    _text("kind"),
    Column("old", StrictJson),
    Column("new", StrictJson),
    Column("fields", StrictJson, nullable=False),
    _text("origin"),
    Column("revision", Integer),
    _text("cause", nullable=True),
    Column("hops", Integer, nullable=False, server_default=text("0")),
    Column("at", UtcDateTime, nullable=False),
    _text("run_id"),
    Index("ix_change_events_key", "entity", "key"),
)

audit = Table(
    "audit",
    metadata,
    _position(),
    Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    _text("action"),
    _text("object"),
    Column("detail", StrictJson),
    Index("ix_audit_object", "object"),
)

connections = Table(
    "connections",
    metadata,
    Column("system", Text, primary_key=True),
    _text("state"),
    Column("adopted_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    _text("changed_by"),
)

circuits = Table(
    "circuits",
    metadata,
    Column("system", Text, primary_key=True),
    _text("state"),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    _text("said"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

plan_pegs = Table(
    "plan_pegs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("supply"),
    _text("kind"),
    _text("consumer"),
    _text("root", nullable=True),
    _text("item"),
    Column("quantity", BigInteger, nullable=False),
    Index("ix_plan_pegs_root", "root"),
    Index("ix_plan_pegs_supply", "supply"),
)

plan_summaries = Table(
    "plan_summaries",
    metadata,
    _position(),
    Column("run_id", Text, nullable=False, unique=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("content", StrictJson, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    _text("owner"),
    Column("until", UtcDateTime, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    _position(),
    _text("audience"),
    _text("key"),
    Column("text", StrictJson, nullable=False),
    _text("actor"),
    _text("cause"),
    Column("at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("audience", "key", "cause"),
)

notice_deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("notice", _POSITION, ForeignKey("notices.position"), nullable=False),
    _text("audience"),
    _text("channel"),
    _text("escalated_from", nullable=True),
    _text("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime),
    _text("message", nullable=True),
    Column("sent_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    _text("last_error", nullable=True),
    PrimaryKeyConstraint("notice", "audience", "channel"),
    Index("ix_notice_deliveries_state", "state", "channel", "notice"),
    Index("ix_notice_deliveries_sent", "channel", "sent_at"),
)

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    _text("display_name"),
    Column("speaks_for_others", Boolean, nullable=False, server_default=text("false")),
    Column("added_at", UtcDateTime, nullable=False),
    _text("added_by"),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("name", Text, ForeignKey("people.name"), nullable=False),
    _text("role"),
    Column("granted_at", UtcDateTime, nullable=False),
    _text("granted_by"),
    PrimaryKeyConstraint("name", "role"),
)

timers = Table(
    "timers",
    metadata,
    _position(),
    _text("rule"),
    _text("fact"),
    _text("key"),
    Column("base", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    _text("cause"),
    _text("state"),
    Column("set_at", UtcDateTime, nullable=False),
    Column("fired_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_timers_due", "state", "due_at"),
    Index(
        "uq_timers_standing",
        "rule",
        "fact",
        "key",
        unique=True,
        sqlite_where=text("state IN ('waiting', 'fired')"),
        postgresql_where=text("state IN ('waiting', 'fired')"),
    ),
)

tasks = Table(
    "tasks",
    metadata,
    _position(),
    _text("kind"),
    _text("owner"),
    _text("key"),
    Column("title", StrictJson, nullable=False),
    _text("actor"),
    _text("cause"),
    Column("due_at", UtcDateTime),
    _text("state"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    _text("closed_by", nullable=True),
    _text("note", nullable=True),
    Index("ix_tasks_state", "state", "owner", "due_at"),
    Index("ix_tasks_key", "kind", "key"),
    Index(
        "uq_tasks_open",
        "kind",
        "owner",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

doubles = Table(
    "doubles",
    metadata,
    _text("system"),
    _text("kind"),
    _text("business_key"),
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
