"""When a timer starts, stands, starts anew and is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from canonical.calendars import ALL_DAY, Shift, WorkingCalendar
from rules.diff import Change
from rules.timers import TimerKey, Watched, Within, timer_changes

SHANGHAI = ZoneInfo("Asia/Shanghai")
DESK = WorkingCalendar("office", SHANGHAI, (*((Shift(time(8), time(16)),),) * 5, (), ()))
CALENDARS = {"office": DESK, "always": WorkingCalendar("always", SHANGHAI, (ALL_DAY,) * 7)}
NOW = datetime(2026, 11, 6, 15, tzinfo=SHANGHAI).astimezone(UTC)  # a Friday, an hour before the desks close
DAY = Within(hours=8, calendar="office")
KEY: TimerKey = ("review", "order", "SO-1")


def seen(new: Mapping[str, Any] | None, *, within: Within = DAY, fired: bool = True, holds: bool = True) -> Watched:
    change = Change("order", "SO-1", "deleted" if new is None else "changed", {}, new, ())
    return Watched("review", within, change, fired, holds)


def test_timer_changes__starts_one_where_none_stands() -> None:
    changes = timer_changes([seen({})], {}, CALENDARS, NOW)
    [draft] = changes.started
    assert (draft.base, draft.due_at) == (NOW, datetime(2026, 11, 9, 15, tzinfo=SHANGHAI))
    assert changes.cancelled == ()


def test_timer_changes__firing_again_lets_it_stand() -> None:
    changes = timer_changes([seen({})], {KEY: NOW - timedelta(hours=3)}, CALENDARS, NOW)
    assert (changes.started, changes.cancelled) == ((), ())


@pytest.mark.parametrize("watched", [seen({}, holds=False), seen(None, holds=False)])
def test_timer_changes__what_was_waited_for_cancels_it(watched: Watched) -> None:
    changes = timer_changes([watched], {KEY: NOW}, CALENDARS, NOW)
    assert (changes.started, changes.cancelled) == ((), (KEY,))


def test_timer_changes__nothing_stands_and_nothing_holds() -> None:
    changes = timer_changes([seen({}, holds=False), seen({}, fired=False)], {}, CALENDARS, NOW)
    assert (changes.started, changes.cancelled) == ((), ())


def test_timer_changes__another_day_starts_it_anew() -> None:
    within = Within.model_validate({"hours": 0, "calendar": "office", "from": "due"})
    before = DESK.end_of(date(2026, 11, 10))
    for fired in (True, False):
        moved = timer_changes(
            [seen({"due": date(2026, 11, 12)}, within=within, fired=fired)], {KEY: before}, CALENDARS, NOW
        )
        assert moved.cancelled == (KEY,)
        assert [draft.due_at for draft in moved.started] == [DESK.end_of(date(2026, 11, 12))]
    still = timer_changes([seen({"due": date(2026, 11, 10)}, within=within)], {KEY: before}, CALENDARS, NOW)
    assert (still.started, still.cancelled) == ((), ())
    gone = timer_changes([seen({"due": None}, within=within)], {KEY: before}, CALENDARS, NOW)
    assert (gone.started, gone.cancelled) == ((), (KEY,))


def test_within__days_end_with_the_day() -> None:
    assert Within(days=2, calendar="office").due(NOW, DESK) == datetime(2026, 11, 11, tzinfo=SHANGHAI)


def test_within__counts_from_a_moment_as_it_is() -> None:
    within = Within.model_validate({"hours": 2, "calendar": "always", "from": "at"})
    [draft] = timer_changes([seen({"at": NOW}, within=within)], {}, CALENDARS, NOW + timedelta(days=9)).started
    assert draft.due_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize("said", [{}, {"hours": 1, "days": 1}, {"hours": -1}])
def test_within__says_one_amount(said: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Within.model_validate({"calendar": "office", **said})


@pytest.mark.parametrize(
    ("amount", "base", "due"),
    [
        ({"days": 2}, datetime(9999, 12, 30, tzinfo=UTC), None),
        ({"hours": 80}, datetime(9999, 12, 30, tzinfo=UTC), None),
        ({"hours": 8}, datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_due__at_the_ends_of_time(amount: dict[str, int], base: datetime, due: datetime | None) -> None:
    within = Within.model_validate({**amount, "calendar": "office"})
    assert within.due(base, DESK) == due
    started = timer_changes([seen({"due": base}, within=within)], {}, {"office": DESK}, base).started
    assert [draft.due_at for draft in started] == ([] if due is None else [due])


@pytest.mark.parametrize(("amount", "hours"), [({"days": 2}, 48), ({"hours": 3}, 3)])
def test_due__where_nobody_works_any_more_it_is_counted_around_the_clock(amount: dict[str, int], hours: int) -> None:
    over = WorkingCalendar("over", SHANGHAI, ((),) * 7, {date(2024, 1, 1): (Shift(time(8), time(16)),)})
    assert Within.model_validate({**amount, "calendar": "over"}).due(NOW, over) == NOW + timedelta(hours=hours)


def test_timer_changes__the_last_day_of_all_starts_none() -> None:
    within = Within.model_validate({"hours": 0, "calendar": "office", "from": "due"})
    assert timer_changes([seen({"due": date.max}, within=within)], {}, CALENDARS, NOW).started == ()
