from __future__ import annotations

from fractions import Fraction

import pytest

from planning.bom import explode, shortest_cycle

ONE = Fraction(1)


def test_explode__a_component_lies_below_all_its_parents() -> None:
    structure = {"A": {"B": ONE, "C": ONE}, "B": {"C": ONE}}
    assert explode(structure, ["A", "B", "C"], []).levels == {"A": 0, "B": 1, "C": 2}


def test_explode__phantoms_blow_through_and_paths_add_up() -> None:
    structure = {"A": {"P": Fraction(2), "X": ONE}, "P": {"Q": Fraction(3), "X": Fraction(1, 2)}, "Q": {"Y": ONE}}
    result = explode(structure, ["A", "P", "Q", "X", "Y"], ["P", "Q"])
    assert result.components["A"] == (("X", 2, 1), ("Y", 6, 1))
    assert result.levels["X"] == 1


def test_explode__a_phantom_without_components_stays() -> None:
    assert explode({"A": {"P": ONE}}, ["A", "P"], ["P"]).components == {"A": (("P", 1, 1),)}


def test_explode__a_cycle_is_named_and_only_its_own_items_lose_their_components() -> None:
    structure = {"A": {"B": ONE}, "B": {"C": ONE}, "C": {"B": ONE, "D": ONE}, "D": {"E": ONE}}
    result = explode(structure, ["A", "B", "C", "D", "E"], [])
    assert result.cycles == (("B", "C"),)
    assert result.on_cycle() == {"B", "C"}
    assert set(result.components) == {"A", "D"}


def test_explode__an_item_in_itself_is_a_cycle() -> None:
    assert explode({"A": {"A": ONE}}, ["A"], []).cycles == (("A",),)


def test_explode__deep_structures_do_not_exhaust_the_stack() -> None:
    structure = {str(n): {str(n + 1): ONE} for n in range(5_000)}
    assert explode(structure, [str(n) for n in range(5_001)], []).levels["5000"] == 5_000


def test_shortest_cycle__names_the_way_round_in_order() -> None:
    structure = {"A": {"B": ONE, "C": ONE}, "B": {"C": ONE}, "C": {"A": ONE}}
    assert shortest_cycle(structure, ["A", "B", "C"]) == ("A", "C")
    with pytest.raises(ValueError, match="on no cycle"):
        shortest_cycle({"A": {"B": ONE}}, ["A"])
