"""Runs benchmarks and rewrites `results.md` from every `results/<name>.json` that stands.

    python -m benchmarks.run            # all of them
    python -m benchmarks.run mrp        # one
    python -m benchmarks.run suppliers --size 200000    # a smaller one, into results/suppliers_200000.json
    python -m benchmarks.run --awake relay    # on a virtual machine whose host is busy: its processors never sleep

A benchmark is a module of this folder with `measure() -> list[Figure]`; its docstring says who the peer is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, Machine, awake, conditions

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
_HOW_TO_READ = """\
Made by `make bench` from `results/*.json`; do not edit. *Ratio* is ours divided by the peer's: where the unit is a
rate more is better, where it is seconds less is.
"""
FRAME = {
    "run",
    "measuring",
    "plotting",
    "plain_netting",
    "processes",
    "contenders",
    "supplier_records",
    "labelled_sets",
    "forwarding",
    "n8n",
    "sensing",
    "__init__",
}


def names() -> list[str]:
    """Every benchmark of the folder."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in FRAME)


def run(name: str, size: int | None = None, *, keep_awake: bool = False) -> list[Figure]:
    """Measure one, where `size` is given with so many records, and write its JSON."""
    if size is not None:
        os.environ["MILLSTREAM_BENCH_RECORDS"] = str(size)
    module, before = importlib.import_module(f"benchmarks.{name}"), Machine.now()
    with awake() if keep_awake else nullcontext():
        measured: list[Figure] = module.measure()
    figures = [*measured, *conditions(before)]
    if keep_awake:
        figures.append(Figure("the machine: idle loops of the lowest priority kept its processors awake", 1, 0, "yes"))
    rows = [
        {
            "name": each.name,
            "ours": round(each.ours, 4),
            "peer": round(each.peer, 4),
            "ratio": round(each.ratio, 3),
            "unit": each.unit,
        }
        for each in figures
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name if size is None else f'{name}_{size}'}.json").write_text(
        json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return figures


def report() -> str:
    """`results.md`: one table per benchmark, made from the JSON files alone."""
    parts = [
        "# What is measured\n",
        _HOW_TO_READ,
        f"Last machine: Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}.\n",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {path.stem}\n\n| figure | ours | peer | ratio | unit |\n|---|---:|---:|---:|---|")
        parts += [_line(row) for row in rows]
        parts.append("")
    return "\n".join(parts)


def _line(row: dict[str, Any]) -> str:
    return f"| {row['name']} | {_short(row['ours'])} | {_short(row['peer'])} | {row['ratio']:.2f} | {row['unit']} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits say enough


def main(given: list[str]) -> None:
    """Run the chosen benchmarks, or all, and rewrite the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--size", type=int, help="records, for benchmarks that can take fewer")
    parser.add_argument("--awake", action="store_true", help="keep the processors from sleeping meanwhile")
    chosen = parser.parse_args(given)
    for name in chosen.names or names():
        for figure in run(name, chosen.size, keep_awake=chosen.awake):
            print(f"{name}: {figure.name}: {_short(figure.ours)} / {_short(figure.peer)} {figure.unit}", flush=True)
    (FOLDER / "results.md").write_text(report(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
