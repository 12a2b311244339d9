"""What is run among polars' own threads answers, raises and computes as it would anywhere."""

from __future__ import annotations

import threading

import polars as pl
import pytest

from canonical.errors import TransientError
from pipeline.inline_frames import inline_frames


def test_inline_frames__gives_what_the_work_gives_and_runs_it_once_elsewhere() -> None:
    ran_in: list[int] = []

    def work() -> list[int]:
        ran_in.append(threading.get_ident())
        frame = pl.DataFrame({"key": ["a", "b", "a"], "quantity": [1, 2, 3]})
        totals = frame.group_by("key").agg(pl.col("quantity").sum()).join(frame, on="key", how="semi").sort("key")
        return totals["quantity"].to_list()

    assert inline_frames(work) == [4, 2]
    assert len(ran_in) == 1
    assert ran_in[0] != threading.get_ident()


def test_inline_frames__the_error_of_the_work_is_raised_as_it_is() -> None:
    def work() -> None:
        raise TransientError("the system does not answer")

    with pytest.raises(TransientError, match="the system does not answer"):
        inline_frames(work)
