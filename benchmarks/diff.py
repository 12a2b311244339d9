"""What changed between two pulls: a million rows of 20 columns, 1 % changed, beside the same in pandas.

The peer aligns both tables by their index and compares column by column, as `DataFrame.compare` does; it gives what
differs, but knows neither absent fields nor exact decimals (it gets floats). Each runs in a process of its own that
reads both tables first, so that the memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measuring import Figure

ROWS = 1_000_000
SHARE = 0.01
ROUNDS = 3


def measure() -> list[Figure]:
    """Seconds to name every change with old and new values, by the clock and of all processors together, and memory.

    The processors' time hardly depends on what else runs on the machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        ours, peer = (_child(who, folder) for who in ("ours", "pandas"))
    if ours["changes"] != peer["changes"]:
        raise AssertionError("the two disagree, so their speed does not matter")
    named = "1,000,000 × 20, 1 % changed, rows in another order"
    return [
        Figure(f"diff {named} (peer: pandas)", ours=ours["seconds"], peer=peer["seconds"], unit="seconds"),
        Figure(f"diff {named}: processor time (peer: pandas)", ours=ours["used"], peer=peer["used"], unit="seconds"),
        Figure(f"diff {named}: peak memory (peer: pandas)", ours=ours["megabytes"], peer=peer["megabytes"], unit="MB"),
    ]


def _write(folder: Path) -> None:
    chance = np.random.default_rng(7)
    columns = {"key": pl.int_range(ROWS, eager=True).cast(pl.String).str.zfill(8)}
    columns |= {f"text_{n}": pl.Series(chance.integers(0, 5000, ROWS)).cast(pl.String) for n in range(7)}
    columns |= {f"amount_{n}": pl.Series(chance.integers(0, 10**6, ROWS)).cast(pl.Decimal(38, 9)) for n in range(5)}
    columns |= {f"count_{n}": pl.Series(chance.integers(0, 10**6, ROWS)) for n in range(3)}
    columns |= {f"flag_{n}": pl.Series(chance.integers(0, 2, ROWS)).cast(pl.Boolean) for n in range(2)}
    columns["due"] = pl.Series(chance.integers(20000, 21000, ROWS)).cast(pl.Int32).cast(pl.Date)
    columns["at"] = pl.Series(chance.integers(0, 10**15, ROWS)).cast(pl.Datetime("us", "UTC"))
    old = pl.DataFrame(columns)
    touched = pl.Series(chance.random(ROWS) < SHARE)
    changed = [
        pl.when(touched).then(pl.col("amount_0") + 1).otherwise(pl.col("amount_0")).alias("amount_0"),
        pl.when(touched).then(pl.col("text_1") + "x").otherwise(pl.col("text_1")).alias("text_1"),
    ]
    old.write_parquet(folder / "old.parquet")
    old.with_columns(changed).sample(fraction=1.0, shuffle=True, seed=3).write_parquet(folder / "new.parquet")


def _child(who: str, folder: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.diff", who, folder], check=True, capture_output=True, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


Taken = tuple[float, float]
"""Seconds by the clock, and of all processors."""


def _best(work: Callable[[], int]) -> tuple[Taken, int]:
    """The shortest of a few rounds by either measure, and what the work found."""
    clock, used, found = [], [], 0
    for _ in range(ROUNDS):
        began, spent = time.perf_counter(), time.process_time()
        found = work()
        clock.append(time.perf_counter() - began)
        used.append(time.process_time() - spent)
    return (min(clock), min(used)), found


def _ours(folder: Path) -> tuple[Taken, int]:
    from rules.diff import diff  # noqa: PLC0415 - the peer's process must not hold what ours imports

    old, new = (pl.read_parquet(folder / f"{name}.parquet") for name in ("old", "new"))
    return _best(lambda: sum(len(change.fields) for change in diff("item", old, new, "key").rows()))


def _pandas(folder: Path) -> tuple[Taken, int]:
    import pandas as pd  # noqa: PLC0415 - and ours not what the peer imports

    def table(name: str) -> pd.DataFrame:
        frame = pl.read_parquet(folder / f"{name}.parquet").with_columns(pl.col(pl.Decimal).cast(pl.Float64))
        return frame.to_pandas().set_index("key")

    old, new = table("old"), table("new")
    return _best(lambda: int(new.reindex(old.index).compare(old).notna().to_numpy().sum()) // 2)


if __name__ == "__main__":
    (seconds, used), changes = {"ours": _ours, "pandas": _pandas}[sys.argv[1]](Path(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "used": used, "changes": changes, "megabytes": peak}))
