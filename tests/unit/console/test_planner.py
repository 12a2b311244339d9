"""The planner's verbs over a small plan, as JSON and as a person sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.plan import PlanBomLine, PlanDemand, PlanItem, PlanningSnapshot, PlanStock, ScheduledReceipt
from console.cli import planner
from console.cli.plan_keys import kit_of, plan_key
from console.cli.terminal import Terminal
from console.words.words import Words
from pipeline.plan_desk import Desk
from planning.mrp import plan

Call = Callable[..., Any]
TODAY = date(2026, 3, 2)
MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _small_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def day(offset: int) -> date:
        return TODAY + timedelta(offset)

    picture = PlanningSnapshot(
        TODAY,
        (PlanItem("G1", "make", 2), PlanItem("G2", "buy", 5)),
        (PlanBomLine("G1", "G2", 2),),
        (PlanDemand("so1", "G1", 3 * MILLION, day(20), "so1"), PlanDemand("so2", "G1", MILLION, day(3), "so2")),
        stock=(PlanStock("s", "G2", 2 * MILLION),),
        receipts=(ScheduledReceipt("po", "G2", 4 * MILLION, day(6), "purchase_order"),),
    )
    rows = {"golden_id": ["G1", "G2"], "code": ["truck", "axle"], "name": ["Truck", "Axle"]}

    @contextmanager
    def desk(_: object) -> Iterator[Desk]:
        yield Desk(plan(picture), picture, {"item": pl.DataFrame(rows)})

    monkeypatch.setattr(planner, "_desk", desk)


def test_run_and_diff__say_that_nothing_changed(call: Call) -> None:
    ended = call("plan", "run", "--json")
    assert ended.code == 0
    assert ended.json["standing"] == ended.json["now"]
    assert ended.json["now"]["in_time"] == 2
    assert call("plan", "diff", "--json").json == []


def test_explain__by_code(call: Call) -> None:
    lines = call("plan", "explain", "axle", "--json").json["account"]
    assert [(line["day"], line["kind"], line["balance"]) for line in lines][:2] == [
        ("2026-03-02", "on_hand", "2"),
        ("2026-03-03", "order", "0"),
    ]
    assert "结余" in call("plan", "explain", "axle", "--lang", "zh").out


def test_peg_and_kit__both_ways(call: Call) -> None:
    traced = call("plan", "peg", "G1|so1|1", "--json").json
    assert [row["supply"] for row in traced["fed_by"]] == ["po", "G2|so1|1"]
    assert [row["consumer"] for row in traced["serves"]] == ["so1"]
    (line,) = call("plan", "kit", "G1|so1|1", "--json").json
    assert (line["required"], line["on_hand"], line["complete_by"]) == ("6", "0", "2026-03-20")
    assert call("plan", "peg", "nothing").code != 0


@pytest.mark.parametrize("named", ["M|G1|so1|1", "G1|so1|1"])
def test_kit__by_what_commands_and_pages_call_the_order(call: Call, named: str) -> None:
    assert call("plan", "kit", named, "--json").json == call("plan", "kit", "G1|so1|1", "--json").json


def test_peg_and_kit__say_which_keys_an_order_could_mean(call: Call) -> None:
    unclear = call("plan", "kit", "G1")
    assert unclear.code == 2
    assert "did you mean G1|so1|1, G1|so2|1?" in " ".join(unclear.err.split())
    assert call("plan", "peg", "so1|1").code == 2
    nothing = call("plan", "kit", "M|nothing")
    assert "plan explain ITEM" in " ".join(nothing.err.split())


def test_kit_of__a_work_order_of_others_is_what_each_of_its_lines_still_draws() -> None:
    key = "work_order|W-1"
    demands = tuple(PlanDemand(f"{key}|{n}", item, MILLION, TODAY, key) for n, item in enumerate(("G2", "G3")))
    picture = PlanningSnapshot(TODAY, (PlanItem("G2", "buy", 5), PlanItem("G3", "buy", 1)), (), demands)
    drawn = plan(picture)
    assert [line.component for line in kit_of(drawn, key)] == ["G2", "G3"]
    assert [line.component for line in kit_of(drawn, f"{key}|1")] == ["G3"]
    assert kit_of(drawn, "work_order|W") == ()
    assert plan_key(Terminal.open(Words("en"), {}), drawn, "W-1", lambda one: bool(kit_of(drawn, one))) == key


def test_scenario__stands_beside_the_plan(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "what_if.yaml"
    file.write_text(
        "scenarios:\n  late:\n    - {change: delay_receipts, item: axle, days: 30}\n"
        "  more:\n    - {change: add_demand, item: truck, quantity: 2, due: 2026-03-30}\n"
        "    - {change: change_demand, key: so2, quantity: 0}\n    - {change: change_stock, item: axle, quantity: 5}\n"
        "    - {change: change_lead_time, item: axle, days: 1}\n"
    )
    base, late, more = call("plan", "scenario", str(file), "--json").json
    assert (base["in_time"], late["in_time"], more["demands"]) == (2, 1, 2)
    assert [row["key"] for row in late["moved"]] == ["so1"]
    file.write_text("scenarios:\n  late:\n    - {change: delay_receipts, item: axle}\n")
    ended = call("plan", "scenario", str(file))
    assert ended.code == 2
    assert "days" in ended.err


def test_lists__of_what_is_short_to_buy_and_loaded(call: Call) -> None:
    assert call("plan", "shortages", "--json").json == []
    (bought,) = call("plan", "purchases", "--json").json
    assert (bought["item"], bought["quantity"], bought["order_by"]) == ("G2", "2", "2026-03-15")
    assert call("plan", "purchases", "--days", "3", "--json").json == []
    assert call("plan", "load", "--json").json == []


def test_explain__names_the_rules_and_why_an_order_is_as_it_is(call: Call) -> None:
    told = call("plan", "explain", "axle", "--json").json
    assert (told["rules"]["sourcing"], told["rules"]["lead_time_days"], told["rules"]["lot"]["rule"]) == (
        "buy",
        5,
        "lot_for_lot",
    )
    assert [row["why"] for row in told["orders"]] == [["outside_fence"]]
    said = call("plan", "explain", "truck", "--lang", "en").out
    assert "working days by calendar: every day" in said
    assert "lot for lot" in said


def test_export__writes_parquet_in_stocking_units(call: Call, tmp_path: Path) -> None:
    rows = {Path(row["file"]).stem: row["rows"] for row in call("plan", "export", str(tmp_path), "--json").json}
    assert rows["orders"] > 0
    orders = pl.read_parquet(tmp_path / "orders.parquet")
    assert set(orders["item"]) <= {"G1", "G2"}
    assert max(orders["quantity"]) < 100
    assert pl.read_parquet(tmp_path / "pegs.parquet").height == rows["pegs"]
