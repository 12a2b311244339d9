from __future__ import annotations

import json
from typing import Any

import pytest

from canonical.errors import ConfigurationError
from canonical.json_places import parse
from canonical.strict_yaml import checked
from planning.cases.amounts import CaseRefused
from planning.cases.running import form_of, left_out
from planning.cases.running import run_case as answer_of


def run_case(document: dict[str, Any]) -> Any:
    """The answer to a case as it comes out of a file."""
    read = parse(json.dumps(document), "case.json")
    return answer_of(checked(read, form_of(read.values)))


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
    with pytest.raises(CaseRefused, match="mrp_table"):
        run_case({"kind": "tarot"})


def test_run_case__scrap_and_minimum_through_the_planner() -> None:
    document = {
        "kind": "lot_sizing",
        "scrap_rule": "add_percent_round_up",
        "cases": [
            {"net": 120, "scrap_pct": 5, "lot": {"rule": "MULTIPLE", "multiple": 50}, "expected_yield": 0},
            {"net": 120, "scrap_pct": 5, "lot": {"rule": "MULTIPLE", "multiple": 50}},
        ],
    }
    assert run_case(document) == {"cases": [{"expected_yield": 142}, {"expected_order": 150}]}


def test_run_case__a_tables_scrap_starts_more_than_is_needed() -> None:
    document = table({"rule": "L4L"}, {"4": 90}, scrap_pct=10)
    assert run_case(document)["X"]["releases"] == {"3": 100}


def test_run_case__a_phantoms_stock_is_netted_before_it_is_blown_through() -> None:
    document = {
        "kind": "mrp_table",
        "items": {"BIKE": {}, "KIT": {"phantom": True, "on_hand": 4, "lead_time": 3}, "BOLT": {}},
        "bom": [{"parent": "BIKE", "component": "KIT", "qty": 2}, {"parent": "KIT", "component": "BOLT", "qty": 3}],
        "gross": {"BIKE": {"2": 5}, "KIT": {"3": 1}},
        "expected": {"KIT": {}, "BOLT": {"on_hand_end": {}, "gross": {}}},
    }
    answer = run_case(document)
    assert answer["KIT"] == {"receipts": {}, "releases": {}}
    assert answer["BOLT"]["receipts"] == answer["BOLT"]["gross"] == {"2": 18, "3": 3}
    assert answer["BOLT"]["on_hand_end"] == {"1": 0, "2": 0, "3": 0}


def test_run_case__a_phantoms_own_requirement_draws_on_its_parts() -> None:
    document = {
        "kind": "mrp_table",
        "items": {"KIT": {"phantom": True}, "BOLT": {"on_hand": 10}},
        "bom": [{"parent": "KIT", "component": "BOLT", "qty": 3}],
        "gross": {"KIT": {"1": 2, "2": 2}},
        "expected": {"BOLT": {"on_hand_end": {"1": 0, "2": 0}}},
    }
    assert run_case(document)["BOLT"] == {"receipts": {"2": 2}, "releases": {"2": 2}, "on_hand_end": {"1": 4, "2": 0}}


def test_run_case__stock_below_zero_and_what_running_orders_hold_are_needed_at_once() -> None:
    document = {
        "kind": "mrp_table",
        "buckets": 2,
        "items": {"A": {"on_hand": -3}, "B": {"on_hand": 8, "allocated": 5}, "C": {"on_hand": 8}, "D": {}},
        "gross": {"A": [2], "B": [4], "C": {"2": 4}},
        "receipts": [{"item": "D", "bucket": 2, "qty": 6, "components": [{"item": "C", "qty": 6}]}],
        "expected": {code: {"on_hand_end": {}} for code in "ABCD"},
    }
    answer = run_case(document)
    assert [answer[code]["receipts"] for code in "ABCD"] == [{"1": 5}, {"1": 1}, {"2": 2}, {}]
    assert answer["D"]["on_hand_end"] == {"1": 0, "2": 6}
    assert answer["C"]["on_hand_end"] == {"1": 8, "2": 0}


def test_run_case__buckets_are_numbers_overdue_or_dates() -> None:
    document = {
        "kind": "mrp_table",
        "buckets": 4,
        "bucket_unit": "week (1 = 2026-03-02)",
        "items": {"X": {"lead_time": 1}},
        "gross": {"X": {"past_due": 1, "2026-03-17": 5, "4": 2, "9": 100}},
    }
    assert run_case(document) == {
        "X": {"receipts": {"1": 1, "3": 5, "4": 2}, "releases": {"past_due": 1, "2": 5, "3": 2}}
    }
    read = parse(json.dumps(document), "case.json").values
    assert list(left_out(form_of(read).model_validate(read))) == [
        (("gross", "X", "9"), "after the last bucket, left out")
    ]


def test_run_case__huge_and_tiny_quantities() -> None:
    document = table({"rule": "L4L"}, {"2": 0}, on_hand=1)
    document["gross"]["X"] = {"2": 0.0005, "4": 123456789012345}
    document["items"]["X"]["on_hand"] = 0
    assert run_case(document)["X"]["receipts"] == {"2": 0.0005, "4": 123456789012345}
    document["gross"]["X"] = {"2": 0.00035}
    assert run_case(document)["X"]["receipts"] == {"2": 0.00035}


def test_run_case__net_and_gross_lines() -> None:
    document = table({"rule": "FOQ", "qty": 40}, {"1": 10, "3": 45}, on_hand=15, safety_stock=8)
    document["expected"] = {"X": {"net": {}, "gross": {}, "scheduled_receipts": {}, "orders_total": 0, "order_qty": 0}}
    answer = run_case(document)["X"]
    assert answer["gross"] == {"1": 10, "3": 45}
    assert answer["net"] == {"1": 3, "3": 8}
    assert (answer["orders_total"], answer["order_qty"], answer["scheduled_receipts"]) == (80, 40, {})


def test_run_case__deliveries_say_who_waits() -> None:
    document = {
        "kind": "ctp",
        "today": "2026-03-02",
        "on_hand": {"A": 4},
        "suppliers": {"A": [{"name": "S", "lead_time_days": 9, "priority": 1, "min": 20}]},
        "demands": [{"item": "A", "qty": 10, "due": "2026-03-05"}, {"item": "A", "qty": 12, "due": "2026-04-01"}],
        "expected": {"purchases": [{"qty": 0, "end": ""}], "deliveries": [{"end": "", "days_late": 0}]},
    }
    assert run_case(document) == {
        "purchases": [{"qty": 20, "end": "2026-03-11"}],
        "deliveries": [{"end": "2026-03-11", "days_late": 6}, {"end": "2026-04-01", "days_late": 0}],
    }


def test_run_case__an_order_no_component_is_in_force_for() -> None:
    document = {
        "kind": "effectivity",
        "rule": [{"item": "old", "effective_end": "2026-03-04"}],
        "lead_time_days": 2,
        "demands": [{"due": "2026-03-05T00:00:00", "qty": 1}, {"due": "2026-03-06", "qty": 1}],
    }
    assert run_case(document) == [{"start": "2026-03-03", "item": "old"}, {"start": "2026-03-04", "item": None}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items": {"X": {"lot": {"rule": "FOQ"}}}}, "items.X.lot: a fixed lot needs its `qty`"),
        ({"items": {"X": {"lot": {"rule": "POQ", "periods": 0}}}}, "a lot by period needs its `periods`"),
        ({"items": {"X": {"lot": "EOQ"}}}, "needs the `multiple`"),
        ({"items": {"X": {"lot": "GUESS"}}}, "items.X.lot: Input should be 'L4L'"),
        ({"items": {"X": {"on_hand": "much"}}}, "items.X.on_hand"),
        ({"items": {"X": {"lead_time": 1.5}}}, "items.X.lead_time"),
        ({"items": {"X": {"scrap_pct": 100}}}, "items.X.scrap_pct: Input should be less than 100"),
        ({"items": []}, "items: keys with values belong here"),
        ({"gross": {"X": {"2": -1}}}, "gross.X.2: Input should be greater than or equal to 0"),
    ],
)
def test_run_case__what_a_case_cannot_say_is_placed(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        run_case({**table({"rule": "L4L"}, {"2": 1}), **change})
    assert said in str(raised.value)
    assert "case.json:1:" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gross": {"Y": {"2": 1}}}, "gross.Y: item 'Y' is not among `items`"),
        ({"bom": [{"parent": "X", "component": "Z"}]}, "bom.0.component: item 'Z'"),
        ({"bom": [{"parent": "X", "component": "X"}]}, "items.X: bom_cycle"),
        ({"gross": {"X": {"soon": 1}}}, "gross.X.soon: 'soon' is no bucket"),
        ({"gross": {"X": {"2026-01-01": 1}}}, "nothing says which day bucket 1 is"),
        ({"expected": {"X": {"reciepts": {}}}}, "expected.X.reciepts: no line 'reciepts' is known"),
        ({"expected": {"X": {"on_hand_end": {"77": 0}}}}, "the table has no bucket '77'"),
        ({"items": {"X": {"lot": {"min": 50, "max": 20}}}}, "items.X: bad_lot_policy"),
    ],
)
def test_run_case__what_contradicts_itself_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseRefused) as raised:
        run_case({**table({"rule": "L4L"}, {"2": 1}), **change})
    assert said in str(raised.value)
