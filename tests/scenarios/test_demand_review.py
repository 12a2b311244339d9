"""The demand review of a month, as it is told: sales ask 1,000, maintenance leaves capacity for 900, a part is late."""

from __future__ import annotations

from datetime import date

import pytest

from planning.sop import (
    ChangeAsked,
    ChangeCapacity,
    Delta,
    MovePart,
    Product,
    Resource,
    Review,
    changed,
    feasible,
    review,
)

DECEMBER = date(2026, 12, 1)
WEEKS = (date(2026, 12, 1), date(2026, 12, 8), date(2026, 12, 15), date(2026, 12, 22))
MINUTES = 12.0
NORMAL = (250 * MINUTES,) * 4


def month() -> Review:
    """250 trucks a week; maintenance takes 100 of the second. 450 controllers lie there, more come ten days out."""
    truck = Product("truck", {DECEMBER: 1000.0})
    assembly = Resource(
        "assembly", "capacity", (NORMAL[0], 150 * MINUTES, *NORMAL[2:]), NORMAL, {"truck": MINUTES}, "maintenance moved"
    )
    inf = float("inf")
    controller = Resource("controller", "supply", (450.0, 450.0, inf, inf), (inf,) * 4, {"truck": 1.0}, "expedited")
    return Review(WEEKS, (truck,), (assembly, controller))


def test_review__plan_900_bands_950_and_1000() -> None:
    found = review(month())
    assert found.plan.total == 900
    assert found.plan.binding[0] == "assembly"
    assert [(band.stretched, band.plan.total) for band in found.bands] == [("assembly", 950), ("controller", 1000)]


def test_review__each_band_names_what_it_takes() -> None:
    capacity, parts = review(month()).bands
    assert (capacity.by, parts.by) == ("maintenance moved", "expedited")
    (overtime,) = capacity.takes
    assert (overtime.resource, overtime.week) == ("assembly", WEEKS[1])
    assert overtime.extra == pytest.approx(50 * MINUTES)
    extra = {one.resource: one for one in parts.takes}
    assert extra.keys() == {"assembly", "controller"}
    assert {one.week for one in extra.values()} == {WEEKS[1]}
    assert extra["controller"].extra == pytest.approx(50)
    assert extra["assembly"].extra == pytest.approx(100 * MINUTES)


def test_review__parts_alone_help_nobody_while_capacity_is_short() -> None:
    assert feasible(month(), ["controller"]).total == 900


def test_review__scenarios_stand_side_by_side() -> None:
    scenarios: dict[str, tuple[Delta, ...]] = {
        "as it is": (),
        "part a week earlier": (MovePart("controller", -1),),
        "part a week later": (MovePart("controller", 1),),
        "weekend shift": (ChangeCapacity("assembly", WEEKS[1], WEEKS[1], 60 * MINUTES),),
        "smaller order": (ChangeAsked("truck", DECEMBER, 800),),
    }
    plans = {name: feasible(changed(month(), deltas)).total for name, deltas in scenarios.items()}
    assert plans == {
        "as it is": 900, "part a week earlier": 900, "part a week later": 700, "weekend shift": 950,
        "smaller order": 800,
    }  # fmt: skip
