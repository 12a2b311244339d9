"""Moments are kept as text that sorts, and come back as they went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from store.columns import UtcDateTime

_SQLITE = sqlite.dialect()
_EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 2, 8, 0, tzinfo=UTC),
        datetime(2026, 11, 2, 8, 0, 0, 7, tzinfo=UTC),
        datetime(2026, 11, 2, 3, 30, 1, tzinfo=_EAST),
        datetime(26, 1, 2, tzinfo=UTC),
    ],
)
def test_utc_date_time__on_sqlite_the_text_that_sqlalchemy_makes(moment: datetime) -> None:
    ours = UtcDateTime().dialect_impl(_SQLITE).bind_processor(_SQLITE)
    theirs = sqlite.DATETIME().bind_processor(_SQLITE)  # type: ignore[no-untyped-call]
    back = UtcDateTime().dialect_impl(_SQLITE).result_processor(_SQLITE, None)
    assert ours
    assert theirs
    assert back
    assert ours(moment) == theirs(moment.astimezone(UTC).replace(tzinfo=None))
    assert back(ours(moment)) == moment


def test_utc_date_time__without_a_zone_is_refused() -> None:
    bind = UtcDateTime().dialect_impl(_SQLITE).bind_processor(_SQLITE)
    assert bind
    assert bind(None) is None
    with pytest.raises(ValueError, match="no time zone"):
        bind(datetime(2026, 11, 2))  # noqa: DTZ001 - that is what is refused
