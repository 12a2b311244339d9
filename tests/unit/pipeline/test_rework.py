"""How much of a rework order the plan may count on: from the pass that sees the inspection, until it is finished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.commands import Command
from canonical.entities import ENTITIES, golden_schema
from canonical.strict_json import dumps
from pipeline.hub import Configuration, Hub
from pipeline.rework import awaited
from pipeline.settings import Deployment, Settings
from rules.loading import load_rulebooks
from rules.ruleset import RuleSet
from store import events, outbox, runs
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TODAY, DUE = date(2026, 11, 2), date(2026, 11, 9)
TWO = Decimal(2)


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def work(number: str, quantity: int, reference: str, **more: Any) -> dict[str, Any]:
    known = {"golden_id": number, "code": number, "number": number, "item": "A", "quantity": Decimal(quantity)}
    zero = {"good": Decimal(0), "scrapped": Decimal(0)}
    return {**known, **zero, "due": DUE, "status": "released", "our_reference": reference, **more}


def frames(*rework: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """An order of ten of which two were rejected, and the rework orders that stand."""
    made = work("MO-1", 10, "M|A|SO-1|1|1", status="completed", good=Decimal(8), scrapped=TWO)
    said = {
        "golden_id": "r1",
        "code": "r1",
        "work_order": "MO-1",
        "good": Decimal(8),
        "scrapped": TWO,
        "reported_at": AT,
    }
    failed = {"golden_id": "i1", "code": "i1", "work_order": "MO-1", "report": "r1", "inspected": Decimal(10),
              "failed": TWO, "result": "failed", "inspected_at": AT}  # fmt: skip
    return {
        "work_order": golden("work_order", made, *rework),
        "operation_report": golden("operation_report", said),
        "inspection": golden("inspection", failed),
    }


def hub_of(folder: Path, store: Store, *rulebooks: str) -> Hub:
    deployment = Deployment.model_validate(
        {"name": "plant", "systems": {}, "rulebooks": rulebooks, "sales_order_system": "crm"}
    )
    settings = Settings(folder, str(store.engine.url), None, folder / "plant.yaml", None)
    configuration = Configuration(deployment, {}, {}, {}, {}, RuleSet(load_rulebooks(rulebooks)))
    return Hub(
        settings, configuration, store, RawFiles(folder / "raw"), FrameStore(folder / "frames"), {}, now=lambda: AT
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    yield opened
    opened.close()


def decided_before(store: Store) -> None:
    with store.begin() as tx:
        runs.start(tx, "run-1", "run:test", AT, AT)
        runs.record_stage(tx, "run-1", "decide", {"watched": ["failed_inspection"]}, AT)


def known(store: Store) -> None:
    """The inspection was decided on."""
    row = {"inspection": "i1", "work_order": "MO-1", "failed": TWO, "rejected": TWO}
    with store.begin() as tx:
        events.mark_decided_rows(tx, [("failed_inspection", "i1", dumps(row), "")])


def ordered(store: Store) -> None:
    command = Command("order_production", "erp", "work_order", "rework|i1", 1, {"quantity": "2"}, "rule:r", "e")
    with store.begin() as tx:
        outbox.enqueue(tx, [command], AT)


def coming(hub: Hub, *rework: dict[str, Any]) -> list[tuple[Any, ...]]:
    return awaited(hub, frames(*rework), TODAY).rows()


EXPECTED = [("rework|i1", "A", TWO, DUE, "A|SO-1|1|1")]


def test_awaited__from_the_pass_that_sees_the_inspection(tmp_path: Path, store: Store) -> None:
    hub = hub_of(tmp_path, store, "quality")
    assert coming(hub) == [], "before the first deciding, what failed is history"
    decided_before(store)
    assert coming(hub) == EXPECTED
    assert coming(hub_of(tmp_path, store, "floor")) == [], "nobody orders rework there"


def test_awaited__what_was_decided_counts_once_it_is_ordered(tmp_path: Path, store: Store) -> None:
    hub = hub_of(tmp_path, store, "quality")
    decided_before(store)
    known(store)
    assert coming(hub) == [], "decided on before a rule ordered rework"
    ordered(store)
    assert coming(hub) == EXPECTED


def test_awaited__an_order_that_stands_brings_what_is_open(tmp_path: Path, store: Store) -> None:
    hub = hub_of(tmp_path, store, "quality")
    decided_before(store)

    def left(**stands: Any) -> list[Decimal]:
        return [row[2] for row in coming(hub, work("MO-2", 2, "rework|i1", **stands))]

    assert left() == [TWO]
    assert left(good=Decimal(1)) == [Decimal(1)]
    assert left(status="completed", good=TWO) == left(status="cancelled") == []
