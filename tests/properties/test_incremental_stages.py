"""Stages that redo what changed leave what doing everything anew would leave, whatever comes in whatever order."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.actors import Actor
from pipeline.hub import Configuration, Hub, load_configuration, open_hub
from pipeline.route import see
from pipeline.settings import Settings
from store import conflicts, quarantine
from store.landing import RAW_SCHEMA, record_landing

ENTITIES = ("item", "partner", "sales_order", "sales_order_line")
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SOME = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
stamps = st.integers(0, 50).map(lambda minutes: f"{NOON + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.000+0000}")
products = st.builds(
    lambda code, unit, at: {
        "Id": f"01t{code}", "Name": f"part {code}", "ProductCode": code, "StockKeepingUnit": f"DW-{code}",
        "IsActive": True, "QuantityUnitOfMeasure": unit, "SystemModstamp": at,
    },
    st.sampled_from(["P1", "P2", "P3"]), st.sampled_from(["pcs", "kg", "furlong"]), stamps,
)  # fmt: skip
orders = st.builds(
    lambda number, customer, status, at: {
        "Id": f"801{number}", "OrderNumber": number, "Account": {"AccountNumber": customer}, "Status": status,
        "EffectiveDate": "2026-11-02", "Urgent__c": False, "Custom__c": False, "SystemModstamp": at,
    },
    st.sampled_from(["S1", "S2", "S3"]), st.sampled_from(["C1", None]),
    st.sampled_from(["Draft", "Activated", "Cancelled", "Nonsense"]), stamps,
)  # fmt: skip
lines = st.builds(
    lambda number, line, code, quantity, at: {
        "Id": f"802{number}{line}", "Order": {"OrderNumber": number}, "LineNumber__c": line, "Quantity": quantity,
        "Product2": {"ProductCode": code, "QuantityUnitOfMeasure": "pcs"}, "UnitPrice": 1, "EndDate": "2026-11-09",
        "SystemModstamp": at,
    },
    st.sampled_from(["S1", "S2", "S3", "S9"]), st.integers(1, 2), st.sampled_from(["P1", "P2", "P9"]),
    st.sampled_from([1, 5, -1, "many"]), stamps,
)  # fmt: skip
arrivals = st.lists(
    st.one_of(
        st.tuples(st.just("products"), st.lists(products, max_size=3), st.booleans()),
        st.tuples(st.just("orders"), st.lists(orders, max_size=3), st.booleans()),
        st.tuples(st.just("order_items"), st.lists(st.one_of(lines, st.just("no object")), max_size=3), st.booleans()),
    ),
    min_size=2, max_size=6,
)  # fmt: skip


@cache
def configuration() -> Configuration:
    return load_configuration(Settings.from_environment({}))


def land(hub: Hub, number: int, stream: str, records: list[Any], *, complete: bool) -> None:
    frame = pl.DataFrame({"record": [json.dumps(record) for record in records]}, schema=RAW_SCHEMA)
    file = hub.raw.write("crm", stream, frame, {"arrival": str(number)})
    with hub.store.begin() as tx:
        record_landing(tx, file, f"arrival-{number}", NOON, None, complete=complete)


def look(hub: Hub) -> None:
    see(hub, hub.new_run(Actor("run", "test")), ENTITIES, suite=False)


def what_stands(hub: Hub) -> dict[str, Any]:
    """Frames bit for bit; who waits in quarantine and why; where systems disagree."""
    names = [*(f"canonical/{entity}/crm" for entity in ENTITIES), *(f"golden/{entity}" for entity in ENTITIES)]
    names += [f"{stage}/{entity}" for entity in ENTITIES for stage in ("judged", "findings")]
    frames = {name: hub.frames.read(name) for name in names}
    with hub.store.read() as tx:
        waiting = [(row.stage, row.entity, row.rejection) for row in quarantine.listed(tx)]
        doubts = [(one.entity, one.golden_id, one.attribute, one.values) for one in conflicts.listed(tx)]
    told = {name: None if frame is None else frame.rows() for name, frame in frames.items()}
    return {**told, "quarantine": sorted(waiting, key=repr), "conflicts": sorted(doubts, key=repr)}


@SOME
@given(arrivals)
def test_stages__step_by_step_leave_what_all_at_once_leaves(came: list[tuple[str, list[Any], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        hub = open_hub({"MILLSTREAM_HOME": str(home)}, configuration=configuration())
        for number, (stream, records, complete) in enumerate(came):
            land(hub, number, stream, records, complete=complete and stream == "products")
            look(hub)
        step_by_step = what_stands(hub)
        hub.close()
        shutil.rmtree(home / "frames")
        anew = open_hub({"MILLSTREAM_HOME": str(home)}, configuration=configuration())
        look(anew)
        all_at_once = what_stands(anew)
        anew.close()
    assert step_by_step == all_at_once
    assert step_by_step["golden/item"] is not None
