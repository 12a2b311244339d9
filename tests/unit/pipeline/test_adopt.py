"""The first connection to a system: documents that carry our reference are taken over, never made again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from pipeline.adopt import adopt
from pipeline.hub import Hub, open_hub
from store import documents

KNOWN = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    yield opened
    opened.close()


def pulled(hub: Hub, *rows: tuple[str, str | None]) -> None:
    """The work orders that the MES shows: (its number, our reference)."""
    schema = frame_schema(ENTITIES["work_order"])
    found = [
        {"source_key": number, "native_id": f"id-{number}", "code": number, "item": "A", "our_reference": reference}
        for number, reference in rows
    ]
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in found], schema=schema)
    hub.frames.write("canonical/work_order/mes", frame, "r1")


def standing(hub: Hub) -> dict[str, tuple[str, str | None, str, int]]:
    with hub.store.read() as tx:
        return {
            row.business_key: (row.native_id, row.native_number, row.origin, row.revision)
            for row in documents.listed(tx, "mes", "work_order")
        }


def test_adopt__what_carries_our_reference_is_ours_and_nothing_else(hub: Hub) -> None:
    pulled(hub, ("W1", "M|A|SO-1|1"), ("W2", None), ("W3", "M|A|SO-2|1"), ("W4", "M|A|SO-2|1"))
    assert adopt(hub) == 2
    assert standing(hub) == {
        "M|A|SO-1|1": ("id-W1", "W1", "adopted", 0),
        "M|A|SO-2|1": ("id-W3", "W3", "adopted", 0),  # the first of two: the other is a double, and left alone
    }
    assert adopt(hub) == 0, "known by now"


def test_adopt__what_the_hub_made_itself_stays_as_it_was_written(hub: Hub) -> None:
    made = documents.Document("mes", "work_order", "M|A|SO-1|1", "id-W1", "W1", 3, {"quantity": "5"}, "created", KNOWN)
    with hub.store.begin() as tx:
        documents.record(tx, [made])
    pulled(hub, ("W1", "M|A|SO-1|1"))
    assert adopt(hub) == 0
    assert standing(hub) == {"M|A|SO-1|1": ("id-W1", "W1", "created", 3)}
    with hub.store.read() as tx:
        [found] = documents.listed(tx, "mes", "work_order")
    assert found.content == made.content
    assert found.seen_in_pull_at is not None, "a pull has shown it: it counts as what it is, not as our wish"
