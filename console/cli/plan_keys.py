"""What people call an order, found in the plan: by the plan's own key, a command's, or the number of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.cli.failures import NotKnown
from console.cli.terminal import Terminal

if TYPE_CHECKING:
    from canonical.plan import KitLine, Plan

SUGGESTED = 5
WORK = "work_order|"


def plan_key(terminal: Terminal, plan: Plan, named: str, answers: Callable[[str], bool]) -> str:
    """The one key of the plan that is meant and `answers`; raises `NotKnown` with those that could be.

    `M|DW-7|SO-1|1|1`, as commands and pages call it, is `DW-7|SO-1|1|1`; `MO-26-00031` is `work_order|MO-26-00031`.
    """
    kind, _, rest = named.partition("|")
    meant: tuple[str, ...] = (named, f"{WORK}{named}", *((rest,) if len(kind) == 1 and rest else ()))
    exact = next((key for key in meant if answers(key)), None)
    if exact is not None:
        return exact
    keys = {key for peg in plan.pegs for key in (peg.supply, peg.consumer)}
    keys |= {order.key for order in plan.planned_orders}
    like = sorted((key for key in keys if f"|{named}|" in f"|{key}|" and answers(key)), key=lambda key: (len(key), key))
    if len(like) == 1:
        return like[0]
    near = ", ".join(like[:SUGGESTED])
    hint = terminal.say("trace.similar", near=near) if near else terminal.say("plan.no_key.hint")
    raise NotKnown(terminal.say("plan.no_key", key=named), hint=hint)


def kit_of(plan: Plan, order: str) -> tuple[KitLine, ...]:
    """The kit of an order; of a work order of others it is a demand for each line still to draw: `KEY|0`, `KEY|1`."""
    own = plan.kit(order)
    if own or not order.startswith(WORK):
        return own
    keys = {peg.consumer for peg in plan.pegs} | {row.consumer for row in plan.shortages}
    drawn = sorted((int(key[len(order) + 1 :]), key) for key in keys if _is_line_of(key, order))
    return tuple(line for _, key in drawn for line in plan.kit(key))


def _is_line_of(key: str, order: str) -> bool:
    place = key.removeprefix(f"{order}|")
    return place != key and place.isdigit()
