"""The compiled planner's door: covers a snapshot exactly as the plain planner does, or says why it does not.

numba takes about a second to import, so nothing here is imported before a snapshot is large enough to be worth it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from canonical.plan import PlanItem, PlanningSnapshot
from planning.columns import NotCovered
from planning.decoding import decode
from planning.encoding import encode
from planning.kernels.solving import THREADS, solve
from planning.preparation import prepare

if TYPE_CHECKING:
    from canonical.plan import Plan
    from planning.preparation import Prepared


def plan_compiled(prepared: Prepared) -> Plan:
    """The plan of the plain planner, faster. Raises NotCovered before anything is changed."""
    columns, names = encode(prepared)
    result = solve(columns)
    if not result.ok:
        raise NotCovered("a quantity beyond the limit")
    return decode(prepared, columns, names, result)


def warm() -> None:
    """Compile, unless that was done before: about two minutes once for each change of the kernels' sources."""
    prepared = prepare(PlanningSnapshot(date(2000, 1, 1), (PlanItem("ITEM", "buy"),)))
    plan_compiled(prepared)
    solve(encode(prepared)[0], threads=THREADS)
    from planning.coverage.warming import warm_changes  # noqa: PLC0415 - planning once does without

    warm_changes()
