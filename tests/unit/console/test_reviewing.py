"""Forecast, sales' word, configured lines and review on a hub that has planned them, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.actors import Actor
from canonical.entities import ENTITIES, golden_schema
from pipeline.demand import make_forecast
from pipeline.hub import Run, open_hub
from pipeline.plan import plan
from store import landing
from store.landing import Watermark

Call = Callable[..., Any]
AS_OF = date(2026, 11, 2)
DEPLOYMENT = """\
name: small
systems: {crm: {role: crm}, erp: {role: erp}}
sales_order_system: crm
rulebooks: []
forecast: {months: 3}
option_models: [cart.yaml]
planning:
  identity_needed: false
  policies: {forecast_backward_days: 31, order_grouping: need_date}
"""
MODEL = """\
item: CART
options: {size: {type: number, from: 10, to: 30, step: 10}, motor: {type: yes_no, default: false}}
constraints: [{name: heavy, when: size > 20, requires: motor, why: {en: Too heavy, zh: 过重}}]
structure:
  CART:
    bom: [{item: BOLT, quantity: size / 5}]
    routing: [{sequence: 10, work_centre: ASM, run_minutes: "60"}]
"""


def _golden(entity: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def _order(number: str, item: str, quantity: int, due: date, **choices: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    head = {"golden_id": number, "number": number, "status": "open" if due >= AS_OF else "closed", "urgent": False}
    line = {
        "golden_id": f"{number}|1", "order": number, "line": "1", "item": item, "unit": "pcs", "due": due,
        "quantity": Decimal(quantity), "configuration": json.dumps(choices) if choices else None,
    }  # fmt: skip
    return head, line


def _records() -> dict[str, list[dict[str, Any]]]:
    orders = [_order(f"H{month}", "BOLT", 40, date(2026, month, 10)) for month in range(3, 11)]
    orders += [_order("SO-1", "CART", 2, date(2026, 11, 20), size=20)]
    orders += [_order("SO-2", "CART", 1, date(2026, 11, 20), size=30)]
    items = [("BOLT", "buy", "M6 bolt"), ("CART", "make", "Cart")]
    return {
        "item": [
            {"golden_id": code, "code": code, "name": name, "unit": "pcs", "sourcing": kind, "lead_time_days": 10}
            for code, kind, name in items
        ],
        "sales_order": [head for head, _ in orders],
        "sales_order_line": [line for _, line in orders],
        "work_centre": [{"golden_id": "ASM", "code": "ASM", "name": "Assembly", "hours_per_day": Decimal(8)}],
    }


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A hub that has forecast and planned."""
    (tmp_path / "cart.yaml").write_text(MODEL, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(DEPLOYMENT, encoding="utf-8")
    places = {"MILLSTREAM_HOME": str(tmp_path / "hub"), "MILLSTREAM_DEPLOYMENT": str(tmp_path / "small.yaml")}
    environ = {**places, "MILLSTREAM_AS_OF": AS_OF.isoformat(), "MILLSTREAM_LANG": "en"}
    hub = open_hub(environ)
    run, records = Run("run-1", AS_OF, Actor("run", "test")), _records()
    for entity in hub.configuration.entities:
        hub.frames.write(f"judged/{entity}", _golden(entity, records.get(entity, [])), run.run_id)
    with hub.store.begin() as tx:
        for system, stream in hub.configuration.streams():
            landing.set_watermark(tx, system, stream, Watermark(None, hub.now(), run.run_id))
    make_forecast(hub, run)
    plan(hub, run)
    hub.close()
    return environ


def test_verbs__on_a_hub_that_plans_forecasts_and_configured_orders(call: Call) -> None:
    months = {row["month"]: row for row in call("plan", "forecast", "--json").json if row["item"] == "BOLT"}
    december = months["2026-12"]
    assert (december["quantity"], december["statistical"], december["told"]) == ("40", "40", None)
    assert "统计预测" in call("plan", "forecast", "BOLT", "--lang", "zh").out

    assert call("plan", "override", "BOLT", "2026-12", "120", "--reason", "fair").code == 0
    told = call("plan", "forecast", "BOLT", "--json").json
    assert [row["quantity"] for row in told["forecast"]] == ["40", "120", "40"]
    assert [row["reason"] for row in told["overrides"]] == ["fair"]
    assert call("plan", "override", "BOLT", "2026-13", "1", "--reason", "x").code == 2

    cart = call("plan", "configured", "SO-1|1", "--json").json
    assert [(row["item"], row["required"]) for row in cart["kit"]] == [("BOLT", "8")]
    assert [row["item"] for row in cart["orders"]] == [cart["item"], "BOLT"]
    assert len(cart["serial_numbers"]) == 2
    refused = call("plan", "configured", "SO-2|1", "--lang", "zh")
    assert refused.code == 1
    assert "过重" in refused.out

    reviewed = call("plan", "review", "--months", "2", "--json").json
    asked = {(row["item"], row["month"]): row["demand"] for row in reviewed["products"]}
    assert asked["BOLT", "2026-12"] == 120
    assert asked[cart["item"], "2026-11"] == 2
    assert "feasible" in call("plan", "review").out
