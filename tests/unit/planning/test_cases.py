from __future__ import annotations

from typing import Any

import pytest

from planning.cases import UnknownCaseKind, run_case


def table(lot: dict[str, Any], gross: dict[str, int], **item: int) -> dict[str, Any]:
    row = {"on_hand": 0, "safety_stock": 0, "lead_time": 1, "lot": lot, **item}
    return {"kind": "mrp_table", "buckets": 6, "items": {"X": row}, "gross": {"X": gross}}


def test_run_case__reads_releases_and_past_due_off_the_plan() -> None:
    answer = run_case(table({"rule": "L4L"}, {"1": 5, "4": 7}))
    assert answer == {"X": {"receipts": {"1": 5, "4": 7}, "releases": {"past_due": 5, "3": 7}}}


def test_run_case__two_parents_needs_in_one_bucket_share_one_minimum() -> None:
    document = {
        "kind": "mrp_table",
        "buckets": 3,
        "items": {code: {"lot": {"rule": "L4L"}} for code in "AB"} | {"C": {"lot": {"rule": "MINMAX", "min": 50}}},
        "bom": [{"parent": "A", "component": "C", "qty": 0.5}, {"parent": "B", "component": "C", "qty": 1}],
        "gross": {"A": {"2": 60}, "B": {"2": 30}},
        "expected": {"C": {"orders": {}, "on_hand_end": {"2": 0}}},
    }
    lines = run_case(document)["C"]
    assert lines["orders"] == {"2": [60]}
    assert lines["on_hand_end"] == {"2": 0}


def test_run_case__periods_in_one_order() -> None:
    answer = run_case(table({"rule": "POQ", "periods": 3}, {"2": 10, "4": 20, "5": 30}, on_hand=4))
    assert answer["X"]["receipts"] == {"2": 26, "5": 30}


def test_run_case__an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnknownCaseKind, match="mrp_table"):
        run_case({"kind": "tarot"})


def test_run_case__scrap_and_minimum_through_the_planner() -> None:
    document = {
        "kind": "lot_sizing",
        "scrap_rule": "add_percent_round_up",
        "cases": [{"net": 120, "scrap_pct": 5, "lot": {"rule": "MULTIPLE", "multiple": 50}, "expected_yield": 0}],
    }
    assert run_case(document) == {"cases": [{"expected_order": 150, "expected_yield": 142}]}


def test_run_case__a_tables_scrap_starts_more_than_is_needed() -> None:
    document = table({"rule": "L4L"}, {"4": 90}, scrap_pct=10)
    assert run_case(document)["X"]["releases"] == {"3": 100}
