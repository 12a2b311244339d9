"""Configured orders from JSON to kit lists, dates and production orders the simulated ERP accepted; peer: the goal.

The product has twenty options and fifteen modules of twenty lines each, out of a 150 % structure of some 700: about
300 BOM lines an order. A hundred orders go the hub's own way: judged records, plan, decide, deliver, saved and
audited by one signed call, to the ERP of the sandbox, in its own process. Their modules are built on the line
(phantoms), parts come from stock and from purchases under way, so that one configured order is one production order
with its kit. Each round has a store of its own; 95 of 100 rounds are below what is said. Ten thousand go as far as kit
lists and dates, in memory: the same option model, the same frames, the same planner, with modules made and shared.
Each figure says how far it goes: `sandbox ERP` is everything up to the audited order, `planning only` writes to nobody.
"""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measuring import Figure
from canonical.entities import ENTITIES, golden_schema
from canonical.keys import template_of
from connectors.registry import open_connector
from pipeline.configured import Configurator
from pipeline.decide import decide
from pipeline.deliver import deliver
from pipeline.hub import Hub, Run, open_hub, run_actor
from pipeline.memory import stay_loaded
from pipeline.option_models import load_option_model
from pipeline.plan import plan
from pipeline.planning_settings import Planning
from pipeline.route import begin
from pipeline.snapshot import snapshot
from planning.encoding import encode
from planning.kernels.solving import single_pegs, solve
from planning.preparation import collection_paused, prepare
from store import crosswalk, landing, outbox
from store.crosswalk import Binding
from store.landing import Watermark

MODULES, LINES, CHOICES = 15, 20, 4
ORDERS, MANY, ROUNDS = 100, 10_000, 20
TODAY = date(2026, 11, 2)
ROOT = Path(__file__).parents[1]
GOAL_HUNDRED, GOAL_MANY = 1.0, 10.0
ENTITIES_HERE = ("item", "sales_order", "sales_order_line", "stock", "purchase_order", "bom", "bom_line")
SECRETS = {
    "MILLSTREAM_ERP_ACCOUNT": "65f0a1b2c3d4e5", "MILLSTREAM_ERP_USER": "integ01",
    "MILLSTREAM_ERP_APP_ID": "100001_MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr",
    "MILLSTREAM_ERP_APP_SECRET": "0123456789abcdef0123456789abcdef", "MILLSTREAM_SANDBOX_TOKEN": "control",
}  # fmt: skip
DEPLOYMENT = """\
name: bench
systems:
  erp: {role: erp, state: live, limits: {requests_per_second: 100000, concurrency: 8}}
sales_order_system: erp
rulebooks: [fulfilment]
option_models: [truck.yaml]
planning: {release_fence_days: 90}
"""


# -- the product -----------------------------------------------------------------------------------------------------


def model_text() -> str:
    """The option model: each module has a line for each place and choice of its own option, half of them shared."""
    options = [f"  o{m}: {{values: [a, b, c, d], default: a}}" for m in range(MODULES)]
    options += ["  length: {type: number, from: 10, to: 60, step: 1, default: 20}"]
    options += [f"  extra{n}: {{type: yes_no, default: false}}" for n in range(4)]
    rules = [
        f'  - {{name: rule-{n}, when: o{n} == "d", requires: length > {10 + n}, why: {{en: e, zh: z}}}}'
        for n in range(10)
    ]
    structure = ["  TRUCK:", "    lead_time_days: '5'", "    bom:"]
    structure += [f"      - {{item: M{m}}}" for m in range(MODULES)]
    structure += ["    routing: [{sequence: 10, work_centre: ASM, run_minutes: 60 + length}]"]
    for m in range(MODULES):
        structure += [f"  M{m}:", "    bom:"]
        for place in range(LINES):
            structure += _lines(m, place)
    parts = ["item: TRUCK", "options:", *options, "computed:", "  metres: length / 10 * 2 + 0.35"]
    return "\n".join([*parts, "constraints:", *rules, "structure:", *structure, ""])


def _lines(module: int, place: int) -> list[str]:
    if place == 0:
        quantity = "metres" if module % 5 == 0 else "'1'"
        return [f"      - {{item: P{module}-0, quantity: {quantity}}}"]
    if place % 2:
        return [f"      - {{item: P{module}-{place}, quantity: '{1 + place % 3}'}}"]
    return [f'      - {{item: P{module}-{place}-{c}, when: o{module} == "{c}"}}' for c in "abcd"]


def parts() -> list[str]:
    """Every bought part of the 150 % structure."""
    found = []
    for module in range(MODULES):
        for place in range(LINES):
            single = place == 0 or place % 2
            found += [f"P{module}-{place}"] if single else [f"P{module}-{place}-{c}" for c in "abcd"]
    return found


def orders_json(count: int, seed: int) -> str:
    """So many order lines as a CRM would send them, each with its configuration."""
    rng = random.Random(seed)
    lines = []
    for number in range(count):
        chosen: dict[str, Any] = {f"o{m}": rng.choice("abcd") for m in range(MODULES)}
        chosen |= {"length": rng.randint(25, 60), "extra0": rng.choice((True, False))}
        due = TODAY + timedelta(rng.randint(20, 60))
        order = f"SO-{seed}-{number:05d}"
        lines.append({"order": order, "quantity": 1, "due": due.isoformat(), "configuration": json.dumps(chosen)})
    return json.dumps(lines)


# -- records ---------------------------------------------------------------------------------------------------------


def golden(entity: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """A golden frame of some rows."""
    schema = golden_schema(ENTITIES[entity])
    columns = {name: pl.Series(name, [row.get(name) for row in rows], dtype=kind) for name, kind in schema.items()}
    return pl.DataFrame(columns)


def masters(enough: int, modules: str = "phantom") -> dict[str, pl.DataFrame]:
    """Items, stock for half of what is needed and purchases on the way for the rest."""
    items = [_item("TRUCK", "make", 5), *(_item(f"M{m}", modules, 0) for m in range(MODULES))]
    items += [_item(code, "buy", 10) for code in parts()]
    amount = Decimal(enough * 15)
    stock = [
        {"golden_id": f"S{code}", "warehouse": "W", "item": code, "lot": "L", "status": "available", "quantity": amount}
        for code in parts()
    ]
    bought = [
        {
            "golden_id": f"B{code}", "number": f"B{code}", "line": "1", "item": code, "quantity": amount,
            "received": Decimal(0), "due": TODAY + timedelta(6), "status": "open",
        }
        for code in parts()
    ]  # fmt: skip
    return {
        "item": golden("item", items),
        "stock": golden("stock", stock),
        "purchase_order": golden("purchase_order", bought),
    }


def _item(code: str, sourcing: str, days: int) -> dict[str, Any]:
    return {"golden_id": code, "code": code, "name": code, "unit": "pcs", "sourcing": sourcing, "lead_time_days": days}


def asked(text: str) -> dict[str, pl.DataFrame]:
    """The order lines of the JSON as judged records."""
    found = json.loads(text)
    heads = [
        {"golden_id": row["order"], "number": row["order"], "status": "open", "urgent": False, "custom": True}
        for row in found
    ]
    lines = [
        {
            "golden_id": f"{row['order']}|1", "order": row["order"], "line": "1", "item": "TRUCK", "unit": "pcs",
            "quantity": Decimal(row["quantity"]), "due": date.fromisoformat(row["due"]),
            "configuration": row["configuration"],
        }
        for row in found
    ]  # fmt: skip
    return {"sales_order": golden("sales_order", heads), "sales_order_line": golden("sales_order_line", lines)}


# -- a hundred, to the ERP -------------------------------------------------------------------------------------------


@contextmanager
def erp(folder: Path) -> Iterator[str]:
    """The address of a simulated ERP in its own process."""
    command = [sys.executable, "-m", "sandbox.erp", "--db", str(folder / "erp.sqlite"), "--port", "0"]
    environ = {**os.environ, **SECRETS}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds from JSON to a hundred audited orders, those the hub's processor worked, and the lines of all kits."""

    seconds: float
    worked: float
    kits: int


def hundred(folder: Path, address: str, seed: int, materials: list[tuple[str, str]]) -> Round:
    """From JSON to a hundred production orders the ERP has audited, on a hub that is up."""
    hub = _hub(folder, address, materials)
    text = orders_json(ORDERS, seed)
    run = Run(f"bench-{seed}", TODAY, run_actor("bench"))
    begin(hub, run)
    _write(hub, masters(ORDERS), run)
    _write(hub, asked("[]"), run)
    hub.connector("erp")  # its door is open while it is up
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    lines = asked(text)
    _bind_orders(hub, lines["sales_order"])
    _write(hub, lines, run)
    made, _ = plan(hub, run)
    decide(hub, run, made)
    deliver(hub, run, ["erp"])
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    trucks = [order for order in made.planned_orders if template_of(order.item) == "TRUCK"]
    kits = sum(len(made.kit(order.key)) for order in trucks)
    with hub.store.read() as tx:
        left = [entry.last_error for entry in outbox.entries(tx) if entry.state != "applied"]
    hub.close()
    if left or len(trucks) != ORDERS:
        raise RuntimeError(f"{len(trucks)} orders planned, {len(left)} not accepted: {left[:1]}")
    return Round(seconds, worked, kits)


def _hub(folder: Path, address: str, materials: list[tuple[str, str]]) -> Hub:
    folder.mkdir(parents=True)
    (folder / "truck.yaml").write_text(model_text(), encoding="utf-8")
    deployment = folder / "bench.yaml"
    deployment.write_text(DEPLOYMENT, encoding="utf-8")
    places = {"MILLSTREAM_HOME": str(folder), "MILLSTREAM_DEPLOYMENT": str(deployment), "MILLSTREAM_ERP_URL": address}
    hub = open_hub({**SECRETS, **places, "MILLSTREAM_AS_OF": TODAY.isoformat()})
    hub.configuration.__dict__["entities"] = ENTITIES_HERE
    items = ["TRUCK", *parts()]
    with hub.store.begin() as tx:
        bound = [
            Binding("erp", "item", code, item, native) for item, (code, native) in zip(items, materials, strict=False)
        ]
        crosswalk.bind(tx, bound, hub.now())
        for system, stream in hub.configuration.streams():
            landing.set_watermark(tx, system, stream, Watermark(None, hub.now(), "bench"))
    hub.frames.write("golden/item", masters(1)["item"], "bench")
    return hub


def _bind_orders(hub: Hub, orders: pl.DataFrame) -> None:
    """The CRM's keys of the orders: a production order names the sales order it is for by them."""
    with hub.store.begin() as tx:
        bound = [Binding("crm", "sales_order", number, number, f"801-{number}") for number in orders["number"]]
        crosswalk.bind(tx, bound, hub.now())


def _write(hub: Hub, frames: dict[str, pl.DataFrame], run: Run) -> None:
    for name, frame in frames.items():
        hub.frames.write(f"judged/{name}", frame, run.run_id)


# -- ten thousand, to kit lists and dates ----------------------------------------------------------------------------


def ten_thousand(folder: Path) -> tuple[dict[str, float], int]:
    """Seconds until each step from JSON to kit lists and dates, and the lines of all kits.

    Modules are made here, so that siblings share them. The kit lists are the pegs as the compiled planner leaves them,
    in columns: three million objects would be built for nobody.
    """
    file = folder / "truck.yaml"
    file.write_text(model_text(), encoding="utf-8")
    configurator = Configurator({"TRUCK": load_option_model(file)})
    text, known = orders_json(MANY, 7), masters(MANY, modules="make")
    taken: dict[str, float] = {}
    began, worked = time.perf_counter(), time.process_time()
    found = configurator.configured({**known, **asked(text)})
    taken["configured"] = time.perf_counter() - began
    with collection_paused():
        picture = snapshot(found.frames, Planning(), TODAY, ())
        taken["picture"] = time.perf_counter() - began
        columns, _ = encode(prepare(picture))
        taken["encoded"] = time.perf_counter() - began
        result = solve(columns)
        pegs, _ = single_pegs(columns, result)
    taken["kits"], taken["worked"] = time.perf_counter() - began, time.process_time() - worked
    return taken, len(pegs)


# -- the figures -----------------------------------------------------------------------------------------------------


def measure() -> list[Figure]:
    """Both, beside their goals."""
    with tempfile.TemporaryDirectory(prefix="millstream-bench-") as name:
        folder = Path(name)
        taken, kits = ten_thousand(folder)
        with erp(folder) as address:
            materials = _materials(address)
            hundred(folder / "first", address, ROUNDS, materials)  # imports what it needs
            stay_loaded()
            rounds = [hundred(folder / f"round{n}", address, n, materials) for n in range(ROUNDS)]
    seconds, worked = sorted(one.seconds for one in rounds), sorted(one.worked for one in rounds)
    lines = sum(one.kits for one in rounds) / len(rounds) / ORDERS
    many = f"planning only: {MANY:,} configured orders of {kits / MANY:.0f} lines, JSON to kit lists and dates"
    hundred_ = f"sandbox ERP: {ORDERS} configured orders of {lines:.0f} lines, JSON to kits, dates and audited orders"
    return [
        Figure(f"{hundred_}: 95 of 100 rounds (peer: the goal)", _at(seconds, 0.95), GOAL_HUNDRED, "s"),
        Figure(f"{hundred_}: median (peer: the goal)", _at(seconds, 0.5), GOAL_HUNDRED, "s"),
        Figure(f"{hundred_}: median of the hub's processor time (peer: the goal of all)", _at(worked, 0.5),
               GOAL_HUNDRED, "s of CPU"),
        Figure(f"{many} (peer: the goal)", taken["kits"], GOAL_MANY, "s"),
        Figure(f"{many}: processor time (peer: the goal)", taken["worked"], GOAL_MANY, "s of CPU"),
        Figure(f"planning only: {MANY:,} configured orders, JSON to items, BOMs and routings (peer: the goal of all)",
               taken["configured"], GOAL_MANY, "s"),
    ]  # fmt: skip


def _materials(address: str) -> list[tuple[str, str]]:
    """Codes and ids of materials the ERP has and lets be ordered."""
    connector = open_connector("erp", {**SECRETS, "MILLSTREAM_ERP_URL": address})
    try:
        found = [row for page in connector.read("materials", None) for row in page.records]
    finally:
        connector.close()
    return [(row["FNumber"], str(row["FMATERIALID"])) for row in found if row["FForbidStatus"] == "A"]


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]
