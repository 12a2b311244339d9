from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.plan import LotPolicy
from planning.lot_sizing import is_consistent, lot_size, split, with_scrap


@pytest.mark.parametrize(
    ("policy", "net", "orders"),
    [
        (LotPolicy(), 7, [7]),
        (LotPolicy(), 0, []),
        (LotPolicy(minimum=50), 16, [50]),
        (LotPolicy(minimum=50, multiple=3), 20, [51]),
        (LotPolicy(minimum=125, multiple=100), 90, [200]),
        (LotPolicy(rule="fixed", fixed=50), 51, [100]),
        (LotPolicy(multiple=32), 86, [96]),
        (LotPolicy(minimum=50, maximum=100), 140, [100, 50]),
        (LotPolicy(minimum=50, maximum=100), 200, [100, 100]),
        (LotPolicy(maximum=100, multiple=30), 100, [90, 30]),
    ],
)
def test_lot_size__by_policy(policy: LotPolicy, net: int, orders: list[int]) -> None:
    assert lot_size(net, policy) == sum(orders)
    assert split(lot_size(net, policy), policy) == orders


@given(st.integers(1, 60), st.integers(0, 12), st.integers(0, 7), st.integers(0, 25))
def test_lot_size__a_lots_surplus_never_changes_it(net: int, minimum: int, multiple: int, maximum: int) -> None:
    policy = LotPolicy(minimum=minimum, multiple=multiple, maximum=maximum)
    if is_consistent(policy):
        size = lot_size(net, policy)
        assert all(lot_size(between, policy) == size for between in range(net, size + 1))


@pytest.mark.parametrize(
    "policy",
    [
        LotPolicy(minimum=-1),
        LotPolicy(rule="fixed"),
        LotPolicy(rule="period"),
        LotPolicy(minimum=50, maximum=40),
        LotPolicy(multiple=30, maximum=20),
    ],
)
def test_is_consistent__names_policies_no_quantity_satisfies(policy: LotPolicy) -> None:
    assert not is_consistent(policy)


def test_with_scrap__by_rule() -> None:
    assert with_scrap(Fraction(80), Fraction(2, 100), "multiply") == Fraction(816, 10)
    assert with_scrap(Fraction(100), Fraction(2, 10), "divide") == 125
    assert with_scrap(Fraction(20), Fraction(1, 100), "add_percent_round_up") == 21
    assert with_scrap(Fraction(400), Fraction(1), "sqrt") == 420
