"""Sales and operations planning: what is feasible over several products and months."""

from __future__ import annotations

from datetime import date
from unittest.mock import Mock

import pytest

from planning import sop
from planning.sop import ChangeAsked, ChangeCapacity, Product, Resource, Review, changed, feasible, review

JAN, FEB = date(2027, 1, 1), date(2027, 2, 1)
WEEKS = tuple(date(2027, 1, day) for day in (1, 8, 15, 22)) + tuple(date(2027, 2, day) for day in (1, 8, 15, 22))
INF = float("inf")


def centre(weekly: float, uses: dict[str, float], stretched: float = INF) -> Resource:
    return Resource("line", "capacity", (weekly,) * 8, (stretched,) * 8, uses)


def test_feasible__all_of_it_where_nothing_limits() -> None:
    found = feasible(Review(WEEKS, (Product("A", {JAN: 5, FEB: 7}),), ()))
    assert found.ready["A"] == {JAN: 5, FEB: 7}
    assert found.binding == ()


def test_feasible__builds_ahead_for_a_month_above_capacity() -> None:
    """100 a week: February asks for 500, January for 300; what January leaves is made then."""
    found = feasible(Review(WEEKS, (Product("A", {JAN: 300, FEB: 500}),), (centre(100, {"A": 1}),)))
    assert found.ready["A"] == {JAN: 300, FEB: 500}
    assert sum(found.made["A"][:4]) == pytest.approx(400)


def test_feasible__who_waited_is_served_later() -> None:
    found = feasible(Review(WEEKS, (Product("A", {JAN: 600, FEB: 100}),), (centre(100, {"A": 1}),)))
    assert found.ready["A"] == {JAN: 400, FEB: 300}


def test_feasible__stock_and_orders_under_way_count() -> None:
    product = Product("A", {JAN: 600}, opening=50, arriving={1: 30})
    found = feasible(Review(WEEKS, (product,), (centre(100, {"A": 1}),)))
    assert found.ready["A"][JAN] == 480


def test_feasible__the_heavier_product_goes_first() -> None:
    products = (Product("A", {JAN: 400}), Product("B", {JAN: 400}, weight=3))
    found = feasible(
        Review(WEEKS[:4], products, (Resource("line", "capacity", (100,) * 4, (INF,) * 4, {"A": 1, "B": 1}),))
    )
    assert (found.ready["A"][JAN], found.ready["B"][JAN]) == (0, 400)


def test_feasible__whole_pieces_come_out() -> None:
    found = feasible(
        Review(WEEKS[:4], (Product("A", {JAN: 100}),), (Resource("line", "capacity", (10,) * 4, (INF,) * 4, {"A": 3}),))
    )
    assert found.ready["A"][JAN] == 13


def test_review__solves_nothing_more_where_all_that_is_asked_for_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """January waits for the part, and has it in February: stretching it would give nobody a piece more."""
    solved = Mock(wraps=feasible)
    monkeypatch.setattr(sop, "feasible", solved)
    part = Resource("part", "supply", (0, 0, 0, 0, INF, INF, INF, INF), (INF,) * 8, {"A": 1})
    found = review(Review(WEEKS, (Product("A", {JAN: 50, FEB: 50}),), (part, centre(100, {"A": 1}))))
    assert found.plan.ready["A"] == {JAN: 0, FEB: 100}
    assert found.plan.binding == ("part",)
    assert found.bands == ()
    assert solved.call_count == 1


def test_review__two_work_centres_that_bind_alike_are_stretched_together() -> None:
    both = tuple(Resource(name, "capacity", (100,) * 4, (INF,) * 4, {"A": 1}) for name in ("saw", "mill"))
    found = review(Review(WEEKS[:4], (Product("A", {JAN: 500}),), both))
    assert found.plan.total == 400
    (band,) = found.bands
    assert band.plan.total == 500
    assert {one.resource for one in band.takes} == {"saw", "mill"}


def test_review__a_stretch_has_its_end() -> None:
    found = review(Review(WEEKS, (Product("A", {JAN: 1000}),), (centre(100, {"A": 1}, 120),)))
    assert found.plan.ready["A"] == {JAN: 400, FEB: 400}
    assert found.bands[0].plan.ready["A"] == {JAN: 480, FEB: 480}


def test_review__nothing_binds_where_all_is_ready() -> None:
    assert review(Review(WEEKS, (Product("A", {JAN: 10}),), (centre(100, {"A": 1}),))).bands == ()


def test_review__of_nothing() -> None:
    assert review(Review(WEEKS, (), ())).plan.total == 0


def test_changed__what_is_not_there_is_named() -> None:
    of = Review(WEEKS, (Product("A", {JAN: 10}),), (centre(100, {"A": 1}),))
    for delta in (ChangeAsked("B", JAN, 1), ChangeCapacity("saw", JAN, FEB, 1)):
        with pytest.raises(KeyError):
            changed(of, [delta])
    assert feasible(changed(of, [ChangeCapacity("line", WEEKS[0], WEEKS[-1], -99)])).ready["A"][JAN] == 4
