"""Configured products: options and what may be chosen together; a choice that stands gives one BOM and one routing.

A model is a 150 % structure: every line and operation that some choice needs, each with the condition under which it
counts. Conditions and formulas come in compiled (`pipeline.option_models`), as functions of the values, so that this
room stays free of any language. Values are exact: decimals, text, yes or no; None where an option is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

Value = Decimal | str | bool | None
Values = Mapping[str, Value]
Test = Callable[[Values], bool]
Formula = Callable[[Values], Value]
ViolationKind = Literal[
    "unknown_option", "not_allowed", "missing", "not_offered", "constraint", "not_computable", "bad_structure"
]


@dataclass(frozen=True, slots=True)
class Option:
    """Something the customer chooses: one value of `domain`; `when` says whether it is offered at all (None: always).

    `reads` are the names `when` reads. An option without a default must be chosen where it is offered, unless it is
    `optional`: then it stays None.
    """

    name: str
    domain: tuple[Value, ...]
    default: Value = None
    optional: bool = False
    when: Test | None = None
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that follows from others: the first case whose condition holds (None: always)."""

    name: str
    cases: tuple[tuple[Test | None, Formula], ...]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What has to hold for every configuration; `text` is how it is written, `why` says it in each language."""

    name: str
    holds: Test
    reads: frozenset[str]
    text: str
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptionLine:
    """One line of a 150 % BOM. Of the lines that share a `slot`, exactly one has to count."""

    item: str
    quantity: Formula
    reads: frozenset[str] = frozenset()
    when: Test | None = None
    scrap_rate: Decimal = Decimal(0)
    operation: int | None = None
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class OptionOperation:
    """One step of a 150 % routing; setup in minutes an order, run in minutes a piece."""

    sequence: int
    work_centre: str
    setup_minutes: Formula
    run_minutes: Formula
    reads: frozenset[str] = frozenset()
    when: Test | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One configurable item: the product itself, or an assembly that its choices reach."""

    item: str
    lines: tuple[OptionLine, ...]
    operations: tuple[OptionOperation, ...] = ()
    lead_time_days: Formula | None = None
    reads: frozenset[str] = frozenset()
    """Names the lead time reads."""

    @property
    def own_reads(self) -> frozenset[str]:
        """Names its own lines and operations read."""
        lines = (line.reads for line in self.lines)
        return self.reads.union(*lines, *(step.reads for step in self.operations))


@dataclass(frozen=True)
class OptionModel:
    """Everything that can be chosen for one product (`item`), and the structure it gives.

    `steps` are options and computed values in an order in which each comes after what it reads. `templates` are the
    configurable items by code; none may contain itself.
    """

    name: str
    item: str
    steps: tuple[Option | Computed, ...]
    constraints: tuple[Constraint, ...]
    templates: Mapping[str, Template]
    digest: str = ""
    """Of the file it was read from."""

    @cached_property
    def options(self) -> dict[str, Option]:
        """Options by name, in the order of the steps."""
        return {step.name: step for step in self.steps if isinstance(step, Option)}

    @cached_property
    def relevant(self) -> dict[str, tuple[str, ...]]:
        """Template → the names that it and all configurable items below it read: equal values, equal items."""
        found: dict[str, frozenset[str]] = {}
        for code in self._bottom_up():
            template = self.templates[code]
            below = (found[line.item] for line in template.lines if line.item in self.templates)
            found[code] = template.own_reads.union(*below)
        return {code: tuple(sorted(names)) for code, names in found.items()}

    def _bottom_up(self) -> list[str]:
        done: dict[str, None] = {}

        def visit(code: str) -> None:
            for line in self.templates[code].lines:
                if line.item in self.templates and line.item not in done:
                    visit(line.item)
            done.setdefault(code)

        for code in self.templates:
            visit(code)
        return list(done)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing a configuration breaks: the option or constraint `name`, as `text` has it.

    For a constraint, `conflict` are the fewest choices that cannot stand together, whatever is chosen for the rest,
    and `remedies` single changes after which the whole configuration stands.
    """

    kind: ViolationKind
    name: str
    text: str
    why: Mapping[str, str] = field(default_factory=dict)
    conflict: tuple[tuple[str, Value], ...] = ()
    remedies: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A choice that stands: the value of every option and computed value; `chosen` were given, the rest is default."""

    model: str
    values: Values
    chosen: frozenset[str]


class NotConfigurable(ValueError):
    """The choices do not stand; `violations` say what they break."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{row.kind} {row.name}: {row.text}" for row in violations))


def configure(model: OptionModel, given: Values) -> Configuration:
    """The configuration that these choices make. Raises NotConfigurable with everything that is wrong with them."""
    if faults := _unfit(model, given):
        raise NotConfigurable(tuple(faults))
    values, missing = evaluated(model, given)
    if missing:
        raise NotConfigurable(tuple(missing))
    if broken := [one for one in model.constraints if not one.holds(values)]:
        from planning.configuration_conflicts import explained  # noqa: PLC0415 - needed only where something is wrong

        raise NotConfigurable(explained(model, given, values, broken))
    return Configuration(model.name, values, frozenset(given))


def _unfit(model: OptionModel, given: Values) -> list[Violation]:
    """Choices that no option has."""
    found = []
    for name, value in given.items():
        option = model.options.get(name)
        if option is None:
            found.append(Violation("unknown_option", name, f"{model.name} has no option {name!r}"))
        elif value not in option.domain or type(value) is not type(option.domain[0]):
            found.append(Violation("not_allowed", name, f"{written(value)} is none of {listed(option.domain)}"))
    return found


def evaluated(model: OptionModel, given: Values) -> tuple[dict[str, Value], list[Violation]]:
    """The value of every step, and what is missing, not offered or cannot be computed."""
    values: dict[str, Value] = {}
    faults = []
    for step in model.steps:
        if isinstance(step, Computed):
            values[step.name] = computed(step, values)
            if values[step.name] is None and all(values.get(name) is not None for name in step.reads):
                faults.append(Violation("not_computable", step.name, "no case of it gives a value"))
        elif step.when is not None and not step.when(values):
            values[step.name] = None
            if step.name in given:
                faults.append(Violation("not_offered", step.name, "it is not offered with the other choices"))
        else:
            value = values[step.name] = given.get(step.name, step.default)
            if value is None and not step.optional:
                faults.append(Violation("missing", step.name, f"one of {listed(step.domain)} has to be chosen"))
    return values, faults


def computed(step: Computed, values: Values) -> Value:
    """What a computed value comes to; None where no case holds or it reads None."""
    return next((formula(values) for test, formula in step.cases if test is None or test(values)), None)


SHOWN = 8


def listed(domain: tuple[Value, ...]) -> str:
    """A domain as text, shortened."""
    shown = ", ".join(written(value) for value in domain[:SHOWN])
    return f"{shown}, … {written(domain[-1])}" if len(domain) > SHOWN else shown


def written(value: Value) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool) or value is None:
        return {None: "-", True: "yes", False: "no"}[value]
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value
