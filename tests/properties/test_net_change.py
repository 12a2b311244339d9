"""Changed demands, planned beside the plan that stands, give exactly what planning everything gives."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from canonical.plan import PlanDemand, PlanningSnapshot
from planning import beside
from planning.answers import Figures, figures
from planning.columns import NotCovered
from planning.coverage.days import Coverage, Covered
from planning.coverage.figures import figures_of
from planning.feasible import moved
from planning.mrp import plan_plainly
from planning.net_change import Changed, StandingPlan
from planning.preparation import prepare

_spec = importlib.util.spec_from_file_location("planning_models", Path(__file__).with_name("test_compiled_planner.py"))
assert _spec is not None
assert _spec.loader is not None
models: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

TODAY = date(2026, 3, 2)
SUITE = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

rush = st.lists(
    st.builds(
        PlanDemand,
        st.sampled_from(("d0", "d2", "n1", "m|1", "zz|R1|9")),
        st.sampled_from(models.CODES),
        st.integers(1, 19),
        st.integers(-2, 30).map(lambda offset: TODAY + timedelta(offset)),
        st.sampled_from(("R1", "R2", "Q", "t")),
        st.sampled_from((0, 0, -1, 5)),
        st.sampled_from((None, "c1", "c2")),
    ),
    max_size=3,
    unique_by=lambda row: row.key,
).map(tuple)


@SUITE
@given(st.data())
def test_changed__equals_planning_everything(data: st.DataObject) -> None:
    snapshot: PlanningSnapshot = data.draw(models.snapshots())
    try:
        standing = StandingPlan(snapshot)
    except NotCovered as reason:
        event(f"base: {reason}")
        return
    base, coverage = plan_plainly(prepare(snapshot)), _coverage(standing)
    for tight in (data.draw(st.booleans()), False):
        if tight:
            _leave_no_room(standing, coverage)
        known = {row.key: row for row in standing.prepared.admitted.demands}
        added, dropped = _change(data, known)
        after = tuple(row for row in snapshot.demands if row.key not in dropped)
        before = coverage.before(added, dropped) if coverage else None
        try:
            with (
                patch.object(beside, "PARALLEL_FROM", data.draw(st.sampled_from((1, beside.PARALLEL_FROM)))),
                standing.changed(added, dropped) as change,
            ):
                outcome = change.plan()
                days = coverage.beside(change) if coverage else None
                moves = coverage.moved(change, before, days) if coverage and before and days else ()
                counted = _figures(coverage, days, change) if coverage and days else None
        except NotCovered as reason:
            event(f"change: {reason}")
            continue
        event("compared")
        changed = replace(snapshot, demands=(*after, *added))
        expected = plan_plainly(prepare(changed))
        assert outcome == expected
        assert outcome.availability == expected.availability
        if coverage:
            event("who moves compared" if before is coverage.base else "who moves compared, wanted earlier")
            assert moves == moved((base, snapshot), (expected, changed))
        if counted:
            event("figures compared")
            assert counted == figures(expected, changed)
    with standing.changed() as same:
        assert same.plan() == plan_plainly(prepare(snapshot))
        assert not len(same.items)
        assert not len(same.planned)


def _change(data: st.DataObject, known: dict[str, PlanDemand]) -> tuple[tuple[PlanDemand, ...], set[str]]:
    """Demands that come and go, or that are there and come back, earlier or later."""
    if not known or data.draw(st.booleans()):
        return data.draw(rush), data.draw(st.sets(st.sampled_from(sorted(known)), max_size=2)) if known else set()
    dropped = data.draw(st.sets(st.sampled_from(sorted(known)), min_size=1, max_size=3))
    days, quantity = st.integers(-12, 6).map(timedelta), st.integers(1, 19)
    again = (replace(known[key], due=known[key].due + data.draw(days)) for key in sorted(dropped))
    return tuple(replace(row, quantity=data.draw(quantity | st.just(row.quantity))) for row in again), dropped


def _leave_no_room(standing: StandingPlan, coverage: Coverage | None) -> None:
    """Let the tables end where the standing rows end, so that the change has to make room for its own."""
    base = standing.beside.base
    orders, pegs, shorts = base.pages.filled.tolist()
    pages = base.pages
    standing.beside.base = base._replace(
        pages=pages._replace(
            orders=pages.orders[:orders],
            draws=pages.draws[:orders],
            pegs=pages.pegs[:pegs],
            shorts=pages.shorts[:shorts],
        )
    )
    if coverage:
        coverage.board = coverage.board._replace(late=coverage.board.late[: coverage.filled])


def _figures(coverage: Coverage, days: Covered, change: Changed) -> Figures | None:
    try:
        return figures_of(coverage, days, change)
    except NotCovered as reason:
        event(f"figures: {reason}")
        return None


def _coverage(standing: StandingPlan) -> Coverage | None:
    try:
        return Coverage(standing)
    except NotCovered as reason:
        event(f"coverage: {reason}")
        return None
