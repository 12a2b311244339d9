"""Writes, lists and the shop floor of the simulated warehouse, on one small stock."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.common.state import SystemState
from sandbox.wms.app import operations, stock_levels
from sandbox.wms.contract import WmsFault
from sandbox.wms.movements import add_stock
from sandbox.wms.seeding import create_tables
from sandbox.wms.tables import next_change
from sandbox.wms.work import told, work

AT = "2026-11-02T08:00:00.000000Z"
NONE: dict[str, list[str]] = {"received": [], "sent": []}
"""No transfer moved."""


def warehouse(path: Path) -> SystemState:
    state = SystemState("wms", path, 7, 1, {})
    create_tables(state.db)
    for sku, unit, per_box in (("A", "BX", 12), ("B", "EA", None)):
        row = (sku, None, None, unit, per_box, None, next_change(state.db), AT)
        state.db.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    state.db.executemany("INSERT INTO labels VALUES (?, ?)", [("A", "DW-1"), ("B", "DW-2")])
    state.db.execute("INSERT INTO warehouses VALUES ('WH1', 'one', ?, ?)", (next_change(state.db), AT))
    for sku, lot, status, kept in (
        ("A", "1", "AVAILABLE", 36), ("B", "1", "AVAILABLE", 3), ("B", "2", "AVAILABLE", 3),
        ("B", "0", "AVAILABLE", -5), ("B", "9", "BLOCKED", 100),
    ):  # fmt: skip
        add_stock(state.db, ("WH1", sku, lot, status), Decimal(kept), AT)
    return state


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    return warehouse(tmp_path / "wms.db")


def call(state: SystemState, operation: str, **asked: Any) -> dict[str, Any]:
    return operations(state)[operation](**asked)


def shipment(reference: str, quantity: object, unit: str = "EA", sku: str = "B") -> dict[str, Any]:
    line = {"lineNumber": 1, "sku": sku, "quantity": Decimal(str(quantity)), "unitOfMeasure": unit}
    return {"externalReference": reference, "orderReference": "SO", "lines": {"line": [line]}}


def kept(state: SystemState, sku: str) -> dict[str, str]:
    return {row["lot"]: row["quantity"] for row in stock_levels(state, {})["stock"] if row["sku"] == sku}


def statuses(state: SystemState) -> dict[str, str]:
    listed = call(state, "ListShipments")["shipments"]["shipment"]
    return {row["externalReference"]: row["status"] for row in listed}


def test_create_shipment__reserves_nothing_and_stands_in_the_ledger(state: SystemState) -> None:
    made = call(state, "CreateShipment", **shipment("R1", 5))
    assert made["externalReference"] == "R1"
    assert kept(state, "B")["1"] == "3"
    (row,) = state.ledger.rows()
    assert (row["operation"], row["reference"], row["document"]) == ("CreateShipment", "R1", made["number"])


def test_create_shipment__taken_reference_names_the_existing_number(state: SystemState) -> None:
    made = call(state, "CreateShipment", **shipment("R1", 5))
    with pytest.raises(WmsFault) as refused:
        call(state, "CreateShipment", **shipment("R1", 6))
    detail = {str(child.tag).rpartition("}")[2]: child.text for child in refused.value.detail}  # type: ignore[union-attr]
    assert detail == {
        "code": "DUPLICATE_REFERENCE", "retryable": "false", "reference": "R1", "existingNumber": made["number"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (shipment("R", 1, sku="Z"), "UNKNOWN_SKU"),
        (shipment("R", 1, unit="dozenish"), "UNKNOWN_UNIT"),
        (shipment("R", 1, unit="KG"), "UNIT_MISMATCH"),
        (shipment("R", 0), "INVALID_QUANTITY"),
        ({**shipment("R", 1), "lines": {"line": []}}, "NO_LINES"),
        ({**shipment("R", 1), "lines": {"line": shipment("R", 1)["lines"]["line"] * 2}}, "DUPLICATE_LINE"),
    ],
)
def test_create_shipment__bad_line_is_refused_and_leaves_nothing(
    state: SystemState, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(WmsFault) as refused:
        call(state, "CreateShipment", **asked)
    assert refused.value.code == code
    assert statuses(state) == {}
    assert state.ledger.attempts() == []


def test_cancel_shipment__twice_answers_the_same(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 1))
    first = call(state, "CancelShipment", externalReference="R1")
    assert call(state, "CancelShipment", externalReference="R1") == first
    assert first["status"] == "CANCELLED"
    assert [row["effect"] for row in state.ledger.rows()] == ["created", "updated"]


def test_cancel_shipment__unknown_or_shipped_is_refused(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 1))
    work(state, 2)
    for reference, code in (("R1", "NOT_CANCELLABLE"), ("R9", "UNKNOWN_REFERENCE")):
        with pytest.raises(WmsFault) as refused:
            call(state, "CancelShipment", externalReference=reference)
        assert refused.value.code == code


def test_change_shipment__content_is_replaced_and_the_same_again_changes_nothing(state: SystemState) -> None:
    made = call(state, "CreateShipment", **shipment("R1", 5), wantedOn="2026-11-20", priority=3)
    asked = {**shipment("R1", 7), "priority": 1}
    del asked["orderReference"]
    first = call(state, "ChangeShipment", **asked)
    assert first == {**made, "status": "REQUESTED"}
    (listed,) = call(state, "ListShipments")["shipments"]["shipment"]
    asked["lines"]["line"][0]["quantity"] = Decimal("7.0")
    assert call(state, "ChangeShipment", **asked) == first
    assert call(state, "ListShipments")["shipments"]["shipment"] == [listed]
    assert [line["quantity"] for line in listed["lines"]["line"]] == ["7"]
    assert state.db.execute("SELECT wanted_on, priority FROM shipments").fetchall() == [(None, 1)]
    assert [row["effect"] for row in state.ledger.rows()] == ["created", "updated"]
    assert [row["effect"] for row in state.ledger.attempts()] == ["created", "updated", "unchanged"]


def test_change_shipment__there_and_back_ends_where_it_began(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 1))
    for quantity in (2, 1):
        call(state, "ChangeShipment", **shipment("R1", quantity))
    (listed,) = call(state, "ListShipments")["shipments"]["shipment"]
    assert listed["lines"]["line"][0]["quantity"] == "1"


def test_change_shipment__unknown_picked_shipped_or_cancelled_is_refused(state: SystemState) -> None:
    for reference in ("R1", "R2", "R3"):
        call(state, "CreateShipment", **shipment(reference, 1))
    call(state, "CancelShipment", externalReference="R3")
    work(state, 2)
    assert statuses(state) == {"R1": "SHIPPED", "R2": "PICKING", "R3": "CANCELLED"}
    attempts = len(state.ledger.attempts())
    codes = {"R1": "NOT_CHANGEABLE", "R2": "NOT_CHANGEABLE", "R3": "NOT_CHANGEABLE", "R9": "UNKNOWN_REFERENCE"}
    for reference, code in codes.items():
        with pytest.raises(WmsFault) as refused:
            call(state, "ChangeShipment", **shipment(reference, 2))
        assert refused.value.code == code
    with pytest.raises(WmsFault):
        call(state, "ChangeShipment", **shipment("R3", 1))  # cancelled: not even what stood there
    assert len(state.ledger.attempts()) == attempts
    replayed = [call(state, "ChangeShipment", **shipment(reference, 1))["status"] for reference in ("R1", "R2")]
    assert replayed == ["SHIPPED", "PICKING"]


@pytest.mark.parametrize(
    ("asked", "code"), [(shipment("R1", 1, sku="Z"), "UNKNOWN_SKU"), ({"lines": {"line": []}}, "NO_LINES")]
)
def test_change_shipment__bad_line_is_refused_and_leaves_what_stood(
    state: SystemState, asked: dict[str, Any], code: str
) -> None:
    call(state, "CreateShipment", **shipment("R1", 1))
    with pytest.raises(WmsFault) as refused:
        call(state, "ChangeShipment", externalReference="R1", lines=asked["lines"])
    assert refused.value.code == code
    (listed,) = call(state, "ListShipments")["shipments"]["shipment"]
    assert [line["sku"] for line in listed["lines"]["line"]] == ["B"]
    assert len(state.ledger.attempts()) == 1


def test_cancel_shipment__changed_one_is_cancelled_and_ships_as_changed_otherwise(state: SystemState) -> None:
    for reference in ("R1", "R2"):
        call(state, "CreateShipment", **shipment(reference, 1))
        call(state, "ChangeShipment", **shipment(reference, 3))
    assert call(state, "CancelShipment", externalReference="R1")["status"] == "CANCELLED"
    assert work(state, 2)["shipped"] == ["R2"]
    assert kept(state, "B")["1"] == "0"


def test_create_receipt__raises_stock_once(state: SystemState) -> None:
    asked = {
        "externalReference": "G1", "sku": "A", "warehouse": "WH1", "quantity": Decimal("1.5"), "unitOfMeasure": "BX",
        "lot": "1",
    }  # fmt: skip
    call(state, "CreateReceipt", **asked)
    with pytest.raises(WmsFault):
        call(state, "CreateReceipt", **asked)
    assert kept(state, "A") == {"1": "54.0"}
    with pytest.raises(WmsFault) as refused:
        call(state, "CreateReceipt", **{**asked, "externalReference": "G2", "warehouse": "WH9"})
    assert refused.value.code == "UNKNOWN_WAREHOUSE"
    (receipt,) = call(state, "ListReceipts")["receipts"]["receipt"]
    assert (receipt["externalReference"], receipt["unitOfMeasure"]) == ("G1", "BX")


def test_expedite_picking__every_call_prints_a_ticket(state: SystemState) -> None:
    for _ in range(2):
        assert call(state, "ExpeditePicking", orderReference="SO", reason="urgent") == {"accepted": True}
    assert [row["document"] for row in state.ledger.rows()] == ["PT-000001", "PT-000002"]


def test_list__pages_follow_change_and_keep_their_beginning(state: SystemState) -> None:
    first = call(state, "ListStock", pageSize=4)
    add_stock(state.db, ("WH1", "A", "1", "AVAILABLE"), Decimal(-1), AT)
    rest = call(state, "ListStock", pageSize=4, pageToken=first["nextPageToken"])
    assert [row["lot"] for row in rest["rows"]["row"]] == ["9", "1"]  # what changed meanwhile comes again
    assert rest["rows"]["row"][1]["unitOfMeasure"] == "EA"  # the box is broken
    assert rest["nextPageToken"] is None
    assert first["rows"]["row"][0]["quantity"] == 3


def test_list__changed_since_is_inclusive(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 1))
    (made,) = call(state, "ListShipments")["shipments"]["shipment"]
    at = made["changedAt"]
    assert len(call(state, "ListShipments", changedSince=at)["shipments"]["shipment"]) == 1
    later = "2099-01-01T00:00:00+08:00"
    assert call(state, "ListShipments", changedSince=later)["shipments"]["shipment"] == []


@pytest.mark.parametrize("asked", [{"pageToken": "nonsense"}, {"pageSize": 0}])
def test_list__nonsense_is_a_typed_fault(state: SystemState, asked: dict[str, Any]) -> None:
    with pytest.raises(WmsFault):
        call(state, "ListItems", **asked)


def test_work__ships_in_reference_order_as_far_as_stock_reaches(state: SystemState) -> None:
    for reference, quantity in (("R4", 1), ("R3", 9), ("R1", 4), ("R2", 1)):
        call(state, "CreateShipment", **shipment(reference, quantity))
    assert work(state, 1)["shipped"] == []
    assert work(state, 2) == {
        "shipped": ["R1", "R2"],
        "picking": ["R4"],
        "waiting": ["R3"],
        "issued": 0,
        "transfers": NONE,
    }
    assert statuses(state) == {"R1": "SHIPPED", "R2": "SHIPPED", "R3": "REQUESTED", "R4": "PICKING"}
    assert kept(state, "B") == {"0": "-5", "1": "0", "2": "1", "9": "100"}
    assert work(state, 2)["shipped"] == ["R1", "R2"]  # a round happens once
    assert work(state, 3) == {"shipped": ["R4"], "picking": [], "waiting": ["R3"], "issued": 0, "transfers": NONE}
    listed = call(state, "ListShipments")["shipments"]["shipment"]
    done = next(row for row in listed if row["externalReference"] == "R1")
    assert done["shippedAt"] is not None
    assert done["lines"]["line"][0]["quantityShipped"] == "4"


def test_work__boxes_and_pieces_draw_on_the_same_stock(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 2, unit="BX", sku="A"))
    call(state, "CreateShipment", **shipment("R2", 13, sku="A"))
    assert work(state, 2) == {"shipped": ["R1"], "picking": [], "waiting": ["R2"], "issued": 0, "transfers": NONE}
    assert kept(state, "A") == {"1": "12"}


def test_work__picked_components_leave_the_stock_once_and_no_ledger_row(state: SystemState) -> None:
    before = state.db.execute("SELECT MAX(seq) FROM stock").fetchone()
    done = work(state, 1, {"DW-1": Decimal("1.25"), "DW-2": Decimal(4)})
    assert done == {"shipped": [], "picking": [], "waiting": [], "issued": 2, "transfers": NONE}
    assert work(state, 1, {"DW-1": Decimal(1)}) == done  # a round happens once
    assert kept(state, "A") == {"1": "34.75"}
    assert kept(state, "B") == {"0": "-5", "1": "0", "2": "2", "9": "100"}
    assert state.ledger.attempts() == []
    changed = state.db.execute(
        "SELECT sku, lot FROM stock WHERE seq > ? AND changed_at > ? ORDER BY seq", (*before, AT)
    )
    assert changed.fetchall() == [("A", "1"), ("B", "1"), ("B", "2")]


def test_work__picked_under_both_skus_of_a_material(state: SystemState) -> None:
    state.db.execute("UPDATE labels SET drawing = 'DW-2'")
    work(state, 1, {"DW-2": Decimal(38)})
    assert (kept(state, "A")["1"], kept(state, "B")["1"]) == ("0", "1")


def test_work__picks_before_it_ships(state: SystemState) -> None:
    call(state, "CreateShipment", **shipment("R1", 4))
    assert work(state, 2, {"DW-2": Decimal(3)})["waiting"] == ["R1"]


def test_work__what_does_not_lie_there_is_refused_whole(state: SystemState) -> None:
    with pytest.raises(ValueError, match="DW-2: 1 of 7 picked"):
        work(state, 1, {"DW-1": Decimal(1), "DW-2": Decimal(7)})
    assert kept(state, "A") == {"1": "36"}
    with pytest.raises(ValueError, match="drawing number"):
        told(state, {"consumed": {"DW-1": "much"}})


def test_stock_levels__say_the_true_material(state: SystemState) -> None:
    assert {row["sku"]: row["drawing"] for row in stock_levels(state, {})["stock"]} == {"A": "DW-1", "B": "DW-2"}


# -- transfers between warehouses ----------------------------------------------------------------------------------


def transfer(reference: str, quantity: object, **more: Any) -> dict[str, Any]:
    return {
        "externalReference": reference,
        "sku": "B",
        "quantity": Decimal(str(quantity)),
        "unitOfMeasure": "EA",
        **more,
    }


@pytest.fixture
def two(state: SystemState) -> SystemState:
    """The same with a second warehouse."""
    state.db.execute("INSERT INTO warehouses VALUES ('WH2', 'two', ?, ?)", (next_change(state.db), AT))
    return state


WAY = {"fromWarehouse": "WH1", "toWarehouse": "WH2"}


def lies(state: SystemState) -> dict[str, Decimal]:
    """Warehouse → what of B can be had there."""
    rows = [row for row in stock_levels(state, {})["stock"] if row["sku"] == "B" and row["status"] == "AVAILABLE"]
    return {
        place: sum((Decimal(row["quantity"]) for row in rows if row["warehouse"] == place), Decimal(0))
        for place in ("WH1", "WH2")
    }


def moved(state: SystemState) -> dict[str, str]:
    listed = call(state, "ListTransfers")["transfers"]["transfer"]
    return {row["externalReference"]: row["status"] for row in listed}


def test_transfer__leaves_when_all_of_it_lies_there_and_arrives_a_round_later(two: SystemState) -> None:
    before = lies(two)
    call(two, "CreateTransfer", **transfer("T-1", 4, **WAY))
    call(two, "CreateTransfer", **transfer("T-2", 4, **WAY))
    assert lies(two) == before
    assert work(two, 1)["transfers"] == {"received": [], "sent": ["T-1"]}
    assert lies(two) == {"WH1": before["WH1"] - 4, "WH2": 0}
    assert work(two, 2)["transfers"] == {"received": ["T-1"], "sent": []}
    assert lies(two) == {"WH1": before["WH1"] - 4, "WH2": 4}
    assert moved(two) == {"T-1": "RECEIVED", "T-2": "REQUESTED"}
    assert [row["operation"] for row in two.ledger.rows()] == ["CreateTransfer"] * 2


def test_transfer__changes_and_goes_until_the_goods_leave(two: SystemState) -> None:
    made = call(two, "CreateTransfer", **transfer("T-1", 4, **WAY))
    fewer = {name: value for name, value in transfer("T-1", 2).items() if name != "sku"}
    assert [call(two, "ChangeTransfer", **fewer)["status"] for _ in range(2)] == ["REQUESTED"] * 2
    assert [row["effect"] for row in two.ledger.rows()] == ["created", "updated"]
    assert call(two, "CancelTransfer", externalReference="T-1")["number"] == made["number"]
    assert call(two, "CancelTransfer", externalReference="T-1")["status"] == "CANCELLED"
    assert work(two, 1)["transfers"] == {"received": [], "sent": []}
    call(two, "CreateTransfer", **transfer("T-2", 2, **WAY))
    work(two, 2)
    assert call(two, "ChangeTransfer", **{**fewer, "externalReference": "T-2"})["status"] == "IN_TRANSIT", (
        "it stands so"
    )
    late = {**fewer, "externalReference": "T-2", "quantity": Decimal(1)}
    for operation, asked, code in (
        ("ChangeTransfer", late, "NOT_CHANGEABLE"),
        ("CancelTransfer", {"externalReference": "T-2"}, "NOT_CANCELLABLE"),
        ("ChangeTransfer", fewer, "NOT_CHANGEABLE"),
        ("CancelTransfer", {"externalReference": "T-9"}, "UNKNOWN_REFERENCE"),
    ):  # fmt: skip
        with pytest.raises(WmsFault) as refused:
            call(two, operation, **asked)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"toWarehouse": "WH1"}, "SAME_WAREHOUSE"),
        ({"toWarehouse": "WH7"}, "UNKNOWN_WAREHOUSE"),
        ({"quantity": Decimal(0)}, "INVALID_QUANTITY"),
        ({"sku": "C"}, "UNKNOWN_SKU"),
        ({"unitOfMeasure": "KG"}, "UNIT_MISMATCH"),
        ({"externalReference": "T-0"}, "DUPLICATE_REFERENCE"),
    ],
)
def test_transfer__that_cannot_be_is_refused(two: SystemState, asked: dict[str, Any], code: str) -> None:
    call(two, "CreateTransfer", **transfer("T-0", 1, **WAY))
    with pytest.raises(WmsFault) as refused:
        call(two, "CreateTransfer", **{**transfer("T-1", 1, **WAY), **asked})
    assert refused.value.code == code
    assert moved(two) == {"T-0": "REQUESTED"}
