"""The Tryton connector on the real server: what it reads, what it plans to, what it writes.

The plan made of what was read must come to the same totals per item as Tryton's own supply wizard on a copy of the
same database. Allowed differences: none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.commands import Outcome, OutcomeKind, StepReceipt
from canonical.errors import AuthenticationFailed
from canonical.plan import Plan, PlannedOrder
from canonical.strict_json import dumps
from connectors.port import Connector, FoundDocument, StepRequest, Variant
from connectors.registry import open_connector
from mappings.engine import compile_inbound
from mappings.loading import load_system
from pipeline.settings import Settings
from pipeline.snapshot import snapshot, unscaled
from planning.mrp import plan
from sandbox.tryton import server, supply
from sandbox.tryton.rpc import Session
from sandbox.tryton.server import Plant

pytestmark = pytest.mark.timeout(300)
MAPPINGS = Path(__file__).parents[2] / "mappings" / "tryton"


@dataclass(frozen=True)
class Running:
    plant: Plant
    session: Session
    connector: Connector
    env: Mapping[str, str]


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if reason := server.not_ready():
        pytest.skip(reason)
    plant = server.build(tmp_path_factory.mktemp("tryton"))
    with server.served(plant) as url:
        env = server.connection(plant, url)
        connector = open_connector("tryton", env)
        yield Running(plant, plant.session(url), connector, env)
        connector.close()


def canonical_frames(connector: Connector) -> dict[str, pl.DataFrame]:
    """Everything Tryton tells, conformed; a record's own key stands for its golden id."""
    frames: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for spec in load_system(MAPPINGS).inbound:
        records = [dumps(record) for page in connector.read(spec.stream) for record in page.records]
        raw = pl.DataFrame({"record": records}, schema={"record": pl.String})
        frame, rejected = compile_inbound(spec, "UTC").apply(raw, "tryton")
        assert not rejected
        frames[spec.entity].append(frame.with_columns(pl.col("source_key").alias("golden_id")))
    return {entity: pl.concat(parts) for entity, parts in frames.items()}


def planned(connector: Connector) -> Plan:
    deployment = Settings.from_environment({"MILLSTREAM_DEPLOYMENT": "tryton"}).load_deployment()
    return plan(snapshot(canonical_frames(connector), deployment.planning, datetime.now(UTC).date(), ()))


def totals(orders: list[PlannedOrder]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        found[order.item] += unscaled(order.quantity)
    return dict(found)


def of_kind(result: Plan, sourcing: str) -> list[PlannedOrder]:
    return [order for order in result.planned_orders if order.sourcing == sourcing]


def request(
    reference: str,
    step: str,
    payload: dict[str, Any] | None = None,
    *,
    operation: str = "order_production",
    variant: Variant = "create",
    existing: FoundDocument | None = None,
    receipt: StepReceipt | None = None,
) -> StepRequest:
    receipts = {receipt.step: receipt} if receipt else {}
    command = f"{operation}:{reference}"
    return StepRequest(command, operation, variant, step, reference, payload or {}, receipts, existing)


def production(reference: str, item: str, quantity: Any, *, unit: str = "u") -> dict[str, Any]:
    days = {"planned_start_date": "2030-01-04", "planned_date": "2030-01-08"}
    return {"reference": reference, "product": item, "quantity": quantity, "unit": unit, **days}


def kinds(outcomes: Any) -> list[OutcomeKind]:
    return [outcome.kind for outcome in outcomes]


def made_item(tryton: Running) -> str:
    return str(tryton.session.search_read("product.product", [["producible", "=", True]], ["code"])[0]["code"])


def test_plan__of_what_was_read__equals_the_supply_wizard(tryton: Running) -> None:
    expected = supply.supply_totals(tryton.plant)
    result = planned(tryton.connector)
    assert not result.problems
    assert totals(of_kind(result, "make")) == expected["productions"]
    assert totals(of_kind(result, "buy")) == expected["purchases"]


def test_write__the_whole_plan__stands_in_tryton_once(tryton: Running) -> None:
    expected = supply.supply_totals(tryton.plant)
    result, units = planned(tryton.connector), units_of(tryton.session)
    made, bought = of_kind(result, "make"), of_kind(result, "buy")
    creates = [
        request(
            order.key,
            "create",
            {**production(order.key, order.item, exact(order), unit=units[order.item]), **days(order)},
        )
        for order in made
    ]
    creates += [
        request(order.key, "create", requisition(order, units[order.item]), operation="request_purchase")
        for order in bought
    ]
    created = tryton.connector.write(creates)
    assert set(kinds(created)) == {OutcomeKind.APPLIED}
    waited = tryton.connector.write(
        [
            request(one.reference, "wait", operation=one.operation, receipt=receipt(outcome))
            for one, outcome in zip(creates, created, strict=True)
        ]
    )
    assert set(kinds(waited)) == {OutcomeKind.APPLIED}
    assert written_totals(tryton.session) == (expected["productions"], expected["purchases"])
    found = tryton.connector.look_up("order_production", [order.key for order in made])
    assert all(len(documents) == 1 for documents in found.values())
    assert supply.supply_totals(tryton.plant)["productions"] == {}, "Tryton sees nothing left to make"


def receipt(outcome: Outcome) -> StepReceipt:
    assert outcome.receipt
    return outcome.receipt


def exact(order: PlannedOrder) -> int | float:
    quantity = unscaled(order.quantity)
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def days(order: PlannedOrder) -> dict[str, str]:
    return {"planned_start_date": order.start.isoformat(), "planned_date": order.due.isoformat()}


def requisition(order: PlannedOrder, unit: str) -> dict[str, Any]:
    line = {"product": order.item, "quantity": exact(order), "unit": unit}
    return {"description": order.key, "supply_date": order.due.isoformat(), "lines": [line]}


def units_of(session: Session) -> dict[str, str]:
    rows = session.search_read("product.product", [], ["code", "default_uom.symbol"])
    return {row["code"]: row["default_uom."]["symbol"] for row in rows}


def written_totals(session: Session) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What the waiting documents come to; a production counts by its output moves."""
    made: dict[str, Decimal] = defaultdict(Decimal)
    bought: dict[str, Decimal] = defaultdict(Decimal)
    for document in supply.productions(session):
        assert document["state"] == "waiting"
        assert document["inputs"]
        for item, quantity in document["outputs"].items():
            made[item] += quantity
    for document in supply.requisitions(session):
        for item, quantity in document["lines"].items():
            bought[item] += quantity
    return dict(made), dict(bought)


def test_change__waiting_production__gets_new_moves(tryton: Running) -> None:
    item, reference = made_item(tryton), "CHANGE-1"
    first = tryton.connector.write([request(reference, "create", production(reference, item, 7))])
    tryton.connector.write([request(reference, "wait", receipt=receipt(first[0]))])
    (standing,) = tryton.connector.look_up("order_production", [reference])[reference]
    assert standing.done_steps == ("create", "wait")
    for step in ("reopen", "rewrite", "wait"):
        content = production(reference, item, 12)
        outcome = tryton.connector.write([request(reference, step, content, variant="change", existing=standing)])
        assert kinds(outcome) == [OutcomeKind.APPLIED], (step, outcome)
    (found,) = [row for row in supply.productions(tryton.session) if row["reference"] == reference]
    assert (found["state"], found["outputs"]) == ("waiting", {item: Decimal(12)})
    stale = tryton.connector.write([request(reference, "reopen", variant="change", existing=standing)])
    assert kinds(stale) == [OutcomeKind.STALE]


def test_cancel__twice__is_unchanged_the_second_time(tryton: Running) -> None:
    item, reference = made_item(tryton), "CANCEL-1"
    tryton.connector.write([request(reference, "create", production(reference, item, 7))])
    (standing,) = tryton.connector.look_up("order_production", [reference])[reference]
    cancel = request(reference, "cancel", variant="cancel", existing=standing)
    assert kinds(tryton.connector.write([cancel])) == [OutcomeKind.APPLIED]
    assert kinds(tryton.connector.write([cancel])) == [OutcomeKind.UNCHANGED]


def test_requisition__changed_and_cancelled__follows(tryton: Running) -> None:
    part = tryton.session.search_read("product.product", [["purchasable", "=", True]], ["code"])[0]["code"]
    unit, reference, operation = units_of(tryton.session)[part], "ASK-1", "request_purchase"

    def asked(quantity: int) -> dict[str, Any]:
        line = {"product": part, "quantity": quantity, "unit": unit}
        return {"description": reference, "supply_date": "2030-01-04", "lines": [line]}

    def steps(variant: Variant, names: tuple[str, ...], quantity: int) -> None:
        (standing,) = tryton.connector.look_up(operation, [reference])[reference]
        for name in names:
            one = request(reference, name, asked(quantity), operation=operation, variant=variant, existing=standing)
            assert kinds(tryton.connector.write([one])) == [OutcomeKind.APPLIED], name

    first = tryton.connector.write([request(reference, "create", asked(5), operation=operation)])
    tryton.connector.write([request(reference, "wait", operation=operation, receipt=receipt(first[0]))])
    steps("change", ("reopen", "rewrite", "wait"), 99)
    (found,) = [row for row in supply.requisitions(tryton.session) if row["description"] == reference]
    assert (found["state"], found["lines"]) == ("waiting", {part: Decimal(99)})
    steps("cancel", ("reopen", "cancel"), 99)
    (found,) = [row for row in supply.requisitions(tryton.session) if row["description"] == reference]
    assert found["state"] == "cancelled"


def test_write__one_bad_document_in_a_batch__holds_up_no_other(tryton: Running) -> None:
    item = made_item(tryton)
    items = [item, "NO-SUCH-ITEM", item]
    batch = [request(f"B-{n}", "create", production(f"B-{n}", code, 3)) for n, code in enumerate(items)]
    outcomes = tryton.connector.write(batch)
    assert kinds(outcomes) == [OutcomeKind.APPLIED, OutcomeKind.REJECTED, OutcomeKind.APPLIED]
    assert "NO-SUCH-ITEM" in str(outcomes[1].message)
    found = tryton.connector.look_up("order_production", ["B-0", "B-1", "B-2"])
    assert [len(found[reference]) for reference in ("B-0", "B-1", "B-2")] == [1, 0, 1]


def test_read__since_the_watermark__gives_what_changed(tryton: Running) -> None:
    (page,) = tryton.connector.read("sales_orders")
    assert page.watermark
    later = page.watermark.replace(page.watermark[:4], "2099")
    assert sum(len(again.records) for again in tryton.connector.read("sales_orders", page.watermark)) > 0
    assert [list(none.records) for none in tryton.connector.read("sales_orders", later)] == [[]]


def test_read__session_ended__logs_in_again(tryton: Running) -> None:
    again = open_connector("tryton", tryton.env)
    before = [len(page.records) for page in again.read("warehouses")]
    tryton.session.call("model.res.user.application.search", [], 0, None, None)  # ours still works
    other = Session(tryton.env["MILLSTREAM_TRYTON_URL"], tryton.plant.database, server.USER, tryton.plant.password)
    other.login()
    other.authorization = again._auth.headers("/")["Authorization"]  # type: ignore[attr-defined]
    other._post("common.db.logout", [])
    assert [len(page.records) for page in again.read("warehouses")] == before
    again.close()


def test_read__wrong_password__is_refused_at_once(tryton: Running) -> None:
    wrong = open_connector("tryton", {**tryton.env, "MILLSTREAM_TRYTON_PASSWORD": "wrong"})
    with pytest.raises(AuthenticationFailed, match="refused"):
        list(wrong.read("items"))
    wrong.close()


def test_probe__server_up__tells_how_long_each_took(tryton: Running) -> None:
    found = tryton.connector.probe(datetime.now(UTC))
    assert found.reachable
    assert set(found.timings) == {"connect", "log_in", "read"}
