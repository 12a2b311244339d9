"""What a work order takes from the shelves: its kit, else the plant's bill of material with phantoms blown through."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from sandbox.factory.model import BomLine, Plant
from sandbox.factory.views import material_views
from sandbox.mes.documents import Body, quantity

REWORK = "rework"


class Kits:
    """Components by true material; built once for a seeding or a shift."""

    def __init__(self, plant: Plant) -> None:
        """Read the plant's structure and the MES's codes for it, duplicates included."""
        self._today = plant.today
        self._drawings = {material.serial: material.drawing_number for material in plant.materials}
        self._phantoms = {material.serial for material in plant.materials if material.sourcing == "phantom"}
        self._views = {view.code: view for view in material_views(plant, "mes")}
        self._lines: dict[int, list[BomLine]] = defaultdict(list)
        for line in plant.bom:
            self._lines[line.parent].append(line)

    def components(self, serial: int, made: Decimal, start: date | None = None) -> dict[int, Decimal]:
        """Serial → true quantity for `made` of a material, one level down, phantoms replaced by their own.

        Dated lines count as on the day the work starts, by default the plant's today.
        """
        needs: dict[int, Decimal] = defaultdict(Decimal)
        self._explode(serial, made, needs, start or self._today)
        return needs

    def needs(self, order: Body) -> dict[str, Decimal]:
        """Drawing number → true quantity the whole work order takes. ValueError for a code the plant does not know.

        Rework takes nothing: the rejected pieces lie at its station.
        """
        if order.get("kind") == REWORK:
            return {}
        found: dict[int, Decimal] = defaultdict(Decimal)
        for line in order.get("kit") or ():
            serial, needed = self._true(line)
            found[serial] += needed
        needs = found or self.components(*self._true(order))
        return {self._drawings[serial]: needed for serial, needed in needs.items()}

    def _true(self, counted: Body) -> tuple[int, Decimal]:
        view = self._views.get(counted["material_code"])
        if view is None:
            raise ValueError(f"the plant has no material {counted['material_code']}")
        return view.serial, view.to_true(quantity(counted["quantity"]))

    def _explode(self, parent: int, made: Decimal, needs: dict[int, Decimal], start: date) -> None:
        for line in self._lines.get(parent, ()):
            if not line.counts_on(start):
                continue
            if line.component in self._phantoms:
                self._explode(line.component, made * line.taken, needs, start)
            else:
                needs[line.component] += made * line.taken
