"""Forecasts on their way into the plan: from what was ordered, what systems tell and what sales say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.actors import Actor
from canonical.entities import ENTITIES, golden_schema
from canonical.errors import ConfigurationError, MillstreamError
from pipeline import demand
from pipeline.hub import Configuration, Hub, Run, open_hub
from pipeline.plan import plan, planning_frames
from pipeline.settings import Deployment, Settings
from pipeline.snapshot import unscaled
from rules.ruleset import RuleSet
from store import audit

AS_OF = date(2026, 11, 10)
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
ENTITIES_HERE = ("item", "sales_order", "sales_order_line", "forecast")


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def ordered(*months: tuple[date, int], item: str = "A", status: str = "closed") -> dict[str, pl.DataFrame]:
    """One order a month, wanted on its tenth."""
    orders = [{"golden_id": f"{item}{n}", "number": f"{item}{n}", "status": status} for n in range(len(months))]
    lines = [
        {
            "golden_id": f"{item}{n}|1", "order": f"{item}{n}", "line": "1", "item": item, "unit": "pcs",
            "quantity": Decimal(quantity), "due": month.replace(day=10),
        }
        for n, (month, quantity) in enumerate(months)
    ]  # fmt: skip
    item_row = {"golden_id": item, "code": item, "name": item, "unit": "pcs", "sourcing": "buy", "lead_time_days": 5}
    return {
        "item": golden("item", item_row),
        "sales_order": golden("sales_order", *orders),
        "sales_order_line": golden("sales_order_line", *lines),
    }


LEVEL = tuple((date(2026, month, 1), 40) for month in range(3, 11))


class Plant:
    """A hub whose judged frames the test writes."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.number = hub, 0

    def run(self, frames: dict[str, pl.DataFrame]) -> Run:
        self.number += 1
        run = Run(f"run-{self.number}", AS_OF, Actor("run", "test"))
        for name in ENTITIES_HERE:
            self.hub.frames.write(f"judged/{name}", frames.get(name, golden(name)), run.run_id)
        return run

    def forecast(self, frames: dict[str, pl.DataFrame]) -> demand.Forecasted:
        return demand.make_forecast(self.hub, self.run(frames))


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    deployment = Deployment.model_validate(
        {
            "name": "p", "systems": {}, "rulebooks": (), "sales_order_system": "crm", "forecast": {"months": 3},
            "planning": {"policies": {"forecast_backward_days": 31, "order_grouping": "need_date"}},
        }
    )  # fmt: skip
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'hub.sqlite'}", None, tmp_path / "p.yaml", AS_OF)
    configuration = Configuration(deployment, {}, {}, {}, {}, RuleSet(()))
    configuration.__dict__["entities"] = ENTITIES_HERE
    monkeypatch.setattr("pipeline.plan.never_landed", lambda _: [])
    hub = open_hub({}, settings=settings, configuration=configuration, now=lambda: datetime(2026, 11, 10, tzinfo=UTC))
    yield Plant(hub)
    hub.close()


def expected(plant: Plant) -> dict[tuple[str, date], Decimal]:
    return {(one.item, one.month): one.quantity for one in demand.expected(plant.hub, planning_frames(plant.hub))}


def test_history__by_month_wanted_without_what_was_cancelled() -> None:
    frames = ordered(*LEVEL)
    gone = ordered((date(2026, 5, 1), 900), item="B", status="cancelled")
    frames = {name: pl.concat([frame, gone[name]]) for name, frame in frames.items()}
    assert demand.demand_history(frames) == {"A": dict(LEVEL)}


def test_make_forecast__of_what_was_ordered_until_last_month(plant: Plant) -> None:
    done = plant.forecast(ordered(*LEVEL, (NOVEMBER, 500)))
    assert (done.items, done.anew, done.tested, done.wape) == (1, 1, 1, 0.0)
    frame = plant.hub.frames.read(demand.FRAME)
    assert frame is not None
    assert frame["quantity"].to_list() == [Decimal(40)] * 3
    assert next(test["model"] for test in demand.tests_of(demand.frame_rows(plant.hub), "A")) == frame["model"][0]


def test_make_forecast__again_only_what_changed(plant: Plant) -> None:
    frames = ordered(*LEVEL)
    plant.forecast(frames)
    more = ordered(*LEVEL, item="B")
    assert plant.forecast({name: pl.concat([frame, more[name]]) for name, frame in frames.items()}).anew == 1


def test_plan__forecast_is_demand_that_orders_use_up(plant: Plant) -> None:
    frames = ordered(*LEVEL, (date(2026, 11, 1), 4))
    frames["sales_order_line"] = frames["sales_order_line"].with_columns(
        due=pl.when(pl.col("order") == "A8").then(date(2026, 11, 24)).otherwise(pl.col("due"))
    )
    frames["sales_order"] = frames["sales_order"].with_columns(
        status=pl.when(pl.col("golden_id") == "A8").then(pl.lit("open")).otherwise(pl.col("status"))
    )
    run = plant.run(frames)
    demand.make_forecast(plant.hub, run)
    result, summary = plan(plant.hub, run)
    assert summary.problems == 0
    due = {(order.root, order.due): unscaled(order.quantity) for order in result.planned_orders}
    november = sum(quantity for (_, day), quantity in due.items() if day < DECEMBER)
    assert november == 20  # quarters on the 15th and 22nd; the order of four is part of them
    assert sum(due.values()) == 20 + 40 + 40


def test_override__comes_first_and_stands_in_the_books(plant: Plant) -> None:
    plant.forecast(ordered(*LEVEL))
    demand.override(plant.hub, "A", DECEMBER, Decimal(100), actor="person:li", reason="fair in December")
    assert expected(plant)["A", DECEMBER] == 100
    demand.override(plant.hub, "A", DECEMBER, None, actor="person:li", reason="fair called off")
    assert expected(plant)["A", DECEMBER] == 40
    with plant.hub.store.read() as tx:
        said = audit.listed(tx, "forecast/A/2026-12")
    assert [(one.actor, one.detail["reason"]) for one in said] == [
        ("person:li", "fair called off"), ("person:li", "fair in December"),
    ]  # fmt: skip


def test_override__changes_the_plan_at_once(plant: Plant) -> None:
    run = plant.run(ordered(*LEVEL))
    demand.make_forecast(plant.hub, run)
    before, _ = plan(plant.hub, run)
    demand.override(plant.hub, "A", DECEMBER, Decimal(100), actor="person:li", reason="fair")
    after, _ = plan(plant.hub, run)
    grown = sum(one.quantity for one in after.planned_orders) - sum(one.quantity for one in before.planned_orders)
    assert unscaled(grown) == 60


def test_override__needs_a_reason(plant: Plant) -> None:
    with pytest.raises(MillstreamError, match="needs a reason"):
        demand.override(plant.hub, "A", DECEMBER, Decimal(1), actor="person:li", reason=" ")


def test_expected__our_own_forecast_in_the_plan_is_nobody_elses_word(plant: Plant) -> None:
    plant.forecast(ordered(*LEVEL))
    planned = planning_frames(plant.hub)
    assert planned["forecast"].height
    found = {one.month: one for one in demand.expected(plant.hub, planned)}
    assert {(one.told, one.quantity) for one in found.values()} == {(None, Decimal(40))}


def test_expected__what_a_system_tells_goes_before_statistics(plant: Plant) -> None:
    frames = ordered(*LEVEL)
    told = {
        "golden_id": "F1", "number": "F1", "line": "1", "item": "A", "quantity": Decimal(70), "status": "open",
        "due": date(2026, 12, 5),
    }  # fmt: skip
    run = plant.run({**frames, "forecast": golden("forecast", told)})
    demand.make_forecast(plant.hub, run)
    found = [one for one in demand.expected(plant.hub, {"forecast": golden("forecast", told)}) if one.month == DECEMBER]
    assert [(one.quantity, one.statistical) for one in found] == [(Decimal(70), Decimal(40))]
    result, _ = plan(plant.hub, run)
    december = [one for one in result.planned_orders if one.due.month == 12]
    assert [(one.due, unscaled(one.quantity)) for one in december] == [(date(2026, 12, 5), Decimal(70))]


def test_deployment__a_forecast_no_order_uses_up_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    text = "name: p\nsystems:\n  crm: {role: crm}\nrulebooks: []\nsales_order_system: crm\nforecast: {months: 3}\n"
    file.write_text(text, encoding="utf-8")
    settings = Settings(tmp_path, "sqlite://", None, file, None)
    with pytest.raises(ConfigurationError, match=r"p.yaml:6:1 orders would not use up the forecast"):
        settings.load_deployment()
    file.write_text(text.replace("months: 3", "planned: false"), encoding="utf-8")
    assert settings.load_deployment().forecast is not None
