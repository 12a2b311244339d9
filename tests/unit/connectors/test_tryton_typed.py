"""Tryton's typed JSON as plain JSON, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from connectors.tryton.typed import plain, typed


def test_typed__moment_of_another_zone__leaves_in_utc() -> None:
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=8)))
    assert typed(moment) == {
        "__class__": "datetime", "year": 2025, "month": 12, "day": 31,
        "hour": 17, "minute": 30, "second": 0, "microsecond": 0,
    }  # fmt: skip


def test_plain__typed_values__become_exact_json() -> None:
    sent = [typed(Decimal("12.50")), typed(date(2026, 2, 3)), typed(datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC))]
    assert plain(sent) == [Decimal("12.50"), "2026-02-03", "2026-02-03T04:05:06.000007"]
    assert plain({"__class__": "timedelta", "seconds": 4 * 86400 + 60}) == {"days": 4, "seconds": 60}


def test_plain__related_record__stands_under_the_field_with_its_id() -> None:
    assert plain({"unit": 3, "unit.": {"rec_name": "Unit"}}) == {"unit": {"id": 3, "rec_name": "Unit"}}
    assert plain({"party.": {"id": 2, "code": "007"}}) == {"party": {"id": 2, "code": "007"}}
    assert plain({"supplier": None, "supplier.": None}) == {"supplier": None}


def test_plain__lines_of_a_record__are_lists_of_records() -> None:
    sent = {"lines": [4], "lines.": [{"id": 4, "product.": {"id": 1, "code": "A"}}]}
    assert plain(sent) == {"lines": [{"id": 4, "product": {"id": 1, "code": "A"}}]}
