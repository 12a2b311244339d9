"""Rules that set each other off: found at load where a command writes what an entity rule looks at.

Rules on facts are left out: a fact changes only when what is needed changes, so it comes to rest by itself; what does
not is stopped when it runs (`rules.echoes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from canonical.entities import ENTITIES
from canonical.errors import Fault
from canonical.facts import FACTS
from canonical.strict_yaml import Document
from rules.rulebook import CommandThen, Rule, Rulebook

Placed = tuple[Rule, Document, int]


def cycles(read: Sequence[tuple[Rulebook, Document]]) -> Iterator[Fault]:
    """One fault for every circle of rules, at its first rule."""
    placed: dict[str, Placed] = {}
    for book, document in read:
        for index, rule in enumerate(book.rules):
            placed.setdefault(rule.name, (rule, document, index))
    sets_off = {
        name: [
            other
            for other, (target, _, _) in placed.items()
            if any(_triggers(rule, spec, target) for spec in _commands(rule))
        ]
        for name, (rule, _, _) in placed.items()
    }
    for circle in _circles(sets_off):
        rule, document, index = placed[circle[0]]
        said = " → ".join([*circle, circle[0]])
        hint = "narrow `when` to other `fields`, or to an `origin` the command does not come back from"
        yield document.fault(("rules", index, "name"), f"rules set each other off in a circle: {said}", hint)


def _commands(rule: Rule) -> list[CommandThen]:
    return [spec for spec in (*rule.then, *rule.escalate) if isinstance(spec, CommandThen)]


def _triggers(writer: Rule, spec: CommandThen, rule: Rule) -> bool:
    """Whether what a command writes, altered by its target and seen in the next pull, is a change the rule looks at.

    What the hub itself created or cancelled is an echo, and never a change (`rules.echoes`).
    """
    when = rule.when
    if spec.cancel or when.entity != spec.entity or "changed" not in when.event:
        return False
    if when.origin and spec.to not in when.origin:
        return False
    carried = {*(spec.body or _fields(writer.when.subject)), *spec.values}
    return not when.fields or bool(carried & {*when.fields})


def _fields(subject: str) -> frozenset[str]:
    model = FACTS.get(subject) or ENTITIES.get(subject)
    return frozenset(model.model_fields if model else ())


def _circles(sets_off: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Each set of rules that lead back to each other, once, as the shortest way round from its first rule."""
    told: set[str] = set()
    for start in sets_off:
        way = _way_back(start, sets_off)
        if way and not told & {*way}:
            told |= {*way}
            yield way


def _way_back(start: str, sets_off: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop(0)
        for following in sets_off[way[-1]]:
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()
