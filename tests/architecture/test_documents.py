"""The documents are true where that can be checked: links lead somewhere, commands exist, words are explained."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from canonical.commands import State
from canonical.entities import ENTITIES
from canonical.facts import FACTS

ROOT = Path(__file__).parents[2]
STAGES = ("land", "conform", "reconcile", "judge", "plan", "decide", "deliver", "measure")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def _documents() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(".md"))


DOCUMENTS = [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in _documents()]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_document__links_lead_somewhere(path: Path) -> None:
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    assert not [target for target in LINK.findall(text) if not (path.parent / target).exists()]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_document__names_targets_that_make_knows(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = " ".join(CODE.findall(path.read_text(encoding="utf-8")))
    assert not set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) - targets


@pytest.mark.parametrize("path", DOCUMENTS)
def test_document__names_verbs_that_the_command_line_has(path: Path) -> None:
    known = _verbs_in_reference("cli.md")
    code = "\n".join(CODE.findall(path.read_text(encoding="utf-8")))
    assert not set(re.findall(r"(?:^|[`/])millstream ([a-z]+)", code, re.MULTILINE)) - known


@pytest.mark.parametrize("file", ["cli.md", "cli.zh-CN.md"])
def test_reference__lists_every_verb(file: str) -> None:
    from console.cli.verbs import VERBS

    assert _verbs_in_reference(file) == {name[0] for name in VERBS}


def _verbs_in_reference(file: str) -> set[str]:
    reference = (ROOT / "docs" / "reference" / file).read_text(encoding="utf-8")
    verbs, _, _ = reference.partition("\n## make")
    return set(re.findall(r"^\| `([a-z]+)[ `]", verbs, re.MULTILINE))


@pytest.mark.parametrize("word", [*STAGES, *ENTITIES, *FACTS, *State])
def test_glossary__explains_the_word_once(word: str) -> None:
    rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    explained = [row for row in rows if row.startswith("|") and word in re.split(r",\s*", row.split("|")[1].strip())]
    assert len(explained) == 1


def test_environment__every_variable_is_explained() -> None:
    reference = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    asked = {
        name
        for path in (ROOT / "connectors").glob("*/system.yaml")
        for name in re.findall(r"env: ([A-Z][A-Z0-9_]*)", path.read_text(encoding="utf-8"))
    }
    assert not {name for name in asked if f"`{name}`" not in reference}
