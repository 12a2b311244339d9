"""The planner's picture: what counts as demand, stock and receipt."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from pipeline.rework import SCHEMA
from pipeline.settings import Planning
from pipeline.snapshot import OwnOrder, closed_references, open_lines, plan_key, scaled, snapshot, unscaled

AS_OF = date(2026, 11, 2)


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def order(number: str, **values: Any) -> dict[str, Any]:
    return {"golden_id": number, "number": number, "status": "open", "urgent": False, "custom": False, **values}


def line(order_number: str, number: str, item: str, quantity: str) -> dict[str, Any]:
    key = f"{order_number}|{number}"
    values = {"order": order_number, "line": number, "item": item, "quantity": Decimal(quantity)}
    return {"golden_id": key, "unit": "pcs", "due": date(2026, 11, 20), **values}


def work(number: str, item: str, quantity: str, **values: Any) -> dict[str, Any]:
    zero = Decimal(0)
    known = {"golden_id": number, "code": number, "number": number, "item": item, "quantity": Decimal(quantity)}
    return {**known, "good": zero, "scrapped": zero, "unit": "pcs", "status": "released", **values}


def test_scaled__keeps_a_third_of_a_gram_of_what_is_kept_in_kilograms() -> None:
    assert scaled(Decimal("0.00035")) == 350
    assert unscaled(350) == Decimal("0.00035")
    assert scaled(Decimal("0.0000001")) == 1  # never rounded away


def test_open_lines__less_what_was_shipped_and_only_of_open_orders() -> None:
    frames = {
        "sales_order": golden("sales_order", order("SO-1"), order("SO-2", status="cancelled")),
        "sales_order_line": golden("sales_order_line", line("SO-1", "1", "A", "5"), line("SO-2", "1", "A", "9")),
        "shipment": golden(
            "shipment",
            {"golden_id": "S1", "our_reference": "SO-1|1", "quantity": Decimal(5), "shipped": Decimal(2)},
        ),
    }
    (left,) = open_lines(frames)
    assert (left.key, left.quantity) == ("SO-1|1", Decimal(3))


def test_reported_goods__are_on_their_way_until_the_warehouse_shows_them() -> None:
    report = {
        "golden_id": "r1", "code": "r1", "work_order": "MO1", "good": Decimal(4), "scrapped": Decimal(0),
        "reported_at": datetime(2026, 11, 2, tzinfo=UTC),
    }  # fmt: skip
    frames = {
        "work_order": golden("work_order", work("MO1", "A", "10", our_reference="M|A|SO-1|1|1", status="running")),
        "operation_report": golden("operation_report", report),
    }
    (receipt,) = snapshot(frames, Planning(), AS_OF, ()).receipts
    assert (receipt.key, receipt.quantity, receipt.origin) == ("goods_receipt|r1", 4_000_000, "A|SO-1|1|1")
    seen = golden("goods_receipt", {"golden_id": "G1", "our_reference": "r1", "quantity": Decimal(4)})
    assert snapshot({**frames, "goods_receipt": seen}, Planning(), AS_OF, ()).receipts == ()


def test_own_orders__are_replanned_until_begun_then_firm_then_closed() -> None:
    reference = "M|A|SO-1|1|1"

    def picture(**values: Any) -> tuple[int, frozenset[str], int]:
        frames = {"work_order": golden("work_order", work("MO1", "A", "10", our_reference=reference, **values))}
        found = snapshot(frames, Planning(), AS_OF, ())
        return len(found.receipts), found.closed_orders, sum(firm.quantity for firm in found.firm_orders)

    assert picture() == (0, frozenset(), 0)
    assert picture(status="running", good=Decimal(4)) == (0, frozenset(), 6_000_000)
    assert picture(status="completed", good=Decimal(10)) == (0, frozenset({plan_key(reference)}), 0)
    assert picture(status="cancelled") == (0, frozenset({plan_key(reference)}), 0)


def rework(quantity: str, **values: Any) -> dict[str, pl.DataFrame]:
    """A finished order short of two pieces, their rework, and what is still to come of it."""
    made = work(
        "MO1", "A", "10", our_reference="M|A|SO-1|1|1", status="completed", good=Decimal(8), scrapped=Decimal(2)
    )
    failed = {"golden_id": "i1", "code": "i1", "work_order": "MO1", "result": "failed", "failed": Decimal(2)}
    row = ("rework|i1", "A", Decimal(quantity), date(2026, 11, 9), "A|SO-1|1|1")
    return {
        "work_order": golden("work_order", made, work("MO2", "A", "2", our_reference="rework|i1", **values)),
        "inspection": golden("inspection", failed),
        "rework": pl.DataFrame([row] if row[2] else [], schema=SCHEMA, orient="row"),
    }


def test_rework__is_a_receipt_for_whom_it_was_made_and_no_order_of_the_plan() -> None:
    found = snapshot(rework("2", status="running"), Planning(), AS_OF, ())
    [receipt] = found.receipts
    assert (receipt.key, receipt.quantity, receipt.origin) == ("rework|i1", 2_000_000, "A|SO-1|1|1")
    assert found.firm_orders == ()


def test_rework__reported_goods_go_to_whom_the_rejected_pieces_were_made_for() -> None:
    report = {
        "golden_id": "r9", "code": "r9", "work_order": "MO2", "good": Decimal(2), "scrapped": Decimal(0),
        "reported_at": datetime(2026, 11, 2, tzinfo=UTC),
    }  # fmt: skip
    frames = {
        **rework("0", status="completed", good=Decimal(2)),
        "operation_report": golden("operation_report", report),
    }
    [receipt] = snapshot(frames, Planning(), AS_OF, ()).receipts
    assert (receipt.key, receipt.quantity, receipt.origin) == ("goods_receipt|r9", 2_000_000, "A|SO-1|1|1")


SITES = Planning.model_validate({"sites": {"south": {"warehouses": ["WH3"], "transfer_days": 2}}})


def moved(status: str, reference: str | None = "T|A@south|SO-1|1|1", **more: Any) -> dict[str, pl.DataFrame]:
    """Nine of A in WH1, of which four are to be brought to the south."""
    row = {"golden_id": "TRF-1", "number": "TRF-1", "item": "A", "from_warehouse": "WH1", "to_warehouse": "WH3",
           "quantity": Decimal(4), "unit": "pcs", "due": date(2026, 11, 9), "status": status,
           "our_reference": reference, **more}  # fmt: skip
    lot = {"golden_id": "L", "warehouse": "WH1", "item": "A", "lot": "1", "status": "available", "quantity": Decimal(9)}
    return {"transfer_order": golden("transfer_order", row), "stock": golden("stock", lot)}


def test_own_transfers__are_replanned_until_they_leave_then_firm_then_closed() -> None:
    def picture(status: str) -> tuple[list[tuple[str, str, int, str]], frozenset[str]]:
        found = snapshot(moved(status), SITES, AS_OF, ())
        assert [row.quantity for row in found.stock] == [9_000_000]
        assert found.receipts == ()
        return [(one.key, one.item, one.quantity, one.sourcing) for one in found.firm_orders], found.closed_orders

    key = "A@south|SO-1|1|1"
    assert picture("requested") == ([], frozenset())
    assert picture("in_transit") == ([(key, "A@south", 4_000_000, "transfer")], frozenset())
    assert picture("received") == picture("cancelled") == ([], frozenset({key}))


@pytest.mark.parametrize(
    ("status", "to", "left", "comes"),
    [
        ("requested", "WH3", 5, ["A@south"]),  # still in the first warehouse's stock, and spoken for
        ("in_transit", "WH3", 9, ["A@south"]),
        ("requested", "WH2", 9, []),  # within one site nothing changes until it leaves
        ("in_transit", "WH2", 9, ["A"]),
        ("received", "WH3", 9, []),
    ],
)
def test_transfers_of_others__count_where_they_go(status: str, to: str, left: int, comes: list[str]) -> None:
    found = snapshot(moved(status, None, to_warehouse=to), SITES, AS_OF, ())
    assert [unscaled(row.quantity) for row in found.stock] == [left]
    assert [row.item for row in found.receipts] == comes
    assert found.firm_orders == ()


def test_foreign_work__is_a_receipt_reserved_for_the_order_it_names() -> None:
    frames = {
        "sales_order": golden("sales_order", order("SO-1")),
        "sales_order_line": golden("sales_order_line", line("SO-1", "1", "A", "5")),
        "work_order": golden("work_order", work("MO9", "A", "5", sales_order="SO-1", due=date(2026, 11, 9))),
    }
    (receipt,) = snapshot(frames, Planning(), AS_OF, ()).receipts
    assert (receipt.reserved_for, receipt.available) == ("SO-1|1", date(2026, 11, 9))


def test_closed_references__name_what_purchasing_ordered_on() -> None:
    request = {"golden_id": "R1", "our_reference": "P|B|SO-1|1|1", "status": "ordered", "quantity": Decimal(1)}
    assert closed_references({"purchase_request": golden("purchase_request", request)}) == {"P|B|SO-1|1|1"}


def test_own_order__that_only_stands_there_is_not_started() -> None:
    standing = OwnOrder("M|A|r|1", "A", Decimal(5), Decimal(0), Decimal(0), "released", None)
    assert not standing.started
    assert standing.open_quantity == 5
