"""Rulebooks written down in a test, compiled as the loader compiles files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canonical.errors import ConfigurationError
from canonical.strict_yaml import parse
from rules.loading import compiled, load_rulebooks
from rules.rulebook import Rulebook
from rules.ruleset import RuleSet


def rules_of(text: str) -> RuleSet:
    """The rules of one book, which must have no fault."""
    document = parse(text, "book.yaml")
    rules, faults = compiled([(Rulebook.model_validate(document.values, strict=False), document)])
    assert not faults, [str(fault) for fault in faults]
    return RuleSet(rules)


def faults_of(folder: Path, *texts: str) -> list[str]:
    """What is wrong with some books, as the loader says it."""
    names = tuple(f"book{number}" for number in range(len(texts)))
    for name, text in zip(names, texts, strict=True):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_rulebooks(names, folder)
    return [str(fault) for fault in refused.value.faults]


def order(**values: Any) -> dict[str, Any]:
    """A golden sales order."""
    return {
        "golden_id": "SO-1", "number": "SO-1", "customer": "P-1", "ordered_on": None, "status": "open",
        "urgent": False, "custom": False, **values,
    }  # fmt: skip
