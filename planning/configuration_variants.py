"""From a configuration to its items: each configurable assembly resolved once for each set of choices that matters.

Items are hash-consed: an item's code is that of its template with a digest of what it is made of and how, so the same
content is one item however it was chosen, and siblings share every assembly their choices leave alike.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from canonical.keys import configured_code
from planning.configuration import NotConfigurable, Violation, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from planning.configuration import Formula, OptionLine, OptionModel, OptionOperation, Template, Value, Values

    Read = Callable[[Values], object]

DIGITS = 16
_text = lru_cache(maxsize=4096, typed=True)(written)


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
        return ", ".join([f"{name} {_text(value)}" for name, value in self.choices if value is not None])


class Variants:
    """The configured items of one model, built as they are asked for and shared from then on."""

    def __init__(self, model: OptionModel) -> None:
        self.model = model
        self.items: dict[str, Variant] = {}
        """By code."""
        self._codes: dict[tuple[str, object], str] = {}
        self._reads = {item: _reader(names) for item, names in model.relevant.items()}
        self._plans = {item: _Template(one, model) for item, one in model.templates.items()}

    def build(self, values: Values) -> str:
        """The code of the product so configured; it and all its assemblies are in `items`.

        Raises NotConfigurable where the structure the choices leave is none: no line counts, two lines of one slot do,
        an operation stands twice, a quantity is below zero.
        """
        return self._variant(self.model.item, values)

    def below(self, *codes: str) -> Iterator[Variant]:
        """Configured items and all configured items in them, each once, an item before what is in it."""
        seen: set[str] = set()
        for code in codes:
            waiting = [code] if code not in seen else []
            seen.add(code)
            while waiting:
                variant = self.items[waiting.pop()]
                yield variant
                for line in variant.lines:
                    if line.item not in seen and line.item in self.items:
                        seen.add(line.item)
                        waiting.append(line.item)

    def _variant(self, item: str, values: Values) -> str:
        key = item, self._reads[item](values)
        code = self._codes.get(key)
        if code is None:
            made = self._made(self._plans[item], values)
            standing = self.items.setdefault(made.code, made)
            if (standing.lines, standing.operations) != (made.lines, made.operations):
                raise AssertionError(f"two structures have the digest {made.code}")
            code = self._codes[key] = made.code
        return code

    def _made(self, plan: _Template, values: Values) -> Variant:
        template = plan.template
        found = (self._line(plan, number, values) for number in range(len(template.lines)))
        lines = tuple(sorted((line for line in found if line is not None), key=_place))
        operations = tuple(step for step in plan.operations(values) if step is not None)
        _check(plan, values, lines, operations)
        lead = None if template.lead_time_days is None else int(_number(template, template.lead_time_days, values))
        digest = _digest(template.item, lines, operations, lead)
        choices = tuple([(name, values[name]) for name in self.model.relevant[template.item]])
        return Variant(configured_code(template.item, digest), template.item, lines, operations, lead, choices)

    def _line(self, plan: _Template, number: int, values: Values) -> VariantLine | None:
        """What a line comes to, once for each set of values that it and what is below it read."""
        key = number, plan.line_reads[number](values)
        if key not in plan.lines:
            line = plan.template.lines[number]
            plan.lines[key] = self._counted(plan.template, line, values)
        return plan.lines[key]

    def _counted(self, template: Template, line: OptionLine, values: Values) -> VariantLine | None:
        if line.when is not None and not line.when(values):
            return None
        quantity = _number(template, line.quantity, values, line.item)
        if not quantity:
            return None
        item = self._variant(line.item, values) if line.item in self.model.templates else line.item
        return VariantLine(item, quantity, line.scrap_rate, line.operation)


class _Template:
    """One template with what each of its lines and steps came to, by the values that it reads."""

    def __init__(self, template: Template, model: OptionModel) -> None:
        self.template = template
        self.slots = _slots(template)
        self.lines: dict[tuple[int, object], VariantLine | None] = {}
        self.line_reads = [_reader(line.reads.union(model.relevant.get(line.item, ()))) for line in template.lines]
        self._steps: dict[tuple[int, object], VariantOperation | None] = {}
        self._step_reads = [_reader(step.reads) for step in template.operations]

    def operations(self, values: Values) -> Iterator[VariantOperation | None]:
        """Each step as these values have it; None where it does not count."""
        for number, step in enumerate(self.template.operations):
            key = number, self._step_reads[number](values)
            if key not in self._steps:
                self._steps[key] = _operation(self.template, step, values)
            yield self._steps[key]


def _reader(names: Iterable[str]) -> Read:
    """Takes the values of some names out of all, as something to look them up by."""
    ordered = sorted(names)
    return itemgetter(*ordered) if ordered else lambda _: None


def _place(line: VariantLine) -> tuple[int, str]:
    return line.operation or 0, line.item


def _operation(template: Template, step: OptionOperation, values: Values) -> VariantOperation | None:
    if step.when is not None and not step.when(values):
        return None
    setup, run = (_number(template, one, values) for one in (step.setup_minutes, step.run_minutes))
    return VariantOperation(step.sequence, step.work_centre, setup, run, step.name)


def _number(template: Template, formula: Formula, values: Values, of: str = "a time") -> Decimal:
    found = formula(values)
    if not isinstance(found, Decimal) or found < 0:
        raise _bad(template, f"{of}: {written(found)} is no quantity")
    return found.normalize() + 0  # 1600.000 and 1.6E+3 are both 1600


def _check(
    plan: _Template, values: Values, lines: tuple[VariantLine, ...], operations: tuple[VariantOperation, ...]
) -> None:
    """One BOM and one routing, or none."""
    template = plan.template
    if not lines:
        raise _bad(template, "no line of its BOM counts")
    for slot, members in plan.slots.items():
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
        sorted([(one.item, _text(one.quantity), _text(one.scrap_rate), one.operation or 0) for one in lines]),
        [(one.sequence, one.work_centre, _text(one.setup_minutes), _text(one.run_minutes)) for one in operations],
        lead,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGITS]
