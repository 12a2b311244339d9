"""The operations a work order goes through, and how long they should take, from the plant's routings."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

from sandbox.factory.model import Operation, Plant
from sandbox.factory.views import material_views
from sandbox.mes.documents import Body

ONLY = 10
"""The operation reported where the plant has no routing."""
USUAL_HOURS = Decimal("1.5")
_MINUTES = Decimal(60)


class Routings:
    """Operations by the MES's material codes."""

    def __init__(self, plant: Plant) -> None:
        """Read the plant's routings and the MES's codes for it, duplicates included."""
        self._views = {view.code: view for view in material_views(plant, "mes")}
        self._steps: dict[int, list[Operation]] = defaultdict(list)
        for operation in sorted(plant.operations, key=lambda one: one.sequence):
            self._steps[operation.material].append(operation)

    def sequences(self, order: Body) -> list[int]:
        """The operations of a work order in turn; at least one."""
        return [step.sequence for step in self._of(order)] or [ONLY]

    def hours(self, order: Body, sequence: int, made: Decimal, *, first: bool) -> Decimal:
        """What an operation should take for `made` (in the order's unit); only the `first` report has the setup."""
        step = next((step for step in self._of(order) if step.sequence == sequence), None)
        if step is None:
            return USUAL_HOURS
        pieces = self._views[order["material_code"]].to_true(made)
        minutes = (step.setup_minutes if first else 0) + step.run_minutes * pieces
        return (minutes / _MINUTES).quantize(Decimal("0.001"), ROUND_HALF_EVEN)

    def _of(self, order: Body) -> list[Operation]:
        view = self._views.get(order["material_code"])
        return self._steps.get(view.serial, []) if view else []
