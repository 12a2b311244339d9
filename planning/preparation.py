"""What both planners need before they start: admitted rows, the exploded structure, and what cannot be planned."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from canonical.plan import Plan
from planning.bom import explode
from planning.intake import admit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from canonical.plan import Peg, PlanMessage, PlannedOrder, PlanningSnapshot, ProblemKind, Shortage
    from planning.bom import Explosion
    from planning.intake import Admitted

KIND_ORDER: dict[str, int] = {"on_hand": 0, "receipt": 1, "firm": 2, "planned": 3}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A snapshot ready to plan.

    `blocked` gives the reason no order can be planned for an item, `documents` the keys no planned order may have.
    """

    snapshot: PlanningSnapshot
    admitted: Admitted
    explosion: Explosion
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


def prepare(snapshot: PlanningSnapshot) -> Prepared:
    """Admit and explode a snapshot; what is wrong with it is named in `admitted.problems`."""
    admitted = admit(snapshot)
    phantoms = {code for code, item in admitted.items.items() if item.sourcing == "phantom"}
    explosion = explode(admitted.structure, admitted.items.keys(), phantoms, admitted.windows)
    blocked: dict[str, ProblemKind] = {code: "no_bom" for code in phantoms if not explosion.components.get(code)}
    for cycle in explosion.cycles:
        blocked.update(dict.fromkeys(cycle, "bom_cycle"))
        path = " > ".join((*cycle, cycle[0]))
        admitted.name("bom_cycle", cycle[0], path, "no orders are planned for the items of this cycle")
    return Prepared(snapshot, admitted, explosion, blocked, _documents(snapshot, admitted))


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


def sorted_pegs(pegs: Iterable[Peg]) -> list[Peg]:
    """Prior pegs in the order they are kept: stock, receipts, firm, planned, each by key."""
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
    problems = prepared.admitted.problems
    return Plan(
        planned_orders=tuple(orders),
        pegs=tuple(pegs),
        shortages=tuple(sorted(shortages, key=attrgetter("item", "consumer"))),
        messages=tuple(sorted(messages, key=attrgetter("item", "kind", "key"))),
        problems=tuple(sorted(problems, key=attrgetter("item", "kind", "key", "detail"))),
        availability=availability,
    )
