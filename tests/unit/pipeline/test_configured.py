"""Configured order lines on their way: from JSON to a planned item of its own, to documents under the template."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.actors import Actor
from canonical.commands import Command
from canonical.entities import ENTITIES, golden_schema
from canonical.keys import template_of
from mappings.outbound import compile_outbound
from mappings.spec import OutboundSpec
from pipeline.configured import Configurator, Configured
from pipeline.held import held_lines, held_orders
from pipeline.hub import Configuration, Hub, Run, load_configuration, open_hub
from pipeline.option_models import load_option_model
from pipeline.outbound import CommandContext, Lookups
from pipeline.plan import plan, planning_frames
from pipeline.planning_frames import serial_numbers
from pipeline.settings import Planning, Settings
from pipeline.snapshot import snapshot, unscaled
from planning.configuration_variants import Variant
from planning.mrp import plan as plan_requirements
from store import configured_items

AS_OF = date(2026, 11, 2)
CART = """\
item: CART
options:
  size: {type: number, from: 10, to: 30, step: 10}
  colour: {values: [red, blue], default: red}
  motor: {type: yes_no, default: false}
constraints:
  - {name: heavy, when: size > 20, requires: motor, why: {en: Too heavy for a hand, zh: 手动推不动}}
structure:
  CART:
    lead_time_days: "2"
    bom:
      - {item: BODY}
      - {item: PAINT-BLUE, when: colour == "blue", quantity: "0.25"}
      - {item: MOTOR, when: motor}
    routing: [{sequence: 10, work_centre: ASM, run_minutes: "30"}]
  BODY:
    bom: [{item: BOLT, quantity: size * 2 / 5}]
"""
PARTS = ("PAINT-BLUE", "MOTOR", "BOLT")


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def item(code: str, **values: Any) -> dict[str, Any]:
    return {"golden_id": f"G-{code}", "code": code, "name": code, "unit": "pcs", "lead_time_days": 5, **values}


def line(number: int, quantity: int = 1, item: str = "G-CART", **choices: Any) -> dict[str, Any]:
    return {
        "golden_id": f"SO-1|{number}", "order": "SO-1", "line": str(number), "item": item, "unit": "pcs",
        "quantity": Decimal(quantity), "due": date(2026, 12, 1),
        "configuration": json.dumps(choices) if choices else None,
    }  # fmt: skip


def frames(*lines: dict[str, Any], **more: pl.DataFrame) -> dict[str, pl.DataFrame]:
    made = [item("CART", sourcing="make"), item("BODY", sourcing="make")]
    bought = [item(code, sourcing="buy") for code in PARTS]
    head = {"golden_id": "SO-1", "number": "SO-1", "status": "open", "urgent": False, "custom": True}
    centre = {"golden_id": "G-ASM", "code": "ASM", "hours_per_day": Decimal(8)}
    return {
        "item": golden("item", *made, *bought),
        "work_centre": golden("work_centre", centre),
        "sales_order": golden("sales_order", head),
        "sales_order_line": golden("sales_order_line", *lines),
        **more,
    }


@cache
def _model_text() -> str:
    return CART


@pytest.fixture
def configurator(tmp_path: Path) -> Configurator:
    file = tmp_path / "cart.yaml"
    file.write_text(_model_text(), encoding="utf-8")
    model = load_option_model(file)
    return Configurator({model.item: model})


def items_of(found: Configured) -> list[str]:
    return [row["item"] for row in found.frames["sales_order_line"].iter_rows(named=True)]


def test_configured__lines_without_configuration_are_left_alone(configurator: Configurator) -> None:
    given = frames(line(1))
    assert configurator.configured(given).frames is given


def test_configured__an_item_of_its_own_with_bom_routing_and_dates(configurator: Configurator) -> None:
    found = configurator.configured(frames(line(1, 2, size=20, colour="blue")))
    (code,) = items_of(found)
    assert template_of(code) == "G-CART"
    picture = snapshot(found.frames, Planning(), AS_OF, ())
    outcome = plan_requirements(picture)
    assert not outcome.problems
    order = next(one for one in outcome.planned_orders if one.item == code)
    assert (order.due - order.release).days == 2
    kit = {one.component: unscaled(one.required) for one in outcome.kit(order.key)}
    body = next(one for one in kit if one.startswith("G-BODY~"))
    assert kit == {body: Decimal(2), "G-PAINT-BLUE": Decimal("0.5")}
    bolts = next(one for one in outcome.planned_orders if one.item == "G-BOLT")
    assert unscaled(bolts.quantity) == 16
    (step,) = found.frames["operation"].iter_rows(named=True)
    assert (step["item"], step["work_centre"], step["run_minutes"]) == (code, "G-ASM", Decimal(30))


def test_configured__no_system_is_said_to_know_what_is_made_here(configurator: Configurator) -> None:
    found = configurator.configured(frames(line(1, size=20)))
    made = {row["golden_id"]: row["sources"] for row in found.frames["item"].iter_rows(named=True)}
    assert [made[code] for code in found.items] == [[]] * len(found.items)


def test_configured__siblings_share_one_body(configurator: Configurator) -> None:
    found = configurator.configured(frames(line(1, size=20), line(2, size=20, colour="blue"), line(3, size=10)))
    bodies = {code for code in found.items if template_of(code) == "G-BODY"}
    assert len(set(items_of(found))) == 3
    assert len(bodies) == 2
    drawn = found.frames["bom_line"].filter(pl.col("component").is_in(list(bodies)))
    assert drawn.height == 3


def test_configured__what_does_not_stand_is_not_planned_and_says_why(configurator: Configurator) -> None:
    found = configurator.configured(frames(line(1, size=30), line(2, size=20), line(3, item="G-BOLT", size=1)))
    assert [row["golden_id"] for row in found.frames["sales_order_line"].iter_rows(named=True)] == ["SO-1|2"]
    wrong = {one.key: one.violations[0] for one in found.refused}
    assert wrong["SO-1|1"].name == "heavy"
    assert dict(wrong["SO-1|1"].conflict) == {"size": Decimal(30), "motor": False}
    assert wrong["SO-1|3"].text == "no option model configures this item"


@pytest.mark.parametrize("text", ["{", "[1]", '{"size": "big"}', '{"size": 10, "size": 20}', '{"size": true}'])
def test_configured__text_that_is_no_configuration(configurator: Configurator, text: str) -> None:
    row = {**line(1), "configuration": text}
    (refused,) = configurator.configured(frames(row)).refused
    assert refused.violations[0].kind == "not_allowed"


def test_configured__our_documents_are_told_apart_by_their_reference(configurator: Configurator) -> None:
    (code,) = items_of(configurator.configured(frames(line(1, size=20))))
    work = {
        "golden_id": "MO1", "code": "MO1", "item": "G-CART", "quantity": Decimal(1), "good": Decimal(0),
        "scrapped": Decimal(0), "status": "running", "due": date(2026, 11, 30), "our_reference": f"M|{code}|SO-1|1|1",
    }  # fmt: skip
    found = configurator.configured(frames(line(1, size=20), work_order=golden("work_order", work)))
    picture = snapshot(found.frames, Planning(), AS_OF, ())
    assert [firm.item for firm in picture.firm_orders] == [code]
    outcome = plan_requirements(picture)
    assert [one for one in outcome.planned_orders if one.item == code] == []


def made(code: str, quantity: int, *, shipped: int) -> dict[str, pl.DataFrame]:
    """So many carts of one configuration made and received, some of them shipped; the rest lies there as template."""
    work = {
        "golden_id": "MO1", "code": "MO1", "item": "G-CART", "quantity": Decimal(quantity), "good": Decimal(quantity),
        "scrapped": Decimal(0), "status": "closed", "our_reference": f"M|{code}|SO-1|1|1",
    }  # fmt: skip
    report = {"golden_id": "R1", "code": "R1", "work_order": "MO1", "good": Decimal(quantity), "scrapped": Decimal(0)}
    receipt = {
        "golden_id": "GR1",
        "number": "GR1",
        "item": "G-CART",
        "quantity": Decimal(quantity),
        "our_reference": "R1",
    }
    stock = {
        "golden_id": "ST1", "warehouse": "W", "item": "G-CART", "lot": "L", "status": "available",
        "quantity": Decimal(quantity - shipped),
    }  # fmt: skip
    sent = {"golden_id": "SH1", "our_reference": "SO-1|1", "quantity": Decimal(quantity), "shipped": Decimal(shipped)}
    return {
        "work_order": golden("work_order", work),
        "operation_report": golden("operation_report", report),
        "goods_receipt": golden("goods_receipt", receipt),
        "stock": golden("stock", stock),
        "shipment": golden("shipment", sent),
    }


def test_stock__what_was_made_for_a_configuration_is_found_again(configurator: Configurator) -> None:
    (code,) = items_of(configurator.configured(frames(line(1, 3, size=20))))
    found = configurator.configured(frames(line(1, 3, size=20), line(2, 1, size=10), **made(code, 3, shipped=1)))
    held = {row["item"]: row["quantity"] for row in found.frames["stock"].iter_rows(named=True)}
    assert held == {"G-CART": Decimal(0), code: Decimal(2)}
    outcome = plan_requirements(snapshot(found.frames, Planning(), AS_OF, ()))
    assert code not in {one.item for one in outcome.planned_orders}
    assert any(template_of(one.item) == "G-CART" for one in outcome.planned_orders)  # the other configuration


def together(*some: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    names = dict.fromkeys(name for frames_ in some for name in frames_)
    return {name: pl.concat([frames_[name] for frames_ in some if name in frames_]) for name in names}


def of_body(code: str, good: int) -> dict[str, pl.DataFrame]:
    """So many bodies of a cart, made by an order of ours and received."""
    known = {name: next(frame.iter_rows(named=True)) for name, frame in made(code, good, shipped=0).items()}
    number = {"work_order": "MO3", "operation_report": "R3", "goods_receipt": "GR3", "stock": "ST3", "shipment": "SH3"}
    more = {
        "operation_report": {"work_order": "MO3"}, "goods_receipt": {"item": "G-BODY", "our_reference": "R3"},
        "stock": {"item": "G-BODY"}, "shipment": {"our_reference": "SO-0|1"}, "work_order": {"item": "G-BODY"},
    }  # fmt: skip
    return {name: golden(name, {**row, "golden_id": number[name], **more[name]}) for name, row in known.items()}


def test_stock__rework_of_a_configuration_is_of_that_configuration_and_draws_nothing(
    configurator: Configurator,
) -> None:
    cart, body = sorted(configurator.configured(frames(line(1, 3, size=20))).items, reverse=True)
    known = together(made(cart, 2, shipped=0), of_body(body, 10))
    order = {**next(known["work_order"].iter_rows(named=True)), "golden_id": "MO2", "our_reference": "rework|I1"}
    failed = {"golden_id": "I1", "code": "I1", "work_order": known["work_order"]["golden_id"][0], "result": "failed"}
    reworked = together(known, {"work_order": golden("work_order", order), "inspection": golden("inspection", failed)})
    found = configurator.configured(frames(line(1, 3, size=20), **reworked)).frames
    assert found["work_order"]["item"].to_list() == [cart, body, cart]
    held = dict(found["stock"].group_by("item").agg(pl.col("quantity").sum()).rows())
    assert (held[cart], held[body]) == (Decimal(2), Decimal(8)), "ten bodies, of which the two carts drew two, once"


def test_transfer__of_a_configuration_is_known_by_its_code_at_any_site(configurator: Configurator) -> None:
    (code,) = items_of(configurator.configured(frames(line(1, 3, size=20))))
    row = {"golden_id": "T1", "number": "T1", "item": "G-CART", "quantity": Decimal(1), "status": "in_transit",
           "our_reference": f"T|{code}@south|SO-1|1|1"}  # fmt: skip
    found = configurator.configured(frames(line(1, 3, size=20), transfer_order=golden("transfer_order", row)))
    assert found.frames["transfer_order"]["item"].to_list() == [code]


def test_earlier_items__are_known_by_their_code(configurator: Configurator) -> None:
    old = Variant("G-CART~feed", "G-CART", (), (), 1, ())
    work = {
        "golden_id": "MO1", "code": "MO1", "item": "G-CART", "quantity": Decimal(1), "good": Decimal(0),
        "scrapped": Decimal(0), "status": "running", "our_reference": "M|G-CART~feed|SO-9|1|1",
    }  # fmt: skip
    given = frames(line(1, size=20), work_order=golden("work_order", work))
    found = configurator.configured(given, lambda codes: {code: old for code in codes if code == old.code})
    assert not plan_requirements(snapshot(found.frames, Planning(), AS_OF, ())).problems


# -- a hub -----------------------------------------------------------------------------------------------------------


@cache
def _configuration() -> Configuration:
    return load_configuration(Settings.from_environment({}))


@dataclass
class Plant:
    """A hub whose judged frames the test writes."""

    hub: Hub
    number: int = 0
    actor: Actor = field(default_factory=lambda: Actor("run", "test"))

    def run(self, given: dict[str, pl.DataFrame]) -> Run:
        self.number += 1
        for name in _configuration().entities:
            frame = given.get(name, golden(name))
            self.hub.frames.write(f"judged/{name}", frame, f"run-{self.number}")
        return Run(f"run-{self.number}", AS_OF, self.actor)


@pytest.fixture
def plant(tmp_path: Path, configurator: Configurator, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'hub.sqlite'}", None, tmp_path / "plant.yaml", None)
    known = _configuration()
    configuration = Configuration(
        known.deployment, known.systems, known.mappings, known.policies, known.rulebooks, known.rules,
        option_models=configurator.models,
    )  # fmt: skip
    monkeypatch.setattr("pipeline.plan.never_landed", lambda _: [])
    hub = open_hub({}, settings=settings, configuration=configuration, now=lambda: datetime(2026, 11, 2, tzinfo=UTC))
    yield Plant(hub)
    hub.close()


def held(hub: Hub) -> dict[str, str]:
    with hub.store.read() as tx:
        return held_orders(held_lines(tx))


def test_plan__keeps_items_names_pieces_and_holds_what_does_not_stand(plant: Plant) -> None:
    run = plant.run(frames(line(1, 3, size=20), line(2, size=30)))
    result, _ = plan(plant.hub, run)
    code = next(one.item for one in result.planned_orders if template_of(one.item) == "G-CART")
    with plant.hub.store.read() as tx:
        kept = configured_items.named(tx, [code])[code]
        numbers = serial_numbers(tx, "SO-1|1")
    assert (kept.template, kept.model) == ("G-CART", "cart")
    assert numbers == ["SN00000001", "SN00000002", "SN00000003"]
    (reason,) = held(plant.hub).values()
    assert "Too heavy for a hand" in reason
    assert "size 30 + motor no" in reason

    again = plant.run(frames(line(1, 3, size=20), line(2, size=30, motor=True)))
    second, _ = plan(plant.hub, again)
    assert held(plant.hub) == {}
    with plant.hub.store.read() as tx:
        assert serial_numbers(tx, "SO-1|1") == numbers
    assert {one.key for one in result.planned_orders} <= {one.key for one in second.planned_orders}


def test_planning_frames__are_worked_out_once_for_each_version(plant: Plant) -> None:
    plant.run(frames(line(1, size=20)))
    first, again = planning_frames(plant.hub), planning_frames(plant.hub)
    assert all(again[name] is frame for name, frame in first.items() if name != "rework")
    plant.run(frames(line(1, size=10)))
    assert planning_frames(plant.hub)["sales_order_line"] is not first["sales_order_line"]


def test_outbound__systems_know_the_template_and_the_erp_its_configuration(plant: Plant) -> None:
    spec = OutboundSpec.model_validate(
        {
            "operation": "order_production", "entity": "work_order",
            "fields": {
                "material": {"from": "item", "reference": "item"},
                "configuration": {"from": "item", "call": "configuration_of", "omit_null": True},
            },
        }
    )  # fmt: skip
    lookups = Lookups(plant.hub)
    lookups.__dict__["keys"] = {("erp", "item", "G-CART"): ("CART", "100")}

    def payload(code: str) -> dict[str, Any]:
        command = Command("order_production", "erp", "work_order", "M|1", 1, {"item": code}, "rule:t", "e")
        return compile_outbound(spec).apply(command.body, CommandContext(lookups, command))

    assert payload("G-CART~feed") == {"material": "CART", "configuration": "feed"}
    assert payload("G-CART") == {"material": "CART"}
