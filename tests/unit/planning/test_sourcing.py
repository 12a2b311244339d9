"""Who delivers an order, held against asking every supplier anew for each order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.plan import PlanCalendar, PlanItem, PlanPolicies, PlanSupplier
from planning.sourcing import Sourcing
from planning.workdays import EVERY_DAY, WorkDays

TODAY = date(2026, 3, 5).toordinal()
MOST = 12

calendars = st.builds(
    PlanCalendar,
    st.just("FACTORY"),
    st.lists(st.booleans(), min_size=7, max_size=7).filter(any).map(tuple),
    st.lists(
        st.tuples(st.integers(-9, 40).map(lambda n: date.fromordinal(TODAY) + timedelta(n)), st.booleans()), max_size=6
    ).map(tuple),
)
workdays = st.one_of(st.just(EVERY_DAY), calendars.map(WorkDays))
suppliers = st.builds(
    PlanSupplier,
    st.sampled_from(["near", "far", "other"]),
    st.integers(0, MOST),
    st.integers(0, 3),
    price=st.integers(0, 3),
)


@settings(deadline=None)
@given(workdays, st.integers(-9, 9), st.integers(0, MOST))
def test_first_due__starts_in_time_and_a_day_earlier_does_not(days: WorkDays, begin: int, lead: int) -> None:
    start, found = TODAY + begin, days.first_due(TODAY + begin, lead)
    assert days.start(found, lead) >= start
    assert days.start(found - 1, lead) < start


@settings(deadline=None)
@given(
    workdays,
    st.lists(suppliers, min_size=1, max_size=3, unique_by=lambda one: one.name),
    st.sampled_from(["buy", "subcontract"]),
    st.sampled_from(["priority", "price"]),
    st.lists(st.integers(-3, 30), min_size=1, max_size=8),
)
def test_source__is_whom_asking_all_of_them_gives(
    days: WorkDays, offers: list[PlanSupplier], sourcing: str, choice: str, dues: list[int]
) -> None:
    item = PlanItem("A", sourcing, 5, suppliers=tuple(offers))  # type: ignore[arg-type]
    found = Sourcing(TODAY, replace(PlanPolicies(), supplier_choice=choice), {"A": days})  # type: ignore[arg-type]
    for due in dues:
        kept = [one for one in offers if sourcing != "buy" or days.start(TODAY + due, one.lead_time_days) >= TODAY]
        liked = {one.name: (one.price, one.priority) if choice == "price" else (one.priority, 0) for one in offers}
        order: list[Any] = [(liked[one.name], one.lead_time_days, one.name) for one in kept] or [
            (one.lead_time_days, liked[one.name], one.name) for one in offers
        ]
        assert found.source(item, TODAY + due, 1)[0] == min(order)[-1]


def test_source__quota_counts_what_he_has_had() -> None:
    offers = (PlanSupplier("a", 1, quota=3), PlanSupplier("b", 1, quota=1))
    item = PlanItem("A", "buy", suppliers=offers)
    found = Sourcing(TODAY, replace(PlanPolicies(), supplier_choice="quota"), {})
    assert [found.source(item, TODAY + 9, 100)[0] for _ in range(4)].count("a") == 3


@pytest.mark.parametrize("sourcing", ["make", "transfer"])
def test_source__who_makes_it_asks_nobody(sourcing: str) -> None:
    item = PlanItem("A", sourcing, 4, suppliers=(PlanSupplier("a", 1),))  # type: ignore[arg-type]
    assert Sourcing(TODAY, PlanPolicies(), {}).source(item, TODAY, 1) == (None, 4)
