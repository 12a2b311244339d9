from __future__ import annotations

from planning.netting import Matching, Need, Supply


def test_matching__honours_claims_and_returns_those_on_orders_still_to_be_made() -> None:
    need = Need((0, 0), 10, "R", "c", 9)
    matching = Matching([need], [Supply("s", "on_hand", 1, 2), Supply("po", "receipt", 5, 3, origin="P|R|1")])
    claims = [("s", "on_hand", 2), ("P|R|1", "planned", 3), ("P|Q|1", "planned", 4)]
    assert matching.honour({"c": [*claims]}, frozenset()) == {"c": [("P|Q|1", "planned", 4)]}
    assert need.open == 4


def test_matching__what_arrived_is_found_in_stock_before_others_take_it() -> None:
    first, second = Need((0, 0), 10, "A", "a", 5), Need((0, 0), 11, "B", "b", 5)
    matching = Matching([first, second], [Supply("s", "on_hand", 1, 5)])
    assert matching.honour({"b": [("gone", "receipt", 5)]}, frozenset()) == {}
    matching.allocate(latest_first=True, late_until=None)
    assert (first.open, second.open) == (5, 0)


def test_matching__a_later_receipt_is_taken_up_to_the_day_a_new_order_arrives() -> None:
    need = Need((0, 0), 10, "A", "a", 5)
    matching = Matching([need], [Supply("late", "receipt", 14, 2), Supply("too_late", "receipt", 16, 9)])
    matching.allocate(latest_first=True, late_until=15)
    assert need.open == 3
    assert [need.consumer for need in matching.open_needs()] == ["a"]
