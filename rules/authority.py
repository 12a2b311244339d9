"""Who may write which field: a command of a rule without authority over a field it carries is refused at load.

A rule acts for the origins its `when` names, or for `hub` where it names none. Fields nobody has claimed are the hub's
to write; a rule that only carries on what another system changed needs that system named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from canonical.entities import ENTITIES
from canonical.errors import Fault
from canonical.strict_yaml import Document, Path_, suggest
from rules.rulebook import EVERY_FIELD, HUB, CommandThen, Rule, Rulebook


@dataclass
class Claims:
    """What all rulebooks together say: (entity, field) → writers."""

    writers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, read: Sequence[tuple[Rulebook, Document]]) -> tuple[Claims, list[Fault]]:
        """The claims, and where books claim what does not exist or contradict each other."""
        claims, faults = cls(), []
        written = _written(read)
        for book, document in read:
            for entity, fields in book.authority.items():
                path: Path_ = ("authority", entity)
                if entity not in ENTITIES:
                    faults.append(document.fault(path, f"unknown entity {entity!r}", suggest(entity, ENTITIES)))
                    continue
                known = {*ENTITIES[entity].model_fields, *written.get(entity, ()), EVERY_FIELD}
                for name, writers in fields.items():
                    said = claims.wrong(entity, name, writers, known)
                    faults += [document.fault((*path, name), *each) for each in said]
                    claims.writers.setdefault((entity, name), writers)
        return claims, faults

    def wrong(
        self, entity: str, name: str, writers: tuple[str, ...], known: set[str]
    ) -> Iterator[tuple[str, str | None]]:
        """What is wrong with one more claim, and what may have been meant."""
        if name not in known:
            yield f"{entity} has no field {name!r}, and no command carries it", suggest(name, known)
        if not writers:
            yield f"nobody may write {entity}.{name}", f"name `{HUB}`, `person` or roles"
        standing = self.writers.get((entity, name))
        if standing is not None and set(standing) != set(writers):
            yield f"another rulebook gives {entity}.{name} to {', '.join(standing)}", None

    def of_field(self, entity: str, name: str) -> tuple[str, ...]:
        """Who may write a field."""
        return self.writers.get((entity, name)) or self.writers.get((entity, EVERY_FIELD)) or (HUB,)


def _written(read: Sequence[tuple[Rulebook, Document]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for book, _ in read:
        for rule in book.rules:
            for spec in (*rule.then, *rule.escalate):
                if isinstance(spec, CommandThen):
                    found.setdefault(spec.entity, set()).update(spec.body, spec.values)
    return found


def unauthorised(rule: Rule, claims: Claims, document: Document, path: Path_) -> Iterator[Fault]:
    """A fault for every field a command of the rule would write without authority."""
    acts_for = rule.when.origin or (HUB,)
    for word in ("then", "escalate"):
        for index, spec in enumerate(getattr(rule, word)):
            if not isinstance(spec, CommandThen):
                continue
            for part, names in (("with", spec.body), ("values", spec.values)):
                for name in names:
                    writers = claims.of_field(spec.entity, name)
                    missing = [actor for actor in acts_for if actor not in writers]
                    if missing:
                        said = f"{' and '.join(missing)} may not write {spec.entity}.{name}: that is for"
                        place = (*path, word, index, part, name)
                        yield document.fault(place, f"{said} {', '.join(writers)}", "see `authority`")
