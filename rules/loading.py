"""Rulebooks read from their files: all faults of all files together, those between rules included."""

from __future__ import annotations

from pathlib import Path

from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document
from rules.authority import Claims, unauthorised
from rules.compiling import CompiledRule, Compiler
from rules.cycles import cycles
from rules.rulebook import Rulebook

RULEBOOKS = Path(__file__).parent / "rulebooks"


def load_rulebooks(names: tuple[str, ...], folder: Path = RULEBOOKS) -> tuple[CompiledRule, ...]:
    """Every rule of the named rulebooks, compiled; all faults of all files are raised together."""
    read: list[tuple[Rulebook, Document]] = []
    errors: list[ConfigurationError] = []
    for name in names:
        try:
            read.append(load_document(folder / f"{name}.yaml", Rulebook, shown_as=f"rules/rulebooks/{name}.yaml"))
        except ConfigurationError as error:
            errors.append(error)
    rules, faults = compiled(read)
    if faults:
        errors.append(ConfigurationError(faults=tuple(faults)))
    if errors:
        raise ConfigurationError.joined(errors)
    return rules


def compiled(read: list[tuple[Rulebook, Document]]) -> tuple[tuple[CompiledRule, ...], list[Fault]]:
    """The rules of all books, and everything that is wrong with them or between them."""
    claims, faults = Claims.of(read)
    rules: list[CompiledRule] = []
    names: set[str] = set()
    for book, document in read:
        compiler = Compiler(document)
        for index, rule in enumerate(book.rules):
            path = ("rules", index)
            if rule.name in names:
                compiler.faults.append(document.fault((*path, "name"), f"rule {rule.name!r} stands twice"))
            names.add(rule.name)
            compiler.faults += unauthorised(rule, claims, document, path)
            found = compiler.rule(rule, path)
            rules += [found] if found is not None else []
        faults += compiler.faults
    return tuple(rules), [*faults, *cycles(read)]
