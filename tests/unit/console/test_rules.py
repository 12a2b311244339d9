"""`millstream rules`: what the rules are, whether their fixtures hold, why they fired, and what they would do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.settings import DEPLOYMENTS
from store import events, runs
from store.events import ChangeEvent
from store.unit_of_work import Store

Call = Any
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ORDER = {"sales_order": "SO-1", "customer": "C-1", "due": "2026-11-09", "shipping": True}


@pytest.fixture
def seen(store: Store) -> Store:
    """A store with one event of an urgent order that is not shipping yet, changed so that it is."""
    old = {**ORDER, "shipping": False}
    event = ChangeEvent(
        "run-1|urgent_order|SO-1", "urgent_order", "SO-1", "changed", old, ORDER, ["shipping"], "hub", NOW, "run-1"
    )
    with store.begin() as tx:
        events.append(tx, [event])
        runs.start(tx, "run-1", "run:test", NOW, NOW)
    return store


def test_rules_list__names_what_each_looks_at_and_does(call: Call) -> None:
    listed = {row["rule"]: row for row in call("rules", "list", "--json").json}
    assert listed["make-to-order"]["if"] == 'sourcing == "make"'
    assert listed["make-to-order"]["then"] == ["order_production → erp", "order_work → mes"]
    assert listed["purchase-unanswered"]["later"][0].startswith("2 d: ! ")
    assert listed["urgent-work"]["place"].startswith("rules/rulebooks/urgent.yaml:")
    assert "make-to-order" in call("rules", "list").out


def test_rules_test__runs_the_fixtures_of_one_book_or_all(call: Call) -> None:
    done = call("rules", "test", "urgent", "--json")
    assert (done.code, done.json["passed"], done.json["untested"]) == (0, done.json["total"], [])
    assert {one["book"] for one in call("rules", "test", "--json").json["fixtures"]} >= {"urgent", "fulfilment"}
    unknown = call("rules", "test", "urgnt")
    assert unknown.code != 0
    assert "Did you mean 'urgent'?" in unknown.err


def test_rules_explain__says_what_fired_and_what_did_not(call: Call, seen: Store) -> None:
    told = call("rules", "explain", "urgent_order/SO-1", "--json").json
    reasons = {one["rule"]: (one["fired"], one["reason"], one["because"]) for one in told["rules"]}
    assert reasons["expedite-picking"] == (True, "fired", "expedite_picking → wms expedite|SO-1")
    assert reasons["urgent-order"] == (False, "event", "it looks at created only")
    drawn = call("rules", "explain", "run-1|urgent_order|SO-1", "--lang", "zh").out
    assert "触发" in drawn
    assert "只关注 created" in drawn


def test_rules_explain__of_a_timer_that_ran_out(call: Call, seen: Store) -> None:
    rule = "purchase-unanswered"
    row = {"reference": "P|1", "item": "B", "quantity": "5"}
    event = ChangeEvent("timer|1", "awaited_purchase", "P|1", "overdue", None, row, [], f"rule:{rule}", NOW, "run-1")
    with seen.begin() as tx:
        events.append(tx, [event])
    (verdict,) = call("rules", "explain", "timer|1", "--json").json["rules"]
    assert (verdict["rule"], verdict["fired"], verdict["reason"]) == (rule, True, "overdue")
    assert verdict["because"].startswith("its time ran out: ! ")


def test_rules_explain__of_an_unknown_event(call: Call, seen: Store) -> None:
    refused = call("rules", "explain", "urgent_order/SO-2")
    assert refused.code != 0
    assert "ENTITY/KEY" in refused.err


def test_rules_dry_run__of_one_event_keeps_nothing(call: Call, seen: Store) -> None:
    told = call("rules", "dry-run", "urgent_order/SO-1", "--json").json
    (command,) = told["commands"]
    assert (command["command"]["system"], command["command"]["kind"], command["command"]["revision"]) == (
        "wms", "expedite_picking", 1
    )  # fmt: skip
    assert {one["path"] for one in command["differences"]} or command["hindered"]
    assert call("outbox", "list", "--json").json == []
    assert "nothing was written" in call("rules", "dry-run", "urgent_order/SO-1").out


def test_rules_dry_run__needs_a_plan_for_everything(call: Call, seen: Store) -> None:
    refused = call("rules", "dry-run")
    assert refused.code != 0
    assert "no complete plan" in refused.err


def test_rules_schema__is_json(call: Call) -> None:
    assert call("rules", "schema").json["title"] == "Millstream rulebook"


def test_every_deployment__has_rules(call: Call) -> None:
    for file in sorted(DEPLOYMENTS.glob("*.yaml")):
        assert call("rules", "list", "--json", MILLSTREAM_DEPLOYMENT=file.stem).json
