"""Pairs of tables whose matches are known: our own Chinese ones, and public ones where they are at hand."""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

HOUSE = Path(__file__).parents[1]
OWN = HOUSE / "tests" / "data"
PUBLIC = Path(os.environ.get("MILLSTREAM_MATCHING_SETS", HOUSE.parent / "shared" / "er"))
"""A folder for each set: `tableA.csv`, `tableB.csv`, `matches.csv` (`idA`, `idB`)."""
CHINESE = ("materials", "companies")

Table = list[dict[str, str]]
Truth = list[tuple[str, str]]
Labelled = tuple[Table, Table, Truth]


def labelled(name: str) -> Labelled | None:
    """Left table, right table and the matches of a set; None where it is not at hand."""
    if name in CHINESE:
        return _chinese(name)
    return _public(PUBLIC / name) if (PUBLIC / name).exists() else None


def _chinese(name: str) -> Labelled:
    """The pairs as two tables; the partner of a hard negative's left record is elsewhere in the right table."""
    rows = _rows(OWN / f"chinese_{name}.csv")
    sides = []
    for side in ("left", "right"):
        names = sorted({row[side] for row in rows})
        sides.append([{"id": f"{side[0]}{k}", "name": value} for k, value in enumerate(names)])
    ids = [{record["name"]: record["id"] for record in side} for side in sides]
    return sides[0], sides[1], [(ids[0][row["left"]], ids[1][row["right"]]) for row in rows if row["same"] == "1"]


def _public(folder: Path) -> Labelled:
    left, right, matches = (_rows(folder / file) for file in ("tableA.csv", "tableB.csv", "matches.csv"))
    return left, right, [(row["idA"], row["idB"]) for row in matches]


def _rows(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def thinned(left: Table, right: Table, truth: Truth, share: float, seed: int = 3) -> Labelled:
    """A share of the right partners removed at random."""
    key = next(iter(right[0]))
    gone = set(random.Random(seed).sample([b for _, b in truth], int(share * len(truth))))
    return left, [row for row in right if row[key] not in gone], [pair for pair in truth if pair[1] not in gone]
