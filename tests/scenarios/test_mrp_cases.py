"""Worked cases with known answers: our own, worked out by hand, and others where their folder is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canonical.json_places import parse
from canonical.strict_yaml import checked
from planning.cases.running import form_of, left_out, run_case

FOLDER = Path(__file__).parents[2].parent / "shared" / "mrp_cases"
FILES = sorted(FOLDER.glob("*.json"))
EXPECTED_KEYS = ("expected", "expected_order", "expected_yield")
OWN = json.loads((Path(__file__).parent / "worked_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", OWN, ids=lambda case: case["title"])
def test_run_case__gives_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    document = parse(json.dumps(case), "worked.json")
    form = checked(document, form_of(document.values))
    assert not list(left_out(form))
    answer = run_case(form)
    if "cases" in case:
        assert answer == {
            "cases": [{key: one[key] for key in one if key.startswith("expected")} for one in case["cases"]]
        }
    else:
        assert answer == case["expected"]


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
