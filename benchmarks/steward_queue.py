"""A page of the stewards' queue with 20,000 items waiting, beside making the list of its causes at every view.

The peer is how the queue was read before it was kept: every item made anew, sorted, and one page taken.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from benchmarks.measuring import Figure, best_seconds
from canonical.stewardship import SourceRef
from pipeline import stewardship
from pipeline.hub import Hub, open_hub
from pipeline.queue_items import disagreements, matches, row_of
from pipeline.steward_queue import QueueFilter, refresh
from store import candidates, conflicts, crosswalk, golden
from store.candidates import CandidatePair
from store.conflicts import Conflict
from store.crosswalk import Binding

PAIRS = 10_000
PAGE = 25


def measure() -> list[Figure]:
    """Seconds for the first page, for a page in the middle, and for one narrowed by pinyin."""
    with tempfile.TemporaryDirectory() as folder, _hub(Path(folder)) as hub:
        refresh(hub)
        peer = best_seconds(lambda: _anew(hub), 2)
        asked = {
            "first page": lambda: stewardship.queue(hub, limit=PAGE),
            "page in the middle": lambda: stewardship.queue(hub, limit=PAGE, offset=PAIRS),
            "page by pinyin": lambda: stewardship.queue(hub, QueueFilter(text="luoding 77"), limit=PAGE),
        }
        return [
            Figure(f"queue of {2 * PAIRS:,} items, {name} (peer: made anew)", best_seconds(work, 5), peer, "seconds")
            for name, work in asked.items()
        ]


def _anew(hub: Hub) -> list[str]:
    with hub.store.read() as tx:
        rows = [row_of(one) for one in (*matches(hub, tx, "item"), *disagreements(hub, tx, "item"))]
    return [row.item for row in sorted(rows, key=lambda row: row.place)[:PAGE]]


@contextmanager
def _hub(folder: Path) -> Iterator[Hub]:
    hub = open_hub({"MILLSTREAM_HOME": str(folder)})
    now, numbers = hub.now(), range(PAIRS)
    with hub.store.begin() as tx:
        bound = [("erp", str(n), f"E{n}") for n in numbers] + [("crm", f"c{n}", f"C{n}") for n in numbers]
        crosswalk.bind(tx, [Binding(system, "item", key, place) for system, key, place in bound], now)
        names = {f"E{n}": {"name": f"内六角圆柱头螺钉 M8×{n}"} for n in numbers}
        golden.record(tx, "item", names | {f"C{n}": {"name": f"螺钉 M8*{n}"} for n in numbers}, now, "run")
        said = {"kind": "systems_differ", "said": ["erp=pcs", "crm=kg"]}
        conflicts.replace(tx, "item", [Conflict("item", f"E{n}", "unit", said, "pcs") for n in numbers], now)
        pairs = [_pair(n) for n in numbers]
        refs = {ref for pair in pairs for ref in (pair.a, pair.b)}
        candidates.replace(tx, "item", pairs, refs, run_id="run", now=now)
    orders = {"golden_id": [f"P{n}" for n in numbers], "item": [f"E{n // 3}" for n in numbers], "status": "released"}
    hub.frames.write("golden/work_order", pl.DataFrame(orders), "run")
    yield hub
    hub.close()


def _pair(number: int) -> CandidatePair:
    evidence = {"parts": [["start", "", -1.0], ["name", "near", 2.5]] * 3, "vetoes": []}
    ours, theirs = SourceRef("crm", f"c{number}"), SourceRef("erp", str(number))
    return CandidatePair("item", ours, theirs, "review", 0.5 + number % 400 / 1000, evidence, "model")
