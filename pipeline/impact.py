"""What hangs on a golden record: open documents and stock value. The stewards' queue is ordered by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from pipeline.hub import Hub

DONE = ("cancelled", "closed", "completed", "ordered")
_ITEM_DOCUMENTS = ("purchase_order", "purchase_request", "subcontract_order", "work_order")


@dataclass(frozen=True, slots=True)
class Impact:
    """Open documents that name a golden record, and the value of its stock in the currency of its prices."""

    open_documents: int = 0
    stock_value: Decimal = Decimal(0)

    def __add__(self, other: Impact) -> Impact:
        return Impact(self.open_documents + other.open_documents, self.stock_value + other.stock_value)

    @property
    def rank(self) -> tuple[int, Decimal]:
        """Greater is more urgent."""
        return (self.open_documents, self.stock_value)


NONE = Impact()


def read_from(hub: Hub, entity: str) -> str:
    """The versions of the frames from which impacts are read."""
    names = ["sales_order", "sales_order_line", *_ITEM_DOCUMENTS, "stock", "supplier_agreement"]
    return " ".join([entity, *(f"{name} {hub.frames.version(f'golden/{name}')}" for name in names)])


def impacts(hub: Hub, entity: str) -> Mapping[str, Impact]:
    """Golden id → what hangs on it, from the frames of the last pass; without any, it is missing.

    Kept in memory for as long as the frames stand.
    """
    basis = read_from(hub, entity)
    kept: tuple[str, Mapping[str, Impact]] | None = hub.kept.get(f"impacts/{entity}")
    if kept is None or kept[0] != basis:
        kept = hub.kept[f"impacts/{entity}"] = (basis, _impacts(hub, entity))
    return kept[1]


def _impacts(hub: Hub, entity: str) -> Mapping[str, Impact]:
    documents = _documents(hub, entity)
    values = _stock_values(hub) if entity == "item" else {}
    return {
        golden_id: Impact(documents.get(golden_id, 0), values.get(golden_id, Decimal(0)))
        for golden_id in documents.keys() | values.keys()
    }


def _documents(hub: Hub, entity: str) -> dict[str, int]:
    found = [pl.DataFrame(schema={"golden_id": pl.String})]
    if entity == "item":
        orders = _open(hub, "sales_order")
        lines = hub.frames.read("golden/sales_order_line")
        if orders is not None and lines is not None:
            alive = lines.join(orders.select(pl.col("golden_id").alias("order")), on="order", how="semi")
            found.append(alive.select(pl.col("item").alias("golden_id")))
    fields = {"partner": {"sales_order": "customer", "purchase_order": "supplier"}}
    for name, column in fields.get(entity, dict.fromkeys(_ITEM_DOCUMENTS, "item")).items():
        frame = _open(hub, name)
        if frame is not None and column in frame.columns:
            found.append(frame.select(pl.col(column).alias("golden_id")))
    counted = pl.concat(found).drop_nulls().group_by("golden_id").len()
    return dict(counted.iter_rows())


def _open(hub: Hub, entity: str) -> pl.DataFrame | None:
    frame = hub.frames.read(f"golden/{entity}")
    return None if frame is None else frame.filter(~pl.col("status").is_in(DONE))


def _stock_values(hub: Hub) -> dict[str, Decimal]:
    stock, prices = hub.frames.read("golden/stock"), hub.frames.read("golden/supplier_agreement")
    if stock is None or prices is None:
        return {}
    price = prices.drop_nulls("price").group_by("item").agg(pl.col("price").min())
    held = stock.group_by("item").agg(pl.col("quantity").sum()).join(price, on="item", how="inner")
    return {item: (quantity * price).quantize(Decimal(1)) for item, quantity, price in held.iter_rows()}
