"""From a configuration to its items: each configurable assembly resolved once for each set of choices that matters.

Items are hash-consed: an item's code is that of its template with a digest of what it is made of and how, so the same
content is one item however it was chosen, and siblings share every assembly their choices leave alike.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from canonical.keys import configured_code
from planning.configuration import NotConfigurable, Violation, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.configuration import Formula, OptionLine, OptionModel, Template, Value, Values

DIGITS = 16


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One component: `quantity` stocking units of it for one of the variant."""

    item: str
    quantity: Decimal
    scrap_rate: Decimal = Decimal(0)
    operation: int | None = None


@dataclass(frozen=True, slots=True)
class VariantOperation:
    """One step; setup in minutes an order, run in minutes a piece."""

    sequence: int
    work_centre: str
    setup_minutes: Decimal
    run_minutes: Decimal
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One configured item: its one BOM and its one routing. `choices` are the values it depends on, by name."""

    code: str
    template: str
    lines: tuple[VariantLine, ...]
    operations: tuple[VariantOperation, ...]
    lead_time_days: int | None
    choices: tuple[tuple[str, Value], ...]

    @property
    def description(self) -> str:
        """Its choices in one line."""
        return ", ".join(f"{name} {written(value)}" for name, value in self.choices if value is not None)


class Variants:
    """The configured items of one model, built as they are asked for and shared from then on."""

    def __init__(self, model: OptionModel) -> None:
        self.model = model
        self.items: dict[str, Variant] = {}
        """By code."""
        self._codes: dict[tuple[str, tuple[Value, ...]], str] = {}

    def build(self, values: Values) -> str:
        """The code of the product so configured; it and all its assemblies are in `items`.

        Raises NotConfigurable where the structure the choices leave is none: no line counts, two lines of one slot do,
        an operation stands twice, a quantity is below zero.
        """
        return self._variant(self.model.item, values)

    def below(self, code: str) -> Iterator[Variant]:
        """A configured item and all configured items in it, each once, the item first."""
        waiting, seen = [code], {code}
        while waiting:
            variant = self.items[waiting.pop()]
            yield variant
            for line in variant.lines:
                if line.item in self.items and line.item not in seen:
                    seen.add(line.item)
                    waiting.append(line.item)

    def _variant(self, item: str, values: Values) -> str:
        names = self.model.relevant[item]
        key = item, tuple([values[name] for name in names])
        code = self._codes.get(key)
        if code is None:
            made = self._made(self.model.templates[item], names, values)
            standing = self.items.setdefault(made.code, made)
            if (standing.lines, standing.operations) != (made.lines, made.operations):
                raise AssertionError(f"two structures have the digest {made.code}")
            code = self._codes[key] = made.code
        return code

    def _made(self, template: Template, names: tuple[str, ...], values: Values) -> Variant:
        lines = tuple(sorted(self._lines(template, values), key=lambda line: (line.operation or 0, line.item)))
        operations = tuple(_operations(template, values))
        _check(template, values, lines, operations)
        lead = None if template.lead_time_days is None else int(_number(template, template.lead_time_days, values))
        digest = _digest(template.item, lines, operations, lead)
        choices = tuple((name, values[name]) for name in names)
        return Variant(configured_code(template.item, digest), template.item, lines, operations, lead, choices)

    def _lines(self, template: Template, values: Values) -> Iterator[VariantLine]:
        for line in template.lines:
            if line.when is None or line.when(values):
                quantity = _number(template, line.quantity, values, line.item)
                if quantity:
                    item = self._variant(line.item, values) if line.item in self.model.templates else line.item
                    yield VariantLine(item, quantity, line.scrap_rate, line.operation)


def _operations(template: Template, values: Values) -> Iterator[VariantOperation]:
    for step in template.operations:
        if step.when is None or step.when(values):
            setup, run = (_number(template, one, values) for one in (step.setup_minutes, step.run_minutes))
            yield VariantOperation(step.sequence, step.work_centre, setup, run, step.name)


def _number(template: Template, formula: Formula, values: Values, of: str = "a time") -> Decimal:
    found = formula(values)
    if not isinstance(found, Decimal) or found < 0:
        raise _bad(template, f"{of}: {written(found)} is no quantity")
    return found.normalize() + 0  # 1600.000 and 1.6E+3 are both 1600


def _check(
    template: Template, values: Values, lines: tuple[VariantLine, ...], operations: tuple[VariantOperation, ...]
) -> None:
    """One BOM and one routing, or none."""
    if not lines:
        raise _bad(template, "no line of its BOM counts")
    for slot, members in _slots(template).items():
        counting = [line.item for line in members if line.when is None or line.when(values)]
        if len(counting) != 1:
            raise _bad(template, f"slot {slot}: {', '.join(counting) or 'no line'} instead of exactly one line")
    sequences = [step.sequence for step in operations]
    if len(set(sequences)) < len(sequences):
        raise _bad(template, "an operation stands twice in its routing")
    if missing := {line.operation for line in lines} - {None, *sequences}:
        raise _bad(template, f"lines are drawn by operation {missing.pop()}, which is not in the routing")


def _slots(template: Template) -> dict[str, list[OptionLine]]:
    slots: dict[str, list[OptionLine]] = {}
    for line in template.lines:
        if line.slot is not None:
            slots.setdefault(line.slot, []).append(line)
    return slots


def _bad(template: Template, text: str) -> NotConfigurable:
    return NotConfigurable((Violation("bad_structure", template.item, text),))


def _digest(
    item: str, lines: tuple[VariantLine, ...], operations: tuple[VariantOperation, ...], lead: int | None
) -> str:
    content = [
        item,
        sorted((one.item, written(one.quantity), written(one.scrap_rate), one.operation or 0) for one in lines),
        [(one.sequence, one.work_centre, written(one.setup_minutes), written(one.run_minutes)) for one in operations],
        lead,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGITS]
