"""One table against itself: copies find their originals, strangers and namesakes stay apart, bridges do not join."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks.contenders import LAYOUT
from benchmarks.supplier_records import pair_f1, suppliers
from mdm.dedupe import Layout, Weighed, dedupe, excluded, group_rows

PLAIN = Layout(columns={}, blocking=())
FIRMS = Layout(columns={}, blocking=(), identity=("tax",), exclusive=("region", "trade"))


def rows(count: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(count)})


def weighed(*edges: tuple[int, int, float]) -> Weighed:
    a, b, probability = (np.array(column) for column in zip(*edges, strict=True))
    return Weighed(a.astype(np.int64), b.astype(np.int64), probability.astype(np.float64))


def firms(*said: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(said, schema={"tax": pl.String, "region": pl.String, "trade": pl.String}, orient="row")


def test_group_rows__pairs_and_larger_groups() -> None:
    pairs = weighed((0, 1, 0.99), (2, 3, 0.98), (3, 4, 0.97), (2, 4, 0.96), (6, 7, 0.2))
    assert group_rows(rows(8), PLAIN, pairs).tolist() == [0, 0, 2, 2, 2, 5, 6, 7]


def test_group_rows__two_records_of_one_source_are_not_joined_by_a_bridge() -> None:
    pairs = weighed((0, 1, 0.99), (1, 2, 0.98))
    assert group_rows(rows(3), PLAIN, pairs, ["erp", "crm", "erp"]).tolist() == [0, 0, 2]


def test_group_rows__no_pair_no_group() -> None:
    nothing = Weighed(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert group_rows(rows(3), PLAIN, nothing).tolist() == [0, 1, 2]


def test_group_rows__what_excludes_each_other_is_not_joined_by_a_record_that_is_silent() -> None:
    records = firms((None, "suzhou", "pumps"), (None, "suzhou", None), (None, "suzhou", "valves"))
    pairs = weighed((0, 1, 0.97), (1, 2, 0.99))
    assert group_rows(records, FIRMS, pairs).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (("9132", "suzhou", "pumps"), ("9132", "suzhou", "pumps"), False),
        ((None, "suzhou", "pumps"), (None, "wuxi", "pumps"), True),
        ((None, "suzhou", "pumps"), (None, None, "pumps"), False),
        (("9132", "suzhou", "pumps"), ("9132", "wuxi", "pumps"), False),  # the number outranks the region
        (("9132", "suzhou", "pumps"), ("9123", "suzhou", "pumps"), False),  # two digits turned round
        (("9132", "suzhou", "pumps"), ("9555", "suzhou", "pumps"), True),
    ],
)
def test_excluded__what_is_said_and_differs(
    left: tuple[str | None, ...], right: tuple[str | None, ...], expected: bool
) -> None:
    both = pl.DataFrame([left, right], schema={"tax": pl.String, "region": pl.String, "trade": pl.String}, orient="row")
    assert excluded(both, FIRMS, np.array([0]), np.array([1])).tolist() == [expected]


@pytest.mark.long
def test_dedupe__copies_find_their_originals_and_nobody_else() -> None:
    records, owner = suppliers(5000)
    assert pair_f1(group_rows(records, LAYOUT, dedupe(records, LAYOUT)), owner) > 0.98
