"""Many small frames one after the other, without handing each to another thread.

Polars computes in a pool of its own threads: every operation called from outside waits until one of them is woken and
has answered, up to fourteen changes of thread for a join. For large frames that is nothing. A turn of the relay makes
some ninety operations on frames of a few rows, and where the processor is shared each change of thread waits for its
slice: the waiting came to several times the computing. What is called from within the pool is computed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import polars as pl

T = TypeVar("T")


def inline_frames(work: Callable[[], T]) -> T:
    """What `work` gives or raises, run in one of polars' own threads."""
    done: Future[T] = Future()

    def run(rows: pl.Series) -> pl.Series:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 - raised below, where `work` was asked for
            done.set_exception(error)
        return rows

    # Two expressions, since a single one is computed in the thread that asks.
    pl.DataFrame({"run": [True]}).select(
        pl.col("run").map_batches(run, return_dtype=pl.Boolean), pl.col("run").not_().alias("beside")
    )
    return done.result(timeout=0)  # it ran, or polars has changed its ways: better an error than to wait for ever
