"""What people call an order, found in the plan: by the plan's own key, a command's, or the number of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.cli.failures import NotKnown
from console.cli.terminal import Terminal

if TYPE_CHECKING:
    from canonical.plan import Plan

SUGGESTED = 5


def plan_key(terminal: Terminal, plan: Plan, named: str, answers: Callable[[str], bool]) -> str:
    """The one key of the plan that is meant and `answers`; raises `NotKnown` with those that could be.

    `M|DW-7|SO-1|1|1`, as commands and pages call it, is `DW-7|SO-1|1|1`; `MO-26-00031` is `work_order|MO-26-00031`.
    """
    kind, _, rest = named.partition("|")
    exact = [key for key in (named, rest) if key and (key == named or len(kind) == 1) and answers(key)]
    if exact:
        return exact[0]
    keys = {key for peg in plan.pegs for key in (peg.supply, peg.consumer)}
    keys |= {order.key for order in plan.planned_orders}
    like = sorted((key for key in keys if f"|{named}|" in f"|{key}|" and answers(key)), key=lambda key: (len(key), key))
    if len(like) == 1:
        return like[0]
    near = ", ".join(like[:SUGGESTED])
    hint = terminal.say("trace.similar", near=near) if near else terminal.say("plan.no_key.hint")
    raise NotKnown(terminal.say("plan.no_key", key=named), hint=hint)
