"""Worked cases with known answers, run through the planner where their folder is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from canonical.json_places import parse
from planning.cases.running import form_of, left_out, run_case

FOLDER = Path(__file__).parents[2].parent / "shared" / "mrp_cases"
FILES = sorted(FOLDER.glob("*.json"))
EXPECTED_KEYS = ("expected", "expected_order", "expected_yield")


@pytest.mark.skipif(not FILES, reason="the folder of worked cases is not at hand")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_run_case__gives_the_known_answer(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document, read = json.loads(text), parse(text, path.name).values
    form = form_of(read).model_validate(read)
    assert not list(left_out(form))
    answer = run_case(form)
    if "cases" in document:
        wanted = [{key: case[key] for key in EXPECTED_KEYS if key in case} for case in document["cases"]]
        assert answer == {"cases": wanted}
    elif isinstance(answer, dict) and document["kind"] == "mrp_table":
        assert set(answer) == set(document["expected"])
        for item, lines in document["expected"].items():
            assert {name: answer[item][name] for name in lines} == lines
        for item in answer:
            assert {name: answer[item][name] for name in ("receipts", "releases")} == document["oracle"][item]
    else:
        assert answer == document["expected"]
