"""The inbound mapping engine beside the loop one would write: `json.loads`, a pydantic model, one record at a time.

The peer does less: it stops at a record's first fault, and knows neither absent fields nor lineage.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

import mappings
from benchmarks.measuring import Figure, best_seconds
from canonical.entities import frame_schema
from canonical.orders import SalesOrderLine
from mappings.engine import compile_inbound
from mappings.loading import load_inbound, load_units

RECORDS = 100_000
FOLDER = Path(mappings.__file__).parent / "crm"


def measure() -> list[Figure]:
    """Records a second from the CRM's raw order lines to a canonical frame."""
    texts = _raw_records()
    mapping = compile_inbound(load_inbound(FOLDER / "sales_order_line.inbound.yaml"), "UTC")
    raw = pl.DataFrame({"record": texts})
    units = load_units(FOLDER)
    ours, rejected = mapping.apply(raw, "crm")
    peers = _loop(texts, units)
    columns = list(SalesOrderLine.model_fields)
    if rejected or not ours.select(columns).equals(peers.select(columns)):
        raise AssertionError("the two disagree, so their speed does not matter")
    return [
        Figure(
            "map 100,000 CRM order lines (peer: json and pydantic, one by one)",
            ours=RECORDS / best_seconds(lambda: mapping.apply(raw, "crm")),
            peer=RECORDS / best_seconds(lambda: _loop(texts, units)),
            unit="records/s",
        )
    ]


def _loop(texts: list[str], units: Mapping[str, str]) -> pl.DataFrame:
    schema = {name: kind for name, kind in frame_schema(SalesOrderLine).items() if name in SalesOrderLine.model_fields}
    rows = [_one(json.loads(text, parse_float=Decimal), units).model_dump() for text in texts]
    return pl.DataFrame(rows, schema=schema)


def _one(record: dict[str, object], units: Mapping[str, str]) -> SalesOrderLine:
    order, product = record["Order"], record["Product2"]
    assert isinstance(order, dict)
    assert isinstance(product, dict)
    return SalesOrderLine(
        order=order["OrderNumber"],
        line=str(record["LineNumber__c"]),
        item=product["ProductCode"],
        quantity=Decimal(str(record["Quantity"])),
        unit=units[product["QuantityUnitOfMeasure"]],
        price=Decimal(str(record["UnitPrice"])),
        due=date.fromisoformat(str(record["EndDate"])),
    )


def _raw_records() -> list[str]:
    chance = random.Random(7)
    return [
        json.dumps(
            {
                "Id": f"802{number:012d}",
                "OrderId": f"801{number // 3:012d}",
                "Order": {"OrderNumber": f"{number // 3:08d}"},
                "LineNumber__c": str(10 * (number % 3 + 1)),
                "Product2": {"ProductCode": f"FG-{chance.randrange(400):04d}", "QuantityUnitOfMeasure": "Each"},
                "Quantity": chance.randrange(1, 500) / 4,
                "UnitPrice": chance.randrange(100, 99999) / 100,
                "EndDate": "2026-11-20",
                "SystemModstamp": "2026-11-02T08:15:30.000+0000",
            }
        )
        for number in range(RECORDS)
    ]
