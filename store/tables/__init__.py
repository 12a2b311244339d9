"""Every table of the hub, once, for SQLite and PostgreSQL alike.

Times are aware UTC, `*_key` and ids are text exactly as the systems write them, JSON columns hold
canonical text. `migrations/` is generated from here; a test proves that both agree.
"""

from store.tables.access import (
    failed_log_ins,
    identities,
    machine_tokens,
    password_links,
    passwords,
    sessions,
)
from store.tables.base import metadata
from store.tables.delivery import (
    circuits,
    connections,
    doubles,
    leases,
    notice_deliveries,
    notices,
    outbox,
    outbox_steps,
    read_backs,
)
from store.tables.mastering import (
    candidate_pairs,
    golden_codes,
    golden_history,
    golden_records,
    queue_assignments,
    queue_items,
    queue_marks,
    queue_places,
    steward_decisions,
)
from store.tables.people import audit, people, person_roles, tasks, timers
from store.tables.plan import (
    planned_items,
    planned_loads,
    planned_messages,
    planned_names,
    planned_orders,
    planned_problems,
    planned_shortages,
)
from store.tables.planning import configured_items, forecast_overrides
from store.tables.promises import promises
from store.tables.stream import (
    change_events,
    conflicts,
    crosswalk,
    decided,
    decided_facts,
    documents,
    inbox,
    landings,
    plan_pegs,
    plan_summaries,
    quarantine,
    run_stages,
    runs,
    ticks,
    verdicts,
    watermarks,
)

__all__ = [
    "audit", "candidate_pairs", "change_events", "circuits", "configured_items", "conflicts", "connections",
    "crosswalk", "decided", "decided_facts", "documents", "doubles", "failed_log_ins", "forecast_overrides",
    "golden_codes", "golden_history", "golden_records", "identities", "inbox", "landings", "leases", "machine_tokens",
    "metadata", "notice_deliveries", "notices", "outbox", "outbox_steps", "password_links", "passwords", "people",
    "person_roles", "plan_pegs", "plan_summaries", "planned_items", "planned_loads", "planned_messages",
    "planned_names", "planned_orders", "planned_problems", "planned_shortages", "promises", "quarantine",
    "queue_assignments", "queue_items", "queue_marks", "queue_places", "read_backs", "run_stages", "runs", "sessions",
    "steward_decisions", "tasks", "ticks", "timers", "verdicts", "watermarks",
]  # fmt: skip
