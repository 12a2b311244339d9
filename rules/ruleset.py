"""Rules by what they look at, so that a change meets only those that may care about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rules.compiling import CompiledRule, Ending
from rules.diff import Change


def comes_from(rule: CompiledRule, origin: str) -> bool:
    """Whether a rule looks at changes of this origin."""
    named = rule.spec.when.origin
    return not named or not set(named).isdisjoint(origin.split("+"))


class RuleSet:
    """All rules of a deployment, indexed by subject, event and field, in the order they act: lowest priority first."""

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.spec.priority))
        self._any: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._by_field: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._timed: defaultdict[str, list[CompiledRule]] = defaultdict(list)
        self._endings: defaultdict[str, list[tuple[CompiledRule, Ending]]] = defaultdict(list)
        for position, rule in enumerate(self.rules):
            self._add(position, rule)

    def _add(self, position: int, rule: CompiledRule) -> None:
        when = rule.spec.when
        for event in when.event:
            if event == "changed" and when.fields:
                for name in when.fields:
                    self._by_field[rule.subject, name].append(position)
            else:
                self._any[rule.subject, event].append(position)
        if rule.spec.within is not None:
            self._timed[rule.subject].append(rule)
        for ending in rule.endings:
            self._endings[ending.spec.subject].append((rule, ending))

    def concerned(self, change: Change) -> list[CompiledRule]:
        """The rules whose `when` a change meets."""
        if change.echo:
            return []
        found: Sequence[int] = self._any.get((change.entity, change.kind), ())
        if change.kind == "changed":
            named = {position for name in change.fields for position in self._by_field.get((change.entity, name), ())}
            found = sorted({*found, *named}) if named else found
        return [rule for rule in map(self.rules.__getitem__, found) if comes_from(rule, change.origin)]

    def timed(self, subject: str) -> Sequence[CompiledRule]:
        """Rules on a subject that set timers."""
        return self._timed.get(subject, ())

    def endings(self, subject: str) -> Sequence[tuple[CompiledRule, Ending]]:
        """What else a change of the subject may end."""
        return self._endings.get(subject, ())

    def subjects(self) -> frozenset[str]:
        """Facts and entities whose changes some rule looks at."""
        return frozenset({rule.subject for rule in self.rules} | {*self._endings})

    def related(self) -> frozenset[str]:
        """Facts and entities that some rule looks records up in."""
        return frozenset(lookup.subject for rule in self.rules for lookup in rule.lookups)

    def named(self, name: str) -> CompiledRule | None:
        """One rule."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def about(self, subject: str) -> tuple[CompiledRule, ...]:
        """Every rule on a subject."""
        return tuple(rule for rule in self.rules if rule.subject == subject)

    def __iter__(self) -> Iterator[CompiledRule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)
