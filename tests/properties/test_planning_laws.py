"""The planner's laws on random small models, and its equality with a slow planner that shares no code with it."""

from __future__ import annotations

import importlib.util
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.plan import (
    LotPolicy,
    Peg,
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlannedOrder,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    ScheduledReceipt,
    Sourcing,
)
from planning.mrp import plan

_spec = importlib.util.spec_from_file_location("planning_oracle", Path(__file__).with_name("planning_oracle.py"))
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
oracle = _module.oracle

TODAY = date(2026, 3, 2)
CODES = ("A", "B", "C", "D", "E")
ROOTS = ("R1", "R2", "R3")
LAW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

days = st.integers(-3, 12).map(lambda offset: TODAY + timedelta(offset))
lots = st.one_of(
    st.just(LotPolicy()),
    st.builds(LotPolicy, minimum=st.integers(0, 9), multiple=st.integers(0, 4)),
    st.builds(LotPolicy, rule=st.just("fixed"), fixed=st.integers(2, 9)),
    st.builds(LotPolicy, rule=st.just("period"), period_days=st.integers(1, 6), multiple=st.integers(0, 3)),
    st.builds(LotPolicy, minimum=st.integers(0, 4), maximum=st.integers(6, 12), multiple=st.integers(0, 3)),
)


@st.composite
def snapshots(draw: st.DrawFn) -> PlanningSnapshot:
    kinds: st.SearchStrategy[Sourcing] = st.sampled_from(("make", "make", "subcontract", "phantom"))
    items: list[PlanItem] = []
    bom: list[PlanBomLine] = []
    for position, code in enumerate(CODES):
        below = CODES[position + 1 :]
        sourcing: Sourcing = draw(kinds) if below else "buy"
        safety = draw(st.sampled_from((0, 0, 0, 4)))
        items.append(PlanItem(code, sourcing, draw(st.integers(0, 4)), safety, draw(lots)))
        components = draw(st.sets(st.sampled_from(below), min_size=1, max_size=3)) if below else set()
        for component in sorted(components):
            ratio = draw(st.sampled_from(((1, 1), (2, 1), (1, 3), (5, 2))))
            bom.append(PlanBomLine(code, component, *ratio, scrap_ppm=draw(st.sampled_from((0, 0, 50_000)))))
    demands = [
        PlanDemand(f"d{n}", item, quantity, due, root, priority)
        for n, (item, quantity, due, root, priority) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(CODES), st.integers(1, 15), days, st.sampled_from(ROOTS), st.integers(0, 1)
                    ),
                    max_size=6,
                )
            )
        )
    ]
    real = [item.code for item in items if item.sourcing != "phantom"]
    stock = [PlanStock(f"on_hand|{c}", c, draw(st.integers(0, 12))) for c in real if draw(st.booleans())]
    reserved = st.sampled_from((None, None, *ROOTS))
    receipts = [
        ScheduledReceipt(f"po{n}", item, quantity, available, "purchase_order", owner)
        for n, (item, quantity, available, owner) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(real), st.integers(0, 9), days, reserved), max_size=4))
        )
    ]
    policies = PlanPolicies(
        safety_stock=draw(st.sampled_from(("served_last", "served_first"))),
        supply_order=draw(st.sampled_from(("latest_first", "earliest_first"))),
    )
    return PlanningSnapshot(
        TODAY, tuple(items), tuple(bom), tuple(demands), tuple(stock), tuple(receipts), policies=policies
    )


def by_key(outcome: Plan) -> dict[str, PlannedOrder]:
    return {order.key: order for order in outcome.planned_orders}


@LAW
@given(snapshots())
def test_plan__equals_the_slow_planner(snapshot: PlanningSnapshot) -> None:
    orders, pegs = oracle(snapshot)
    outcome = plan(snapshot)
    assert {o.key: (o.item, o.quantity, o.due, o.release) for o in outcome.planned_orders} == orders
    assert {(peg.supply, peg.consumer): peg.quantity for peg in _summed(outcome.pegs)} == pegs


def _summed(pegs: tuple[Peg, ...]) -> list[Peg]:
    """A phantom demand draws several items under one consumer; supply keys tell them apart, so nothing sums here."""
    keys = [(peg.supply, peg.consumer) for peg in pegs]
    assert len(keys) == len(set(keys))
    return list(pegs)


@LAW
@given(snapshots())
def test_plan__pegs_sum_exactly(snapshot: PlanningSnapshot) -> None:
    outcome = plan(snapshot)
    used: dict[str, int] = {}
    for peg in outcome.pegs:
        assert peg.quantity > 0
        used[peg.supply] = used.get(peg.supply, 0) + peg.quantity
    for order in outcome.planned_orders:
        assert order.quantity == used.pop(order.key) + order.surplus
        assert order.surplus >= 0
    existing = {row.key: row.quantity for row in snapshot.stock}
    existing |= {row.key: row.quantity for row in snapshot.receipts}
    assert all(quantity <= existing[key] for key, quantity in used.items())
    phantoms = {item.code for item in snapshot.items if item.sourcing == "phantom"}
    for row in snapshot.demands:
        if row.item not in phantoms:
            assert sum(peg.quantity for peg in outcome.supplies_of(row.key)) == row.quantity


@LAW
@given(snapshots(), st.randoms(use_true_random=False))
def test_plan__input_order_changes_nothing(snapshot: PlanningSnapshot, rng: random.Random) -> None:
    def mixed(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(rng.sample(rows, len(rows)))

    outcome = plan(snapshot)
    other = replace(
        snapshot,
        items=mixed(snapshot.items),
        bom=mixed(snapshot.bom),
        demands=mixed(snapshot.demands),
        stock=mixed(snapshot.stock),
        receipts=mixed(snapshot.receipts),
    )
    assert plan(other) == outcome
    kept = replace(snapshot, prior_pegs=outcome.pegs)
    assert plan(replace(other, prior_pegs=mixed(outcome.pegs))) == plan(kept)


def history(snapshot: PlanningSnapshot, changes: list[PlanDemand]) -> PlanningSnapshot:
    """The snapshot after several demand changes, each planned: prior pegs as they grow in use."""
    for change in changes:
        snapshot = replace(snapshot, prior_pegs=plan(snapshot).pegs)
        snapshot = changed(snapshot, change)
    return snapshot


def changed(snapshot: PlanningSnapshot, change: PlanDemand) -> PlanningSnapshot:
    kept = tuple(row for row in snapshot.demands if row.key != change.key)
    return replace(snapshot, demands=(*kept, change) if change.quantity else kept)


def lot_roots(outcome: Plan, key: str) -> set[str]:
    """The roots a planned order serves, the parts of a split lot taken as one."""
    parts: dict[str, list[str]] = {}
    for order in outcome.planned_orders:
        parts.setdefault(order.key.rpartition("|")[0], []).append(order.key)
    seen: set[str] = set()
    roots: set[str] = set()
    waiting = [key]
    while waiting:
        base = waiting.pop().rpartition("|")[0]
        if base in seen:
            continue
        seen.add(base)
        for part in parts.get(base, ()):
            roots |= outcome.roots_of(part)
            waiting += [peg.consumer for peg in outcome.consumers_of(part)]
    return roots


changes = st.builds(
    PlanDemand,
    st.sampled_from(("d0", "d1", "n0")),
    st.sampled_from(CODES),
    st.integers(0, 20),
    days,
    st.sampled_from(ROOTS),
    st.integers(0, 1),
)


@LAW
@given(snapshots(), st.lists(changes, max_size=3))
def test_plan__again_with_its_own_pegs_changes_nothing(snapshot: PlanningSnapshot, past: list[PlanDemand]) -> None:
    snapshot = history(snapshot, past)
    first = plan(snapshot)
    assert plan(replace(snapshot, prior_pegs=first.pegs)) == first


@LAW
@given(snapshots(), st.lists(changes, max_size=2), changes)
def test_plan__changing_a_root_changes_only_orders_pegged_to_it(
    snapshot: PlanningSnapshot, past: list[PlanDemand], change: PlanDemand
) -> None:
    snapshot = history(snapshot, past)
    touched = {row.root for row in snapshot.demands if row.key == change.key} | {change.root}
    before = plan(snapshot)
    # A receipt lent to the changed root goes back to the root it is reserved for.
    touched |= {
        row.reserved_for for row in snapshot.receipts if row.reserved_for and touched & before.roots_of(row.key)
    }
    after = plan(changed(replace(snapshot, prior_pegs=before.pegs), change))
    old, new = by_key(before), by_key(after)
    for key in old.keys() | new.keys():
        if old.get(key) != new.get(key):
            owners = {order.root for order in (old.get(key), new.get(key)) if order and order.root}
            assert touched & (owners | lot_roots(before, key) | lot_roots(after, key)), key


@LAW
@given(snapshots(), st.data())
def test_plan__a_released_order_is_never_ordered_twice(snapshot: PlanningSnapshot, data: st.DataObject) -> None:
    before = plan(snapshot)
    bases = [order.key.rpartition("|")[0] for order in before.planned_orders]
    bought = [
        order
        for order, base in zip(before.planned_orders, bases, strict=True)
        if order.sourcing == "buy" and bases.count(base) == 1  # the rest of a split lot is dated and keyed anew
    ]
    if not bought:
        return
    order = data.draw(st.sampled_from(bought))
    others = {key: o for key, o in by_key(before).items() if key != order.key}
    document = ScheduledReceipt(
        "PO-new", order.item, order.quantity, data.draw(days), "purchase_order", order.root, order.key
    )
    open_order = replace(snapshot, receipts=(*snapshot.receipts, document), prior_pegs=before.pegs)
    running = plan(open_order)
    assert by_key(running) == others
    arrived = data.draw(st.integers(0, order.quantity))
    partly = replace(
        open_order,
        receipts=(*snapshot.receipts, replace(document, quantity=order.quantity - arrived)),
        stock=(*snapshot.stock, PlanStock("on_hand|new", order.item, arrived)),
    )
    for pegs in (before.pegs, running.pegs):
        assert by_key(plan(replace(partly, prior_pegs=pegs))) == others
    closed = replace(partly, receipts=snapshot.receipts, closed_orders=frozenset({order.key}))
    full = (*snapshot.stock, PlanStock("on_hand|new", order.item, order.quantity))
    for pegs in (before.pegs, running.pegs):
        assert by_key(plan(replace(closed, stock=full, prior_pegs=pegs))) == others
