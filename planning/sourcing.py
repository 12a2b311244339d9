"""Who delivers a planned order, and how long that takes."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING

from planning.workdays import EVERY_DAY

if TYPE_CHECKING:
    from canonical.plan import PlanItem, PlanPolicies, PlanSupplier
    from planning.workdays import WorkDays

NO_QUOTA = 2**80
"""A quota rating above all others."""


def shortest_lead(item: PlanItem) -> int:
    """The days a new order takes at best."""
    if not item.suppliers or item.sourcing != "buy":
        return item.lead_time_days or 0
    return min(one.lead_time_days for one in item.suppliers)


class Sourcing:
    """Chooses suppliers order by order, in planning order, as quotas need it; `work_days` are by item code."""

    def __init__(self, today: int, policies: PlanPolicies, work_days: dict[str, WorkDays]) -> None:
        self.today = today
        self.choice = policies.supplier_choice
        self.work_days = work_days
        self._ordered: dict[tuple[str, str], int] = {}
        self._first_dues: dict[str, list[int]] = {}
        self._chosen: dict[tuple[str, int], PlanSupplier] = {}

    def source(self, item: PlanItem, due: int, quantity: int) -> tuple[str | None, int]:
        """Supplier and lead time of an order due on this day ordinal.

        Of the suppliers who deliver in time the one `PlanPolicies.supplier_choice` prefers, of several the fastest;
        else the fastest of all. Only a bought item's suppliers set its lead time.
        """
        lead = item.lead_time_days or 0
        if not item.suppliers or item.sourcing not in {"buy", "subcontract"}:
            return None, lead
        if self.choice == "quota":
            chosen = self._choose(item, due)
            key = item.code, chosen.name
            self._ordered[key] = self._ordered.get(key, 0) + quantity
        else:
            chosen = self._known(item, due)
        return chosen.name, chosen.lead_time_days if item.sourcing == "buy" else lead

    def _known(self, item: PlanItem, due: int) -> PlanSupplier:
        """Another one is chosen only from a day on that one more of them can keep."""
        dues = self._first_dues.get(item.code)
        if dues is None:
            dues = self._first_dues[item.code] = sorted(self._first_due(item, one) for one in item.suppliers)
        key = item.code, bisect_right(dues, due)
        found = self._chosen.get(key)
        if found is None:
            found = self._chosen[key] = self._choose(item, due)
        return found

    def _choose(self, item: PlanItem, due: int) -> PlanSupplier:
        bought = item.sourcing == "buy"
        in_time = [one for one in item.suppliers if not bought or self._first_due(item, one) <= due]
        if in_time:
            return min(in_time, key=lambda one: (self._preference(item, one), one.lead_time_days, one.name))
        return min(item.suppliers, key=lambda one: (one.lead_time_days, self._preference(item, one), one.name))

    def _first_due(self, item: PlanItem, supplier: PlanSupplier) -> int:
        """The first day he can deliver."""
        return self.work_days.get(item.code, EVERY_DAY).first_due(self.today, supplier.lead_time_days)

    def _preference(self, item: PlanItem, supplier: PlanSupplier) -> tuple[Fraction | int, int]:
        """Lower is preferred. A quota rating is what he has had of it; without a quota he comes last."""
        if self.choice == "price":
            return supplier.price, supplier.priority
        if self.choice == "quota":
            had = supplier.allocated + self._ordered.get((item.code, supplier.name), 0)
            return Fraction(had, supplier.quota) if supplier.quota else NO_QUOTA, supplier.priority
        return supplier.priority, 0
