"""Strict JSON: exact, canonical, and refusing what a careful sender would not send."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.strict_json import canonical, dumps, loads, loads_canonical


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', "NaN", "[Infinity]", "-Infinity", "1e999", "[" * 100_000, '{"a": }', ""]
)
def test_loads__refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        loads(text)


def test_loads__keeps_decimals_exact_and_codes_text() -> None:
    assert loads('{"a": 1.10, "b": "007", "c": 3}') == {"a": Decimal("1.10"), "b": "007", "c": 3}


def test_dumps__is_canonical() -> None:
    value = {"b": Decimal("60.000"), "a": date(2026, 11, 2), "c": datetime(2026, 11, 2, 8, tzinfo=UTC), "d": "钢"}
    assert dumps(value) == '{"a": "2026-11-02", "b": "60", "c": "2026-11-02T08:00:00+00:00", "d": "钢"}'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_decimals__come_back_as_they_went(value: Decimal) -> None:
    assert Decimal(loads(dumps(value))) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"b": [1, 2.50, -0.0, 1e5, 3.0], "a": {"z": null, "k": true}}', '[{"item": "A", "quantity": "1.50"}]',
        "12345678901234567890", "0.000000001", '"1.0"',
    ],
)  # fmt: skip
def test_loads_canonical__is_what_dumps_and_loads_make_of_it(text: str) -> None:
    found = loads_canonical(text)
    assert found == loads(dumps(loads(text)))
    assert dumps(found) == dumps(loads(text))


def test_loads_canonical__is_as_strict() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        loads_canonical('{"a": 1, "a": 2}')
    with pytest.raises(ValueError, match="out of range"):
        loads_canonical("[1e999]")


class _Word(StrEnum):
    ONE = "one"


_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False, width=16),
        st.decimals(allow_nan=False, allow_infinity=False, places=4), st.just(Decimal("1E+3")), st.dates(),
        st.datetimes(timezones=st.just(UTC)), st.times(), st.just(_Word.ONE),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.dictionaries(st.integers(), inner, max_size=2),
    ),
    max_leaves=8,
)  # fmt: skip


@given(_VALUES)
def test_canonical__is_what_dumps_and_loads_make_of_it(value: object) -> None:
    """Of the same types and in the same order as well."""
    expected = loads(dumps(value))
    assert repr(canonical(value)) == repr(expected)


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {"a": object()}])
def test_canonical__refuses_what_dumps_refuses(value: object) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        dumps(value)
    with pytest.raises(refused.type):
        canonical(value)
