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


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"kind": "tarot"}', "1:2"),
        ('{\n "kind": "mrp_table"}', "1:1"),
        ('{"kind": "mrp_table",\n "items": {"A": {}},\n "gross": {"B": {"1": 2}}}', "3:12"),
        ('{"kind": "moq_allocation", "cases": [{"rows": [1], "moq": "x"}]}', "1:52"),
        ("[]", "1:1"),
        ("{", "1:2"),
        ("\x00", "1:1"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_case__a_file_that_is_none(
    text: str, place: str, language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "case.json"
    file.write_text(text)
    assert main(["--lang", language, "plan", "case", str(file)], {}) == 2
    said = capsys.readouterr().err.replace("\n", "")
    assert f"case.json:{place}" in said
    assert "Traceback" not in said


def test_case__keys_nobody_reads_are_named_beside_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "case.json"
    file.write_text('{"kind": "moq_allocation",\n "cases": [{"rows": [5], "moq": 9, "colour": 1}]}')
    assert main(["plan", "case", str(file), "--json"], {}) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"cases": [{"expected": [9]}]}
    assert "case.json:2:36 key 'colour' is not read" in printed.err
