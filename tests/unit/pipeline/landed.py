"""A hub of the shipped plant whose CRM told of two items, one of them without a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from canonical.actors import Actor, Role
from canonical.strict_json import dumps
from pipeline.conform import conform
from pipeline.hub import Hub, Run, open_hub
from store.landing import RAW_SCHEMA, record_landing

STREAM = "products"


def raw_item(code: str, name: str | None, **more: Any) -> dict[str, Any]:
    return {
        "Id": f"01t{code}", "ProductCode": code, "Name": name, "QuantityUnitOfMeasure": "Each",
        "StockKeepingUnit": f"DW-{code}", "SystemModstamp": "2026-10-15T00:00:00.000+0000", "IsActive": True, **more,
    }  # fmt: skip


def land_items(hub: Hub, run: Run, *records: dict[str, Any], complete: bool = True) -> None:
    frame = pl.DataFrame({"record": [dumps(record) for record in records]}, schema=RAW_SCHEMA)
    file = hub.raw.write("crm", STREAM, frame, {"run": run.run_id, "fetched_at": hub.now().isoformat()})
    with hub.store.begin() as tx:
        record_landing(tx, file, run.run_id, hub.now(), "2026-10-15T00:00:00.000+0000", complete=complete)


def landed_hub(folder: Path) -> Hub:
    hub = open_hub({"MILLSTREAM_HOME": str(folder)})
    run = hub.new_run(Actor("run", "first", Role.ENGINEER))
    land_items(hub, run, raw_item("FG-1", "Gear box"), raw_item("FG-2", None))
    conform(hub, "crm", "item", run)
    return hub
