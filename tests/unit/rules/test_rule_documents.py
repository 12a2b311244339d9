"""The rulebooks in the documentation load, and their fixtures hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.fixtures import try_fixtures
from rules.loading import load_rulebooks
from rules.ruleset import RuleSet

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["reference/rules.md", "howto/write-a-rule.md", "howto/write-a-rule.zh-CN.md"])
def test_example__loads_and_does_what_its_fixtures_say(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    book, fixtures = blocks
    (tmp_path / "example.yaml").write_text(book, encoding="utf-8")
    (tmp_path / "example.fixtures.yaml").write_text(fixtures, encoding="utf-8")
    tried = try_fixtures("example", RuleSet(load_rulebooks(("example",), tmp_path)), tmp_path)
    assert tried
    assert {one.name: one.wrong for one in tried if one.wrong} == {}
