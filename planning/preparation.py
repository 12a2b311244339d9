"""What both planners need before they start: admitted rows, the exploded structure, and what cannot be planned."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from canonical.plan import Plan
from planning.bom import explode
from planning.intake import admit, admit_bom
from planning.intake_rules import drop_tangled
from planning.messages import releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from canonical.plan import Peg, PlanMessage, PlannedOrder, PlanningSnapshot, ProblemKind, Shortage
    from planning.bom import Explosion
    from planning.column_structure import ColumnStructure
    from planning.intake import Admitted

KIND_ORDER: dict[str, int] = {"on_hand": 0, "receipt": 1, "firm": 2, "planned": 3, "by_product": 4}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A snapshot ready to plan.

    `blocked` gives the reason no order can be planned for an item, `documents` the keys no planned order may have.
    """

    snapshot: PlanningSnapshot
    admitted: Admitted
    explosion: Explosion | ColumnStructure
    blocked: dict[str, ProblemKind]
    documents: frozenset[str]

    def sequence(self) -> list[str]:
        """All items, each after everything that draws on it."""
        levels = self.explosion.levels
        codes = sorted(self.admitted.items)
        return sorted(codes, key=lambda code: levels.get(code, 0))


@contextmanager
def collection_paused() -> Iterator[None]:
    """No garbage collection meanwhile: a plan makes many objects and no cycles; looking for those takes a quarter."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def prepare(snapshot: PlanningSnapshot, *, in_columns: bool = False) -> Prepared:
    """Admit and explode a snapshot; what is wrong with it is named in `admitted.problems`.

    `in_columns` explodes the structure in columns, which is worth it for many lines; the outcome is the same.
    """
    admitted = admit(snapshot)
    phantoms = {code for code, item in admitted.items.items() if item.sourcing == "phantom"}
    explosion = _in_columns(admitted, snapshot) if in_columns else None
    if explosion is None:
        explosion = _line_by_line(admitted, snapshot, phantoms)
    blocked: dict[str, ProblemKind] = {code: "no_bom" for code in phantoms if code not in explosion.components}
    for cycle in explosion.cycles:
        blocked.update(dict.fromkeys(cycle, "bom_cycle"))
        path = " > ".join((*cycle, cycle[0]))
        admitted.name("bom_cycle", cycle[0], path, "no orders are planned for the items of this cycle")
    return Prepared(snapshot, admitted, explosion, blocked, _documents(snapshot, admitted))


def _in_columns(admitted: Admitted, snapshot: PlanningSnapshot) -> Explosion | ColumnStructure | None:
    from planning.column_structure import explode_columns  # noqa: PLC0415 - numpy and polars take their time to import

    return explode_columns(admitted, snapshot)


def _line_by_line(admitted: Admitted, snapshot: PlanningSnapshot, phantoms: set[str]) -> Explosion:
    admit_bom(admitted, snapshot)
    arcs = admitted.rules.arcs()
    explosion = explode(admitted.structure, admitted.items.keys(), phantoms, admitted.windows, arcs)
    if len(explosion.arcs) < len(arcs):
        drop_tangled(admitted, explosion.arcs)
    return explosion


def _documents(snapshot: PlanningSnapshot, admitted: Admitted) -> frozenset[str]:
    origins = {row.origin for row in admitted.receipts if row.origin is not None}
    firm = {row.key for row in admitted.firm_orders}
    return frozenset(snapshot.closed_orders | origins | firm | {row.key for row in admitted.receipts})


def safety_stock_key(item: str) -> str:
    """The consumer key of an item's safety stock."""
    return f"safety_stock|{item}"


def order_prefix(item: str) -> str:
    """What the keys of an item's planned orders begin with; `|` in the code is escaped, so keys are unambiguous."""
    return f"{item.replace('%', '%25').replace('|', '%7C')}|"


def earlier_pegs(snapshot: PlanningSnapshot) -> list[Peg]:
    """What is pegged before planning, in the order it is kept: reservations, then prior pegs.

    Each stock, receipts, firm, planned, each by key.
    """
    if not snapshot.prior_pegs and not snapshot.reservations:
        return []
    return [*_sorted_pegs(snapshot.reservations), *_sorted_pegs(snapshot.prior_pegs)]


def _sorted_pegs(pegs: Iterable[Peg]) -> list[Peg]:
    return sorted(pegs, key=lambda peg: (KIND_ORDER[peg.kind], peg.supply))


def sorted_plan(
    prepared: Prepared,
    *,
    orders: list[PlannedOrder],
    pegs: list[Peg],
    shortages: list[Shortage],
    messages: list[PlanMessage],
    availability: dict[str, date],
) -> Plan:
    """The plan, every list in its fixed order: orders and pegs as made, level by level, the others sorted."""
    problems = [*prepared.snapshot.problems, *prepared.admitted.problems]
    horizon = prepared.snapshot.policies.release_horizon_days
    if horizon is not None:
        messages = [*messages, *releases(orders, prepared.snapshot.as_of + timedelta(horizon))]
    return Plan(
        planned_orders=tuple(orders),
        pegs=tuple(pegs),
        shortages=tuple(sorted(shortages, key=attrgetter("item", "consumer"))),
        messages=tuple(sorted(messages, key=attrgetter("item", "kind", "key"))),
        problems=tuple(sorted(problems, key=attrgetter("item", "kind", "key", "detail"))),
        availability=availability,
    )
