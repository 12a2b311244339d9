from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.plan import LotPolicy, ScrapRule
from planning.lot_sizing import Sizing, good_of, gross_of, is_consistent, lot_size


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
    assert Sizing(policy).lots(Sizing(policy).total(net, 1), 1) == orders


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


@pytest.mark.parametrize(
    ("rule", "good", "ppm", "started"),
    [
        ("multiply", 80_000, 20_000, 81_600),
        ("divide", 100_000, 200_000, 125_000),
        ("divide", 100_000, 300_000, 142_858),
        ("add_percent_round_up", 20_000, 10_000, 21_000),
        ("sqrt", 400_000, 1_000_000, 420_000),
        ("sqrt", 0, 1_000_000, 0),
        ("divide", 7, 0, 7),
    ],
)
def test_gross_of__by_rule(rule: ScrapRule, good: int, ppm: int, started: int) -> None:
    assert gross_of(good, ppm, rule, 1000) == started


rules = st.sampled_from(("multiply", "divide", "add_percent_round_up", "sqrt"))


@given(rules, st.integers(1, 300), st.sampled_from((1000, 20_000, 333_333, 900_000)), st.sampled_from((1, 10)))
def test_good_of__is_the_most_that_comes_out(rule: ScrapRule, gross: int, ppm: int, scale: int) -> None:
    good = good_of(gross, ppm, rule, scale)
    assert gross_of(good, ppm, rule, scale) <= gross < gross_of(good + 1, ppm, rule, scale)


policies = st.builds(
    LotPolicy, minimum=st.integers(0, 12), multiple=st.integers(0, 7), maximum=st.integers(0, 25)
).filter(is_consistent)


@given(st.integers(1, 60), policies, rules, st.sampled_from((20_000, 333_333)))
def test_sizing__a_lots_surplus_never_changes_it(net: int, policy: LotPolicy, rule: ScrapRule, ppm: int) -> None:
    sizing = Sizing(policy, ((0, ppm),), rule, scale=1)
    if policy.maximum and not sizing.capacity(1):
        return
    total = sizing.total(net, 1)
    assert total >= net
    assert all(sizing.total(between, 1) == total for between in range(net, total + 1))
    lots = sizing.lots(total, 1)
    assert sum(lots) == total
    for lot in lots:
        started = sizing.started(lot, 1)
        assert started >= max(lot, policy.minimum)
        assert started % (policy.multiple or 1) == 0
        assert not policy.maximum or started <= policy.maximum
        assert good_of(started, ppm, rule, 1) >= lot


def test_rate_on__changes_with_the_due_day() -> None:
    sizing = Sizing(LotPolicy(), ((10, 300_000), (20, 200_000)))
    assert [sizing.rate_on(day) for day in (9, 10, 19, 20)] == [0, 300_000, 300_000, 200_000]
