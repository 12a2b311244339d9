"""One table against itself: copies find their originals, strangers stay apart, bridges do not join."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import suppliers
from mdm.dedupe import Weighed, dedupe, group_rows


def weighed(*edges: tuple[int, int, float]) -> Weighed:
    a, b, probability = (np.array(column) for column in zip(*edges, strict=True))
    return Weighed(a.astype(np.int64), b.astype(np.int64), probability.astype(np.float64))


def test_group_rows__pairs_and_larger_groups() -> None:
    pairs = weighed((0, 1, 0.99), (2, 3, 0.98), (3, 4, 0.97), (2, 4, 0.96), (6, 7, 0.2))
    assert group_rows(8, pairs).tolist() == [0, 0, 2, 2, 2, 5, 6, 7]


def test_group_rows__two_records_of_one_source_are_not_joined_by_a_bridge() -> None:
    pairs = weighed((0, 1, 0.99), (1, 2, 0.98))
    assert group_rows(3, pairs, ["erp", "crm", "erp"]).tolist() == [0, 0, 2]


def test_group_rows__no_pair_no_group() -> None:
    nothing = Weighed(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert group_rows(3, nothing).tolist() == [0, 1, 2]


@pytest.mark.long
def test_dedupe__corrupted_copies_find_their_originals() -> None:
    records, owner = suppliers.suppliers(5000)
    pairs = dedupe(records, suppliers.COLUMNS, suppliers.BLOCKING)
    assert suppliers._f1(group_rows(5000, pairs), owner) > 0.97
