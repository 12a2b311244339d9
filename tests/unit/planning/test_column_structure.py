"""The structure in columns says what the structure line by line says, wrong and dated lines included."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from canonical.plan import (
    PlanBomLine,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanPolicies,
    PlanSubstitute,
    ScrapRule,
    Sourcing,
)
from canonical.plan_lines import BomLines, line_frame
from planning.column_structure import ColumnStructure
from planning.columns import NotCovered
from planning.encoding import encode
from planning.preparation import Prepared, prepare

TODAY = date(2026, 3, 2)
KINDS: tuple[Sourcing, ...] = ("make", "make", "phantom", "phantom", "subcontract", "transfer", "buy")


def _window(chance: random.Random) -> tuple[date | None, date | None]:
    if chance.random() < 0.5:
        return None, None
    first, until = (TODAY + timedelta(chance.randrange(-10, 30)) for _ in range(2))
    return chance.choice(((first, None), (None, until), (first, until), (min(first, until), max(first, until))))


def _snapshot(seed: int, scrap: str = "multiply") -> PlanningSnapshot:
    """Twelve items, a third of them phantoms within phantoms; lines double, dated, lossy and, a few, wrong."""
    chance = random.Random(seed)
    codes = [f"I{n:02d}" for n in range(12)]
    chance.shuffle(codes)
    items = tuple(PlanItem(code, "make" if n < 2 else chance.choice(KINDS)) for n, code in enumerate(codes))
    lines = []
    for upper, parent in enumerate(codes[:-1]):
        for component in chance.choices(codes[upper + 1 :], k=4):
            top, bottom = chance.choice(((1, 1), (2, 1), (1, 3), (7, 2), (0, 1), (1, -1), (5, 4)))
            lost = chance.choice((0, 0, 50_000, 1_000_000, -1))
            lines.append(
                PlanBomLine(parent, component, top, bottom, lost, *_window(chance), chance.choice((None, 10, 20)))
            )
    lines.append(PlanBomLine("nobody", codes[0], 1))
    lines.append(PlanBomLine(codes[0], "nothing", 1))
    steps = tuple(PlanOperation(code, n, scrap_ppm=chance.choice((0, 20_000))) for code in codes[:5] for n in (10, 20))
    instead = tuple(PlanSubstitute(codes[n], codes[n - 1]) for n in (5, 9))
    policies = PlanPolicies(component_scrap="divide" if scrap == "divide" else "multiply")
    return PlanningSnapshot(TODAY, items, tuple(lines), operations=steps, substitutes=instead, policies=policies)


def _both(snapshot: PlanningSnapshot) -> tuple[Prepared, Prepared]:
    return prepare(snapshot), prepare(snapshot, in_columns=True)


def _lines(prepared: Prepared) -> object:
    """The lines as the compiled planner reads them, or why it does not."""
    try:
        return encode(prepared)[0].lines.tolist()
    except NotCovered as reason:
        return str(reason)


@pytest.mark.parametrize("scrap", ["multiply", "divide"])
def test_structure__in_columns_as_line_by_line(scrap: ScrapRule) -> None:
    held_in_columns = 0
    for seed in range(120):
        listed, held = _both(_snapshot(seed, scrap))
        held_in_columns += isinstance(held.explosion, ColumnStructure)
        assert sorted(map(repr, held.admitted.problems)) == sorted(map(repr, listed.admitted.problems))
        assert dict(held.explosion.components) == listed.explosion.components
        assert held.explosion.levels == listed.explosion.levels
        assert held.blocked == listed.blocked
        for code in listed.admitted.items:
            for day in range(TODAY.toordinal() - 12, TODAY.toordinal() + 40):
                assert held.explosion.components_on(code, day) == listed.explosion.components_on(code, day)
        assert _lines(held) == _lines(listed)
    assert held_in_columns > 60


def test_structure__with_a_cycle_is_taken_line_by_line() -> None:
    items = (PlanItem("A", "make"), PlanItem("B", "make"))
    listed, held = _both(
        PlanningSnapshot(TODAY, items, (PlanBomLine("A", "B", 1), PlanBomLine("B", "A", 1), PlanBomLine("A", "C", 1)))
    )
    assert held.explosion.cycles == listed.explosion.cycles == (("A", "B"),)
    assert held.admitted.problems == listed.admitted.problems
    assert held.blocked == {"A": "bom_cycle", "B": "bom_cycle"}


def test_structure__beyond_64_bits_is_taken_line_by_line() -> None:
    items = (PlanItem("A", "make"), PlanItem("B", "buy"))
    held = prepare(PlanningSnapshot(TODAY, items, (PlanBomLine("A", "B", 2**70),)), in_columns=True)
    assert held.explosion.components == {"A": (("B", 2**70, 1),)}


def test_structure__of_phantoms_that_would_grow_beyond_measure_is_taken_line_by_line() -> None:
    """Each of twenty levels doubles what the one above draws of it, on days of its own."""
    items = tuple(PlanItem(f"P{n:02d}", "phantom" if n else "make") for n in range(21))
    lines = tuple(
        PlanBomLine(f"P{n:02d}", f"P{n + 1:02d}", 1, 1, 0, *days)
        for n in range(20)
        for days in ((None, TODAY + timedelta(2 * n)), (TODAY + timedelta(2 * n + 1), None))
    )
    listed, held = _both(PlanningSnapshot(TODAY, items, lines))
    assert dict(held.explosion.components) == listed.explosion.components


def test_bom_lines__read_as_the_lines_they_hold() -> None:
    lines = _snapshot(1).bom
    frame = line_frame(lines)
    assert frame is not None
    held = BomLines(frame)
    assert held == lines
    assert (len(held), held[3], held[-1], list(held[2:4])) == (len(lines), lines[3], lines[-1], list(lines[2:4]))
    assert held[2:4] == lines[2:4]
    assert held != lines[1:]
    assert held != 1
    snapshot = replace(_snapshot(1), bom=held)
    assert prepare(snapshot).explosion.components == prepare(_snapshot(1)).explosion.components
