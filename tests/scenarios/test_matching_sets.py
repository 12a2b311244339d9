"""The matcher on whole sets: our own Chinese ones, and the public ones where they are at hand."""

import csv
import json
import os
import random
from functools import cache
from pathlib import Path

import pytest

from console.cli.main import main
from mdm.evaluate import Evaluation, evaluate

DATA = Path(__file__).parents[1] / "data"
PUBLIC = Path(os.environ.get("MILLSTREAM_MATCHING_SETS", Path(__file__).parents[3] / "shared" / "er"))
AUTO = 0.995

Table = list[dict[str, str]]
Truth = list[tuple[str, str]]


def chinese(name: str) -> tuple[Table, Table, Truth]:
    """The pairs as two tables; the partner of a hard negative's left record is elsewhere in the right table."""
    with (DATA / f"chinese_{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sides = []
    for side in ("left", "right"):
        names = sorted({row[side] for row in rows})
        sides.append([{"id": f"{side[0]}{k}", "name": value} for k, value in enumerate(names)])
    ids = [{record["name"]: record["id"] for record in side} for side in sides]
    return sides[0], sides[1], [(ids[0][row["left"]], ids[1][row["right"]]) for row in rows if row["same"] == "1"]


def public(name: str) -> tuple[Table, Table, Truth]:
    folder = PUBLIC / name
    if not folder.exists():
        pytest.skip(f"the set {name} is not at {PUBLIC}; set MILLSTREAM_MATCHING_SETS")
    tables = []
    for file in ("tableA.csv", "tableB.csv", "matches.csv"):
        with (folder / file).open(encoding="utf-8", newline="") as opened:
            tables.append(list(csv.DictReader(opened)))
    return tables[0], tables[1], [(row["idA"], row["idB"]) for row in tables[2]]


def thinned(left: Table, right: Table, truth: Truth, share: float, seed: int = 3) -> tuple[Table, Table, Truth]:
    """A share of the right partners removed."""
    key = next(iter(right[0]))
    gone = set(random.Random(seed).sample([b for _, b in truth], int(share * len(truth))))
    return left, [row for row in right if row[key] not in gone], [pair for pair in truth if pair[1] not in gone]


@cache
def whole(name: str) -> Evaluation:
    return evaluate(*(chinese(name) if name in {"materials", "companies"} else public(name)))


@pytest.mark.parametrize(("name", "pairs"), [("materials", 600), ("companies", 300)])
def test_chinese__large_enough_with_hard_negatives(name: str, pairs: int) -> None:
    with (DATA / f"chinese_{name}.csv").open(encoding="utf-8", newline="") as file:
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
