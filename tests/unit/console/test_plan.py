"""`millstream plan case`: the keys of the answer and nothing else, or what is wrong with the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.cli.main import main


def test_case__prints_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"kind": "moq_allocation", "cases": [{"rows": [10, 20], "moq": 100}]}))
    assert main(["plan", "case", str(file), "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out) == {"cases": [{"expected": [100, 0]}]}


@pytest.mark.parametrize("text", ['{"kind": "tarot"}', '{"kind": "mrp_table"}', "[]", "{"])
def test_case__a_file_that_is_none(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.json"
    file.write_text(text)
    assert main(["plan", "case", str(file)], {}) == 2
    assert "case.json" in capsys.readouterr().err
