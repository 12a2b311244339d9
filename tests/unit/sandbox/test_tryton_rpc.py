"""Tryton's typed JSON, there and back."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from sandbox.tryton.rpc import decode, encode


@pytest.mark.parametrize(
    "value",
    [
        Decimal("12.50"),
        dt.date(2026, 11, 22),
        dt.datetime(2026, 11, 22, 10, 21, 5, 17),  # noqa: DTZ001 - Tryton's times are naive
        dt.timedelta(days=3, seconds=4),
    ],
)
def test_encode__typed_value__comes_back_the_same(value: object) -> None:
    assert json.loads(json.dumps([value], default=encode), object_hook=decode) == [value]


def test_encode__unknown_type__is_refused() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        encode({1})


def test_decode__plain_object__passes_through() -> None:
    assert decode({"id": 3, "code": "1.10"}) == {"id": 3, "code": "1.10"}
