from __future__ import annotations

import pytest

from canonical.errors import UnmappableRecord
from connectors.template import fill, fill_path, names_in


def test_fill__one_placeholder_takes_the_value_as_it_is() -> None:
    assert fill({"Model": "{payload}", "n": "{limit}"}, {"payload": {"a": [1]}, "limit": 5}) == {
        "Model": {"a": [1]},
        "n": 5,
    }


def test_fill__optional_without_value_leaves_the_key_out() -> None:
    assert fill({"since": "{since?}", "list": ["{cursor?}", "x"]}, {}) == {"list": ["x"]}


def test_fill__missing_value_is_named() -> None:
    with pytest.raises(UnmappableRecord, match="native_id"):
        fill("{native_id}", {})


def test_fill__dotted_names_go_through_mappings_and_lists() -> None:
    assert fill("{payload.rows.0.qty}", {"payload": {"rows": [{"qty": 3}]}}) == 3


@pytest.mark.parametrize("value", ["x' OR '1'='1", 'a"b', "a\\b", "a\nb"])
def test_fill__text_inside_a_query_may_not_break_out(value: str) -> None:
    with pytest.raises(UnmappableRecord):
        fill("WHERE Ref = '{reference}'", {"reference": value})


def test_fill_path__values_are_encoded() -> None:
    assert fill_path("/v1/orders/{native_id}", {"native_id": "a/../b?c"}) == "/v1/orders/a%2F..%2Fb%3Fc"


def test_names_in__finds_all() -> None:
    assert names_in({"a": "{x}/{y.z?}", "b": ["{w}"]}) == {"x", "y.z", "w"}
