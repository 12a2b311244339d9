"""Inbox, change events, audit, connections, runs, pegs and leases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from canonical.actors import Actor, Role
from canonical.plan import Peg
from store import audit, connections, events, inbox, leases, plan_pegs, runs
from store.connections import ConnectionState
from store.events import FACT_SCHEMA, ChangeEvent, decided_frame, mark_decided
from store.plan_pegs import PlanSummary
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_inbox_accept__replay_is_not_a_second_event(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert inbox.accept(tx, "mes", "evt-2", {"quantity": Decimal("1.50")}, NOW)
        assert inbox.accept(tx, "mes", "evt-1", {}, NOW)
    with either_store.begin() as tx:
        assert not inbox.accept(tx, "mes", "evt-2", {"quantity": 9}, LATER)
        assert inbox.accept(tx, "wms", "evt-2", [], NOW)
        found = inbox.next_unread(tx)
        arrived = [("mes", "evt-2"), ("mes", "evt-1"), ("wms", "evt-2")]
        assert [(event.system, event.event_id) for event in found] == arrived
        assert found[0].payload == {"quantity": "1.5"}
        assert inbox.next_unread(tx, limit=1, after=found[0].position) == [found[1]]


def test_inbox_mark__read_events_are_gone(either_store: Store) -> None:
    with either_store.begin() as tx:
        inbox.accept(tx, "mes", "evt-1", {}, NOW)
        assert inbox.mark(tx, "mes", "evt-1", "failed", NOW, error="no such order")
        assert not inbox.mark(tx, "mes", "evt-9", "done", NOW)
        assert inbox.next_unread(tx) == []
        assert inbox.counts(tx) == {"failed": 1}
        assert inbox.mark(tx, "mes", "evt-1", "unread", NOW)
        assert len(inbox.next_unread(tx)) == 1


def test_events_append__same_id_is_the_same_event(either_store: Store) -> None:
    event = ChangeEvent("e1", "item", "G-1", "changed", {"u": "kg"}, {"u": "g"}, ["u"], "system:erp", NOW, "run-1")
    with either_store.begin() as tx:
        events.append(tx, [event])
        events.append(tx, [event, ChangeEvent("e2", "item", "G-2", "deleted", {}, None, [], "run:1", NOW, "run-2", 3)])
        assert events.listed(tx, "item", "G-1") == [event]
        assert [row.id for row in events.listed(tx)] == ["e1", "e2"]
        assert [row.revision for row in events.listed(tx, run_id="run-2")] == [3]


def test_mark_decided__changed_and_gone(either_store: Store) -> None:
    rows = pl.DataFrame([("A", "{}", "h1"), ("B", "{}", "h2")], schema=FACT_SCHEMA, orient="row")
    with either_store.begin() as tx:
        assert decided_frame(tx, "sales_order_line").schema == FACT_SCHEMA
        mark_decided(tx, "sales_order_line", rows)
        changed = pl.DataFrame([("B", '{"q":1}', "h3")], schema=FACT_SCHEMA, orient="row")
        mark_decided(tx, "sales_order_line", changed, gone=["A"])
        assert decided_frame(tx, "sales_order_line").rows() == [("B", '{"q":1}', "h3")]
        assert decided_frame(tx, "stock").is_empty()


def test_audit_append__newest_first(either_store: Store) -> None:
    steward = Actor("person", "li.wei", Role.STEWARD)
    with either_store.begin() as tx:
        audit.append(tx, NOW, steward, "merged", "item/G-1", detail={"with": "G-2"})
        audit.append(tx, LATER, "run:1", "planned", "plan")
        assert [row.action for row in audit.listed(tx)] == ["planned", "merged"]
        (row,) = audit.listed(tx, on="item/G-1")
        assert (row.actor, row.detail) == ("person:li.wei", {"with": "G-2"})


def test_connections_set_state__audited_once(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert connections.listed(tx) == {}
        assert connections.set_state(tx, "erp", ConnectionState.SHADOW, "person:a", NOW)
        assert not connections.set_state(tx, "erp", ConnectionState.SHADOW, "person:b", LATER)
        assert connections.mark_adopted(tx, "erp", NOW)
        assert not connections.mark_adopted(tx, "erp", LATER)
        assert connections.set_state(tx, "erp", ConnectionState.LIVE, "person:b", LATER)
        brake = connections.listed(tx)["erp"]
        assert (brake.state, brake.adopted_at, brake.changed_by) == (ConnectionState.LIVE, NOW, "person:b")
        assert [row.detail for row in audit.listed(tx)] == [
            {"from": "shadow", "to": "live"},
            {"from": None, "to": "shadow"},
        ]


def test_runs__stages_and_end(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert runs.start(tx, "run-1", "run:1", NOW, NOW)
        assert not runs.start(tx, "run-1", "run:1", NOW, NOW)
        runs.record_stage(tx, "run-1", "land", {"rows": 1}, NOW, part="erp/items")
        runs.record_stage(tx, "run-1", "land", {"rows": 2, "seconds": Decimal("0.50")}, NOW, part="erp/items")
        runs.record_stage(tx, "run-1", "plan", {}, LATER)
        runs.finish(tx, "run-1", "done", LATER)
        found = runs.run(tx, "run-1")
        assert found is not None
        assert (found.state, found.finished_at) == ("done", LATER)
        assert runs.run(tx, "run-2") is None
        assert runs.last(tx) == [found]
        stages = [(row.stage, row.part, row.counts) for row in runs.stages(tx, "run-1")]
        assert stages == [("land", "erp/items", {"rows": 2, "seconds": "0.5"}), ("plan", "", {})]


def test_plan_pegs_replace__last_plan_only(either_store: Store) -> None:
    old, new = Peg("S'-1", "on_hand", "SO-1", "SO-1", "件 %s?", 2**62), Peg("P-1", "planned", "P-0", None, "I-2", 5)
    with either_store.begin() as tx:
        plan_pegs.replace(tx, [old])
        plan_pegs.replace(tx, [new, old])
        assert plan_pegs.pegs(tx) == (new, old)
        assert plan_pegs.pegs_of(tx, root="SO-1") == [old]
        assert plan_pegs.pegs_of(tx, order="P-0") == [new]
        assert plan_pegs.pegs_frame(tx)["quantity"].to_list() == [5, 2**62]
        plan_pegs.replace(tx, [])
        assert plan_pegs.pegs_frame(tx).is_empty()


def test_plan_summary__newest(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert plan_pegs.last_summary(tx) is None
        plan_pegs.record_summary(tx, PlanSummary("run-1", NOW, {"orders": 1}))
        plan_pegs.record_summary(tx, PlanSummary("run-1", NOW, {"orders": 2}))
        assert plan_pegs.last_summary(tx) == PlanSummary("run-1", NOW, {"orders": 2})


def test_leases__one_at_a_time(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert leases.acquire(tx, "pass", "a", NOW, 60)
        assert leases.acquire(tx, "pass", "a", NOW, 90)
        assert not leases.acquire(tx, "pass", "b", NOW + timedelta(seconds=80), 60)
        assert leases.holder(tx, "pass", NOW) == "a"
        assert not leases.release(tx, "pass", "b")
        assert leases.acquire(tx, "pass", "b", NOW + timedelta(seconds=90), 60)
        assert not leases.release(tx, "pass", "a")
        assert leases.release(tx, "pass", "b")
        assert leases.holder(tx, "pass", NOW) is None
