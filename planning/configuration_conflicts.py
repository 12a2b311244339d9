"""Why a configuration does not stand: the fewest choices that cannot go together, and what would mend it.

A set of choices is in conflict where no values of all other options satisfy every constraint. A minimal one is found by
deletion: each choice in turn is left out for good where the rest is still in conflict (the deletion filter for minimal
unsatisfiable subsets, Chinneck and Dravnieks 1991). Whether a rest stands is decided by backtracking over the options
constraints read, each constraint asked as soon as all it reads is known.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from planning.configuration import Computed, Option, Violation, computed, evaluated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planning.configuration import Constraint, OptionModel, Value, Values

MAX_STEPS = 20_000
"""How many values one search tries; what it cannot decide counts as no conflict, so that none is claimed wrongly."""
MAX_REMEDIES = 6


def explained(model: OptionModel, given: Values, values: Values, broken: Iterable[Constraint]) -> tuple[Violation, ...]:
    """The constraints that do not hold, each with its minimal conflict and with single changes that mend everything."""
    remedies = tuple(_remedies(model, given, values))
    return tuple(
        Violation("constraint", one.name, one.text, one.why, _conflict(model, given, values, one), remedies)
        for one in broken
    )


def _conflict(model: OptionModel, given: Values, values: Values, broken: Constraint) -> tuple[tuple[str, Value], ...]:
    """The fewest of the values that cannot stand together under this constraint and all others."""
    near = _reach(model, broken.reads)
    order = [name for name in model.options if values[name] is not None]
    # What is far from the constraint is left out first, then what was a default, so that choices of the customer stay.
    order.sort(key=lambda name: (name in near, name in given))
    kept = {name: values[name] for name in order}
    search = _Search(model)
    for name in order:
        rest = {other: value for other, value in kept.items() if other != name}
        if not search.stands(rest):
            kept = rest
    return tuple((name, kept[name]) for name in model.options if name in kept)


def _reach(model: OptionModel, names: Iterable[str]) -> set[str]:
    """The options behind these names, through computed values and conditions."""
    steps = {step.name: step for step in model.steps}
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name in steps:
            found.add(name)
            waiting += steps[name].reads
    return found


def _remedies(model: OptionModel, given: Values, values: Values) -> Iterable[tuple[str, Value]]:
    near = _reach(model, (name for one in model.constraints if not one.holds(values) for name in one.reads))
    found = 0
    for name, option in model.options.items():
        if name not in near or values[name] is None:
            continue
        for value in _nearest_first(option.domain, values[name]):
            if value != values[name] and _stands_with(model, {**given, name: value}):
                yield name, value
                found += 1
                break  # one value of an option says that it can be mended there
        if found == MAX_REMEDIES:
            return


def _nearest_first(domain: tuple[Value, ...], chosen: Value) -> tuple[Value, ...]:
    """Numbers by how far they are from the one chosen; anything else as it is listed."""
    if not isinstance(chosen, Decimal):
        return domain
    numbers = [value for value in domain if isinstance(value, Decimal)]
    return tuple(sorted(numbers, key=lambda value: (abs(value - chosen), value)))


def _stands_with(model: OptionModel, given: Values) -> bool:
    values, missing = evaluated(model, given)
    return not missing and all(one.holds(values) for one in model.constraints)


class _Search:
    """Backtracking over the options that constraints reach, in the order of the model's steps."""

    def __init__(self, model: OptionModel) -> None:
        reached = _reach(model, (name for one in model.constraints for name in one.reads))
        self.steps = [step for step in model.steps if step.name in reached]
        self.due = self._by_last_read(model)
        self.left = 0

    def _by_last_read(self, model: OptionModel) -> list[list[Constraint]]:
        """Constraints by the step after which all they read is known."""
        place = {step.name: number for number, step in enumerate(self.steps)}
        due: list[list[Constraint]] = [[] for _ in self.steps]
        for one in model.constraints:
            if one.reads:
                due[max(place[name] for name in one.reads)].append(one)
        return due

    def stands(self, fixed: Values) -> bool:
        """Whether some values of all other options go with these; True as well where the search gives up."""
        self.left = MAX_STEPS
        return self._from(0, {}, fixed)

    def _from(self, number: int, values: dict[str, Value], fixed: Mapping[str, Value]) -> bool:
        if number == len(self.steps):
            return True
        step = self.steps[number]
        for value in self._values(step, values, fixed):
            self.left -= 1
            if self.left < 0:
                return True
            values[step.name] = value
            if all(one.holds(values) for one in self.due[number]) and self._from(number + 1, values, fixed):
                return True
        values.pop(step.name, None)
        return False

    def _values(
        self, step: Option | Computed, values: Mapping[str, Value], fixed: Mapping[str, Value]
    ) -> tuple[Value, ...]:
        if isinstance(step, Computed):
            return (computed(step, values),)
        if step.when is not None and not step.when(values):
            return () if step.name in fixed else (None,)
        if step.name in fixed:
            return (fixed[step.name],)
        return (*step.domain, None) if step.optional else step.domain
