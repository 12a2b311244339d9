"""Promises on the command line: asked, accepted, honoured by the next plan, listed, released; rush orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from canonical.plan import PlanBomLine, PlanDemand, PlanItem, PlanningSnapshot, PlanOperation, PlanStock
from console.cli import planner
from pipeline import plan_desk
from pipeline.plan_desk import Desk
from pipeline.promises import held_promises, honoured
from planning.mrp import plan
from store import audit, promises
from store.unit_of_work import Store

Call = Callable[..., Any]
TODAY = date(2026, 3, 2)
MILLION = 1_000_000


def day(offset: int) -> date:
    return TODAY + timedelta(offset)


PICTURE = PlanningSnapshot(
    TODAY,
    (PlanItem("G1", "make", 2), PlanItem("G2", "buy", 5)),
    (PlanBomLine("G1", "G2", 2),),
    (
        PlanDemand("SO-1|1", "G1", 3 * MILLION, day(20), "SO-1|1"),
        PlanDemand("SO-2|1", "G1", MILLION, day(3), "SO-2|1"),
    ),
    stock=(PlanStock("s", "G2", 10 * MILLION),),
    operations=(PlanOperation("G1", 10, "line", Fraction(0), Fraction(480)),),
)
FRAMES = {
    "item": pl.DataFrame(
        {"golden_id": ["G1", "G2"], "code": ["truck", "axle"], "name": ["Truck", "Axle"], "unit": ["pcs", "kg"]}
    ),
    "work_centre": pl.DataFrame({"golden_id": ["line"], "hours_per_day": [8], "calendar": ["line"]}),
    "calendar_day": pl.DataFrame({"calendar": ["line"], "day": [day(18)], "hours": [0]}),
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SimpleNamespace]:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    clock = SimpleNamespace(now=datetime(2026, 3, 2, 8, tzinfo=UTC))
    yield SimpleNamespace(store=store, now=lambda: clock.now, as_of=lambda: TODAY, clock=clock)
    store.close()


@pytest.fixture(autouse=True)
def _plant(monkeypatch: pytest.MonkeyPatch, hub: Any) -> None:
    def desk(*_: object) -> Desk:
        held = held_promises(hub)
        picture = honoured(PICTURE, held, FRAMES)
        standing = plan(picture)
        return Desk(standing, replace(picture, prior_pegs=standing.pegs), FRAMES, held=held)

    @contextmanager
    def opened(_: object) -> Iterator[tuple[Any, Desk]]:
        yield hub, desk()

    monkeypatch.setattr(planner, "hub_and_desk", opened)
    monkeypatch.setattr(plan_desk, "desk", desk)


def test_promise__says_the_day_and_what_decides_it(call: Call) -> None:
    asked = call("plan", "promise", "truck", "2", "2026-03-03", "--json")
    assert asked.code == 1
    assert asked.json["promised"] == "2026-03-11"
    assert [(link["kind"], link["name"]) for link in asked.json["chain"]] == [
        ("order", "Truck"),
        ("work_centre", "Truck"),
    ]
    assert "2026-03-11" in call("plan", "promise", "truck", "2", "2026-03-03").out
    assert "最早 2026-03-11 可交付" in call("plan", "promise", "truck", "2", "2026-03-03", "--lang", "zh").out
    assert "nope" in call("plan", "promise", "nope", "1", "2026-03-04").err
    assert call("plan", "promise", "truck", "0", "2026-03-04").code == 2
    assert call("plan", "promise", "truck", "1", "soon").code == 2


def test_promise__half_a_piece_is_refused_and_half_a_kilogram_is_not(call: Call) -> None:
    refused = call("plan", "promise", "truck", "0.5", "2026-03-04")
    assert (refused.code, "whole" in refused.err) == (2, True)
    assert "整数" in call("plan", "impact", "truck", "1.5", "2026-03-04", "--lang", "zh").err
    assert call("plan", "promise", "truck", "2.0", "2026-03-26").code == 0
    assert call("plan", "promise", "axle", "0.5", "2026-03-04").code == 0


def test_promise__accepted_it_holds_and_the_next_does_not_take_it(call: Call, hub: Any) -> None:
    first = call("plan", "promise", "axle", "1", "2026-03-04", "--accept", "--json")
    assert (first.code, first.json["from_stock"], first.json["key"]) == (0, "1", "promise|1")
    second = call("plan", "promise", "axle", "2", "2026-03-04", "--accept", "--days", "7", "--json").json
    assert (second["promised"], second["from_stock"]) == ("2026-03-07", "1")
    listed = call("plan", "promises", "--json")
    assert [(row["key"], row["promised"], row["planned"], row["broken"]) for row in listed.json] == [
        ("promise|1", "2026-03-04", "2026-03-02", False),
        ("promise|2", "2026-03-07", "2026-03-07", False),
    ]
    hub.clock.now += timedelta(days=8)
    assert [one.key for one in held_promises(hub)] == ["promise|1"]
    with hub.store.read() as tx:
        assert [entry.action for entry in audit.listed(tx, "promise/promise|2")] == ["promise_accepted"]


def test_promise__for_a_line_moves_what_it_is_due_and_can_be_given_up(call: Call, hub: Any) -> None:
    asked = call("plan", "promise", "truck", "1", "2026-03-03", "--for", "SO-2|1", "--accept", "--json").json
    assert (asked["key"], asked["promised"]) == ("SO-2|1", "2026-03-04")
    assert call("plan", "promise", "truck", "1", "2026-03-03", "--for", "SO-2|1", "--accept").code == 1
    assert "no longer promised" in call("plan", "release", "SO-2|1", "--note", "customer left").out
    assert call("plan", "promises", "--json").json == []
    assert call("plan", "release", "SO-2|1").code == 2
    with hub.store.read() as tx:
        (ended,) = promises.listed(tx, ended=True)
    assert ended.state == "released"


def test_promise_order__each_line_and_the_whole(call: Call) -> None:
    answer = call("plan", "promise-order", "SO-1", "--json").json
    assert answer["promised"] == answer["lines"][0]["promised"] == "2026-03-22"
    assert call("plan", "promise-order", "SO-9").code == 2


def test_impact__whom_a_rush_order_hurts(call: Call) -> None:
    asked = call("plan", "impact", "truck", "5", "2026-03-04", "--json")
    assert asked.json["order"]["rushed"] == "2026-03-04"
    assert [(row["key"], row["days"]) for row in asked.json["moved"]] == [("SO-2|1", 4)]
    assert "延后" in call("plan", "impact", "truck", "5", "2026-03-04", "--lang", "zh").out


def test_load__maintenance_is_taken_out_and_causes_are_named(call: Call) -> None:
    weeks = call("plan", "load", "--json").json
    assert [(row["bucket"], row["needed"], row["available"], row["orders"][0]["key"]) for row in weeks] == [
        ("2026-03-02", "480.0", "2400.0", "G1|SO-2|1|1"),
        ("2026-03-16", "1440.0", "1920.0", "G1|SO-1|1|1"),
    ]
    assert call("plan", "load", "--by", "day", "--over", "--json").json == []
