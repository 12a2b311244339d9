"""Option models read from their files and compiled: conditions and formulas in the language of the rules.

Every name and kind is checked when the file is read, so that a model that loads can be asked anything; all faults of a
file are raised together, each with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

import planning
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, Path_, load_document, suggest
from pipeline.basis import digest
from pipeline.option_specs import CaseSpec, ModelSpec, OperationSpec, OptionSpec, TemplateSpec
from planning.configuration import (
    Computed,
    Constraint,
    Option,
    OptionLine,
    OptionModel,
    OptionOperation,
    Template,
    Test,
    Value,
    Values,
    listed,
)
from planning.configuration import Formula as Calculation
from rules.conditions import Condition, ConditionError, Formula
from rules.scope import SELF, FieldScope, Kind

OPTION_MODELS = Path(planning.__file__).parent / "option_models"
KINDS = {"text": Kind.TEXT, "number": Kind.NUMBER, "yes_no": Kind.TRUTH}


def load_option_models(names: Iterable[str], beside: Path = OPTION_MODELS) -> dict[str, OptionModel]:
    """The named models, by the item they configure; all faults of all files are raised together.

    A name that ends in `.yaml` is a file in the folder `beside`, any other one of `planning/option_models`.
    """
    models: dict[str, OptionModel] = {}
    errors: list[ConfigurationError] = []
    for name in names:
        try:
            model = load_option_model(*model_file(name, beside))
        except ConfigurationError as error:
            errors.append(error)
            continue
        if model.item in models:
            errors.append(ConfigurationError(f"{name} and {models[model.item].name} both configure {model.item}"))
        models[model.item] = model
    if errors:
        raise ConfigurationError.joined(errors)
    return models


def model_file(name: str, beside: Path) -> tuple[Path, str]:
    """Where a named model stands, and how faults name the file."""
    if name.endswith((".yaml", ".yml")):
        return beside / name, name
    return OPTION_MODELS / f"{name}.yaml", f"planning/option_models/{name}.yaml"


def load_option_model(path: Path, shown_as: str | None = None) -> OptionModel:
    """One model from its file; raises `ConfigurationError` with every fault and its place."""
    spec, document = load_document(path, ModelSpec, shown_as=shown_as)
    return _Compiler(spec, document).model(path.stem)


class _Compiler:
    """Compiles one file and keeps every fault it meets."""

    def __init__(self, spec: ModelSpec, document: Document) -> None:
        self.spec, self.document = spec, document
        self.faults: list[Fault] = []
        kinds = {name: KINDS[one.type] for name, one in spec.options.items()}
        texts = {name: one.values for name, one in spec.options.items() if one.type == "text"}
        self.scope = FieldScope(kinds, texts)

    def model(self, name: str) -> OptionModel:
        options = [self._option(name_, one) for name_, one in self.spec.options.items()]
        computed = self._computed()
        constraints = tuple(self._constraints())
        templates = {code: self._template(code, one) for code, one in self.spec.structure.items()}
        steps = self._in_order([*options, *computed])
        if self.spec.item not in templates:
            known = suggest(self.spec.item, templates)
            self._fault(("item",), f"`structure` has no {self.spec.item!r}, the item of the model", known)
        self._no_cycles()
        if self.faults:
            raise ConfigurationError(faults=tuple(self.faults))
        said = digest(self.spec.model_dump_json())
        return OptionModel(name, self.spec.item, steps, constraints, templates, said)

    def _fault(self, path: Path_, message: str, hint: str | None = None) -> None:
        self.faults.append(self.document.fault(path, message, hint))

    # -- options and computed values ---------------------------------------------------------------------------------

    def _option(self, name: str, spec: OptionSpec) -> Option:
        path = ("options", name)
        domain = tuple(self._domain(spec, path))
        when, reads = self._test(spec.when, (*path, "when"))
        default = None if spec.default is None else self._value(spec, spec.default, (*path, "default"))
        if default is not None and default not in domain:
            self._fault((*path, "default"), f"{spec.default} is none of {listed(domain)}")
        return Option(name, domain, default, spec.optional, when, reads)

    def _domain(self, spec: OptionSpec, path: Path_) -> Iterator[Value]:
        if spec.type == "yes_no":
            yield from (False, True)
        elif spec.first is not None and spec.last is not None and spec.step is not None:
            value = spec.first
            while value <= spec.last:
                yield value
                value += spec.step
        else:
            yield from (self._value(spec, text, (*path, "values", n)) for n, text in enumerate(spec.values))

    def _value(self, spec: OptionSpec, given: str | bool, path: Path_) -> Value:  # noqa: FBT001 - a value of YAML
        found = option_value(spec.type, given)
        if found is None:
            self._fault(path, f"{given!r} is no {KINDS[spec.type]}")
        return found

    def _computed(self) -> list[Computed]:
        """Each may read options and the computed values written before it."""
        found = []
        for name, cases in self.spec.computed.items():
            path = ("computed", name)
            if name in self.scope.fields:
                self._fault(path, f"{name!r} is an option already")
                continue
            step, kind = self._cases(name, cases, path)
            found.append(step)
            self.scope = FieldScope({**self.scope.fields, name: kind}, self.scope.listed)
        return found

    def _cases(self, name: str, specs: tuple[CaseSpec, ...], path: Path_) -> tuple[Computed, Kind]:
        cases: list[tuple[Test | None, Calculation]] = []
        reads: frozenset[str] = frozenset()
        kinds: list[Kind] = []
        for n, spec in enumerate(specs):
            test, tested = self._test(spec.when, (*path, n, "when"))
            formula, read, kind = self._formula(spec.value, (*path, n, "value") if len(specs) > 1 else path)
            cases.append((test, formula))
            reads |= tested | read
            kinds.append(kind)
        if len(set(kinds)) > 1:
            self._fault(path, f"its cases are of several kinds: {', '.join(dict.fromkeys(kinds))}")
        return Computed(name, tuple(cases), reads), kinds[0] if kinds else Kind.NUMBER

    def _in_order(self, steps: list[Option | Computed]) -> tuple[Option | Computed, ...]:
        """Each after what it reads; a fault where they wait for one another."""
        placed: dict[str, Option | Computed] = {}
        left = steps
        while left:
            ready = [step for step in left if step.reads <= placed.keys()]
            if not ready:
                names = ", ".join(step.name for step in left)
                self._fault(("options", left[0].name, "when"), f"these wait for one another: {names}")
                return ()
            placed |= {step.name: step for step in ready}
            left = [step for step in left if step.name not in placed]
        return tuple(placed.values())

    # -- conditions --------------------------------------------------------------------------------------------------

    def _test(self, text: str | None, path: Path_) -> tuple[Test | None, frozenset[str]]:
        if text is None:
            return None, frozenset()
        try:
            condition = Condition(text, self.scope)
        except ConditionError as error:
            self._fault(path, str(error), error.hint)
            return None, frozenset()
        return _over_values(condition.holds), frozenset(symbol.name for symbol in condition.symbols)

    def _formula(self, text: str, path: Path_, kind: Kind | None = None) -> tuple[Calculation, frozenset[str], Kind]:
        try:
            formula = Formula(text, self.scope)
        except ConditionError as error:
            self._fault(path, str(error), error.hint)
            return _nothing, frozenset(), kind or Kind.NUMBER
        if kind is not None and formula.kind is not kind:
            self._fault(path, f"{text} is a {formula.kind}, not a {kind}")
        reads = frozenset(symbol.name for symbol in formula.symbols)
        return _over_values(formula.value), reads, formula.kind

    def _constraints(self) -> Iterator[Constraint]:
        seen: set[str] = set()
        for n, spec in enumerate(self.spec.constraints):
            path = ("constraints", n)
            if spec.name in seen:
                self._fault((*path, "name"), f"constraint {spec.name!r} stands twice")
            seen.add(spec.name)
            before = len(self.faults)
            for text, place in spec.parts:
                self._test(text, (*path, *place))
            holds, reads = self._test(spec.text, path) if len(self.faults) == before else (None, frozenset[str]())
            for language in ("en", "zh"):
                if language not in spec.why:
                    self._fault((*path, "why"), f"why is missing in {language!r}", "say it in both languages")
            if holds is not None:
                yield Constraint(spec.name, holds, reads, spec.text, cast("Mapping[str, str]", spec.why))

    # -- structure ---------------------------------------------------------------------------------------------------

    def _template(self, code: str, spec: TemplateSpec) -> Template:
        path = ("structure", code)
        lines = tuple(self._line(code, n) for n in range(len(spec.bom)))
        operations = tuple(self._operation(one, (*path, "routing", n)) for n, one in enumerate(spec.routing))
        lead, reads = None, frozenset[str]()
        if spec.lead_time_days is not None:
            lead, reads, _ = self._formula(spec.lead_time_days, (*path, "lead_time_days"), Kind.NUMBER)
        return Template(code, lines, operations, lead, reads)

    def _line(self, code: str, number: int) -> OptionLine:
        template, path = self.spec.structure[code], ("structure", code, "bom", number)
        spec = template.bom[number]
        if spec.operation is not None and spec.operation not in {one.sequence for one in template.routing}:
            self._fault((*path, "operation"), f"the routing has no operation {spec.operation}")
        quantity, read, _ = self._formula(spec.quantity, (*path, "quantity"), Kind.NUMBER)
        when, tested = self._test(spec.when, (*path, "when"))
        return OptionLine(spec.item, quantity, read | tested, when, spec.scrap_rate, spec.operation, spec.slot)

    def _operation(self, spec: OperationSpec, path: Path_) -> OptionOperation:
        setup, first, _ = self._formula(spec.setup_minutes, (*path, "setup_minutes"), Kind.NUMBER)
        run, second, _ = self._formula(spec.run_minutes, (*path, "run_minutes"), Kind.NUMBER)
        when, tested = self._test(spec.when, (*path, "when"))
        return OptionOperation(spec.sequence, spec.work_centre, setup, run, first | second | tested, when, spec.name)

    def _no_cycles(self) -> None:
        """No configurable item may contain itself."""
        structure = self.spec.structure
        below = {code: {line.item for line in one.bom} & structure.keys() for code, one in structure.items()}
        while below:
            leaves = [code for code, parts in below.items() if not parts]
            if not leaves:
                code = next(iter(below))
                self._fault(("structure", code), f"these contain one another: {', '.join(below)}")
                return
            below = {code: parts - {*leaves} for code, parts in below.items() if parts}


def _over_values(evaluate: Any) -> Any:  # noqa: ANN401 - a test or a calculation, over a rule's view
    """A compiled condition or formula as a function of plain values."""

    def over(values: Values) -> Any:  # noqa: ANN401
        return evaluate({SELF: values})

    return over


def _nothing(_: Values) -> Value:
    return None


def option_value(kind: str, given: object) -> Value:
    """A value as an option of this kind holds it; None where it is none of that kind."""
    if kind == "yes_no":
        truths = {"yes": True, "no": False, "true": True, "false": False}
        return given if isinstance(given, bool) else truths.get(str(given).lower())
    if isinstance(given, bool) or given is None:
        return None
    if kind == "text":
        return str(given)
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
