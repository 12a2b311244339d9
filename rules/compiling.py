"""From a rule as written to one that can run: every symbol resolved, every condition typed, every fault placed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from canonical.entities import ENTITIES
from canonical.errors import Fault
from canonical.facts import FACTS, json_fields
from canonical.strict_yaml import Document, Path_, suggest
from rules.conditions import Condition, ConditionError
from rules.rulebook import CommandThen, NotifyThen, Related, Rule, TaskThen, Until, When
from rules.scope import NEW, OLD, Kind, Scope, Symbol, UnknownSymbol, kinds_of
from rules.templates import Template, TemplateError
from rules.timers import Within


@dataclass(frozen=True)
class Lookup:
    """A relation made ready: which record, found by which of its fields, through which symbol of ours."""

    name: str
    subject: str
    column: str
    through: Symbol


@dataclass(frozen=True)
class Action:
    """One action of a rule, its texts and symbols resolved."""

    spec: CommandThen | NotifyThen | TaskThen
    key: Template
    texts: Mapping[str, Template] = field(default_factory=dict)
    after: tuple[Template, ...] = ()
    body: Mapping[str, Symbol] = field(default_factory=dict)
    coded: frozenset[str] = frozenset()
    """Body fields whose value is JSON text, which a command carries decoded."""


@dataclass(frozen=True)
class Ending:
    """What else ends a rule's timers: a change of another record."""

    spec: Until
    key: Template
    condition: Condition | None


@dataclass(frozen=True)
class CompiledRule:
    """A rule that can run."""

    spec: Rule
    scope: Scope
    lookups: tuple[Lookup, ...]
    condition: Condition | None
    unless: Condition | None
    approve: Condition | None
    then: tuple[Action, ...]
    escalate: tuple[Action, ...]
    endings: tuple[Ending, ...]
    place: str = ""
    """`file:line:column` of the rule."""

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.spec.name

    @property
    def subject(self) -> str:
        """The fact or entity the rule is about."""
        return self.spec.when.subject


class Compiler:
    """Compiles the rules of one file and keeps every fault it meets."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []

    def rule(self, rule: Rule, path: Path_) -> CompiledRule | None:
        """The rule ready to run; None where a fault keeps it from that."""
        before = len(self.faults)
        if not self._subject(rule.when, (*path, "when")):
            return None
        self._when(rule.when, (*path, "when"))
        scope, lookups = self._related(rule, path)
        self._counts_from(rule.within, scope, (*path, "within"))
        compiled = CompiledRule(
            spec=rule,
            scope=scope,
            lookups=lookups,
            condition=self._condition(rule.if_, scope, (*path, "if")),
            unless=self._condition(rule.unless, scope, (*path, "unless")),
            approve=self._condition(rule.approve if isinstance(rule.approve, str) else None, scope, (*path, "approve")),
            then=self._actions(rule.then, scope, (*path, "then")),
            escalate=self._actions(rule.escalate, scope, (*path, "escalate")),
            endings=self._endings(rule, path),
            place=str(self.document.fault((*path, "name"), "")).strip(),
        )
        return compiled if len(self.faults) == before else None

    def _fault(self, path: Path_, message: str, hint: str | None = None) -> None:
        self.faults.append(self.document.fault(path, message, hint))

    def _subject(self, about: When | Related | Until, path: Path_) -> bool:
        word, named, known = ("fact", about.fact, FACTS) if about.fact else ("entity", about.entity, ENTITIES)
        if named in known:
            return True
        other = {"fact": ENTITIES, "entity": FACTS}[word]
        hint = f"{named} is no {word}: write the other key" if named in other else suggest(str(named), known)
        self._fault((*path, word), f"unknown {word} {named!r}", hint)
        return False

    def _when(self, when: When, path: Path_) -> None:
        known = kinds_of(when.subject)
        for index, name in enumerate(when.fields):
            if name not in known:
                self._fault((*path, "fields", index), f"{when.subject} has no field {name!r}", suggest(name, known))
        if when.fact and when.origin:
            self._fault((*path, "origin"), "a fact is always derived by the hub", "leave `origin` out")

    def _related(self, rule: Rule, path: Path_) -> tuple[Scope, tuple[Lookup, ...]]:
        """Relations in the order they are written; one may lead on from another before it."""
        scope, lookups = Scope(rule.when.subject), []
        for name, related in rule.related.items():
            here = (*path, "related", name)
            lookup = self._lookup(name, related, scope, here)
            if lookup is not None:
                lookups.append(lookup)
                scope = Scope(scope.subject, {**scope.relations, name: lookup.subject})
        return scope, tuple(lookups)

    def _lookup(self, name: str, related: Related, scope: Scope, path: Path_) -> Lookup | None:
        if name in {OLD, NEW} or not name.isidentifier():
            self._fault(path, f"a relation cannot be called {name!r}", "use a plain word")
            return None
        if not self._subject(related, path):
            return None
        known = kinds_of(related.subject)
        if related.column not in known:
            hint = suggest(related.column, known)
            self._fault((*path, "by"), f"{related.subject} has no field {related.column!r}", hint)
            return None
        through = self._symbol(related.key, scope, (*path, "key"))
        if through is None:
            return None
        kinds = scope.kind(through), known[related.column]
        if kinds[0] is not kinds[1]:
            self._fault((*path, "key"), f"{through} is a {kinds[0]}, {related.subject}.{related.column} a {kinds[1]}")
            return None
        return Lookup(name, related.subject, related.column, through)

    def _symbol(self, text: str, scope: Scope, path: Path_) -> Symbol | None:
        try:
            return scope.symbol(text)
        except UnknownSymbol as error:
            self._fault(path, str(error), error.hint)
            return None

    def _condition(self, text: str | None, scope: Scope, path: Path_) -> Condition | None:
        if text is None:
            return None
        try:
            return Condition(text, scope)
        except ConditionError as error:
            self._fault(path, str(error), error.hint)
            return None

    def _template(self, text: str, scope: Scope, path: Path_) -> Template:
        try:
            return Template.checked(text, scope)
        except TemplateError as error:
            self._fault(path, str(error), error.hint)
            return Template(())

    def _actions(
        self, specs: Iterable[CommandThen | NotifyThen | TaskThen], scope: Scope, path: Path_
    ) -> tuple[Action, ...]:
        return tuple(self._action(spec, scope, (*path, index)) for index, spec in enumerate(specs))

    def _action(self, spec: CommandThen | NotifyThen | TaskThen, scope: Scope, path: Path_) -> Action:
        key = self._template(spec.key, scope, (*path, "key"))
        if isinstance(spec, CommandThen):
            return self._command(spec, key, scope, path)
        if isinstance(spec, TaskThen):
            self._counts_from(spec.due, scope, (*path, "due"))
        word = "text" if isinstance(spec, NotifyThen) else "title"
        written = spec.text if isinstance(spec, NotifyThen) else spec.title
        for language in ("en", "zh"):
            if language not in written:
                self._fault((*path, word), f"{word} is missing in {language!r}", "say it in both languages")
        texts = {str(lang): self._template(text, scope, (*path, word, lang)) for lang, text in written.items()}
        return Action(spec, key, texts)

    def _command(self, spec: CommandThen, key: Template, scope: Scope, path: Path_) -> Action:
        if spec.entity not in ENTITIES:
            self._fault((*path, "entity"), f"unknown entity {spec.entity!r}", suggest(spec.entity, ENTITIES))
        chosen = spec.body or {name: name for name in kinds_of(scope.subject)}
        body = {target: self._symbol(text, scope, (*path, "with", target)) for target, text in chosen.items()}
        for target in spec.values:
            if target in spec.body:
                self._fault((*path, "values", target), f"body field {target!r} stands under `with` as well")
        after = []
        for index, text in enumerate(spec.after):
            if text.count("/") < 2:  # noqa: PLR2004 - role, entity and key
                self._fault((*path, "after", index), f"{text!r} is no document", "write role/entity/key")
            after.append(self._template(text, scope, (*path, "after", index)))
        known = {name: symbol for name, symbol in body.items() if symbol is not None}
        coded = frozenset(name for name, symbol in known.items() if _coded(scope, symbol))
        return Action(spec, key, {}, tuple(after), known, coded)

    def _counts_from(self, within: Within | None, scope: Scope, path: Path_) -> None:
        if within is None or within.from_ is None:
            return
        known, name = kinds_of(scope.subject), within.from_
        if name not in known:
            self._fault((*path, "from"), f"{scope.subject} has no field {name!r}", suggest(name, known))
        elif known[name] not in {Kind.DAY, Kind.MOMENT}:
            self._fault((*path, "from"), f"{name} is a {known[name]}, not a day or a moment")

    def _endings(self, rule: Rule, path: Path_) -> tuple[Ending, ...]:
        found = []
        for index, until in enumerate(rule.until):
            here = (*path, "until", index)
            if self._subject(until, here):
                scope = Scope(until.subject)
                condition = self._condition(until.if_, scope, (*here, "if"))
                found.append(Ending(until, self._template(until.key, scope, (*here, "key")), condition))
        return tuple(found)


def _coded(scope: Scope, symbol: Symbol) -> bool:
    subject = scope.relations.get(symbol.source, scope.subject)
    return subject in FACTS and symbol.name in json_fields(FACTS[subject])
