"""Stewardship, as the command line and the pages see it: everything to read, everything to do.

Reading: `queue`, `queue_item`, `find_records`, `compare`, `explain`, `record`, `relations`, `history`, `believed`,
`audited`.
Doing (each needs an actor who may): `decide` with `same` / `different`, `merge`, `split`, `pin`, `relate`, `revoke`
(also called `unmerge`), `undo`, `preview`, `approve`, `reject`, `assign`. All values are frozen.
"""

from __future__ import annotations

from canonical.stewardship import Decision, SourceRef
from pipeline.impact import Impact
from pipeline.record_search import Found, find_records
from pipeline.related import RelationRefused
from pipeline.steward_acts import (
    FOUR_EYES,
    Decided,
    MergeRefused,
    NotAllowedToDecide,
    UnknownRecord,
    Verdict,
    approve,
    assign,
    decide,
    different,
    merge,
    pin,
    pinned,
    preview,
    reject,
    revoke,
    same,
    split,
    undo,
    unmerge,
)
from pipeline.steward_queue import (
    ItemKind,
    Position,
    Queue,
    QueueFilter,
    QueueItem,
    items_about,
    place_in_queue,
    queue,
    queue_after,
    queue_item,
    queue_items,
)
from pipeline.steward_relations import Wanted as WantedRelation
from pipeline.steward_relations import relate, relations
from pipeline.steward_views import (
    MOST_COMPARED,
    Attribute,
    ComparedRow,
    Comparison,
    Explanation,
    GoldenView,
    Step,
    audited,
    believed,
    compare,
    explain,
    history,
    record,
)

__all__ = [
    "FOUR_EYES",
    "MOST_COMPARED",
    "Attribute",
    "ComparedRow",
    "Comparison",
    "Decided",
    "Decision",
    "Explanation",
    "Found",
    "GoldenView",
    "Impact",
    "ItemKind",
    "MergeRefused",
    "NotAllowedToDecide",
    "Position",
    "Queue",
    "QueueFilter",
    "QueueItem",
    "RelationRefused",
    "SourceRef",
    "Step",
    "UnknownRecord",
    "Verdict",
    "WantedRelation",
    "approve",
    "assign",
    "audited",
    "believed",
    "compare",
    "decide",
    "different",
    "explain",
    "find_records",
    "history",
    "items_about",
    "merge",
    "pin",
    "pinned",
    "place_in_queue",
    "preview",
    "queue",
    "queue_after",
    "queue_item",
    "queue_items",
    "record",
    "reject",
    "relate",
    "relations",
    "revoke",
    "same",
    "split",
    "undo",
    "unmerge",
]  # fmt: skip
