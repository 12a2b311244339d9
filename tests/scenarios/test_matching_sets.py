"""The matcher on whole sets: our own Chinese ones, and the public ones where they are at hand."""

import csv
import json
from functools import cache
from pathlib import Path

import pytest

from benchmarks.labelled_sets import OWN, PUBLIC, Labelled, labelled, thinned
from console.cli.main import main
from mdm.evaluate import Evaluation, evaluate

AUTO = 0.995


def chinese(name: str) -> Labelled:
    found = labelled(name)
    assert found is not None
    return found


def public(name: str) -> Labelled:
    found = labelled(name)
    if found is None:
        pytest.skip(f"the set {name} is not at {PUBLIC}; set MILLSTREAM_MATCHING_SETS")
    return found


@cache
def whole(name: str) -> Evaluation:
    return evaluate(*(chinese(name) if name in {"materials", "companies"} else public(name)))


@pytest.mark.parametrize(("name", "pairs"), [("materials", 600), ("companies", 300)])
def test_chinese__large_enough_with_hard_negatives(name: str, pairs: int) -> None:
    with (OWN / f"chinese_{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= pairs
    assert sum(row["same"] == "0" for row in rows) >= pairs / 3


@pytest.mark.parametrize("name", ["materials", "companies"])
def test_chinese__without_labels(name: str) -> None:
    result = whole(name)
    assert result.f1 >= 0.95
    assert result.auto_precision >= AUTO


@pytest.mark.parametrize("name", ["materials", "companies"])
def test_chinese__partners_missing(name: str) -> None:
    assert evaluate(*thinned(*chinese(name), 0.4)).f1 >= whole(name).f1 - 0.03


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "f1", "auto_recall"), [("abt-buy", 0.94, 0.0), ("dblp-acm", 0.987, 0.8), ("febrl4", 0.999, 0.95)]
)
def test_public__without_labels(name: str, f1: float, auto_recall: float) -> None:
    public(name)
    result = whole(name)
    assert result.f1 >= f1
    assert result.auto_precision >= AUTO
    assert result.auto_recall >= auto_recall


@pytest.mark.long
@pytest.mark.parametrize("name", ["abt-buy", "dblp-acm", "febrl4"])
def test_public__partners_missing(name: str) -> None:
    result = evaluate(*thinned(*public(name), 0.4))
    assert result.f1 >= whole(name).f1 - 0.03
    assert result.auto_precision >= AUTO


@pytest.mark.long
def test_public__three_hundred_decisions() -> None:
    assert evaluate(*public("abt-buy"), labels=300).f1 >= 0.98


def test_cli__evaluate_prints_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right, truth = chinese("companies")
    for name, rows in (("left", left), ("right", right), ("truth", [{"left": a, "right": b} for a, b in truth])):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    given = [f"--{name}={tmp_path / name}.csv" for name in ("left", "right", "truth")]
    assert main(["mdm", "evaluate", *given, "--json"], {}) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["f1"] >= 0.95
    assert {"precision", "recall", "auto_precision", "auto_recall", "queue", "seconds", "peak_mb"} <= answer.keys()


def test_cli__evaluate_names_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mdm", "evaluate", "--left", "no.csv", "--right", "no.csv", "--truth", "no.csv"], {}) == 2
    assert "no.csv" in capsys.readouterr().err
