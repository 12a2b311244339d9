"""Timers fire once: across restarts, several processes, kills, and whatever the clock does."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from rules.calendars import public_holidays
from store import events, tasks
from tests.unit.pipeline.timed_plant import Desk

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("timed_plant.py")
MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
OFFICE_HOURS = ((8.5, 12), (13, 17.5))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "desk", MONDAY)
    yield opened
    opened.hub.close()


def test_fire_due__after_24_working_hours_and_not_before(desk: Desk) -> None:
    desk.changed({}, {"SO-1": "received"})
    desk.moment = datetime(2026, 11, 5, 0, 59, tzinfo=UTC)  # three days of eight hours later, less a minute
    assert desk.fire().timers == 0
    desk.moment += timedelta(minutes=1)
    fired = desk.fire()
    assert (fired.rules, fired.notices, fired.tasks) == ({"answer-in-time": 1}, 1, 1)
    assert desk.fire().timers == 0
    assert desk.told() == ["SO-1"]
    with desk.hub.store.read() as tx:
        [task] = tasks.listed(tx)
        assert task.due_at == datetime(2026, 11, 6, 16, tzinfo=UTC)  # when the next working day is over
        [event] = [one for one in events.listed(tx) if one.kind == "overdue"]
        assert (event.key, event.origin) == ("SO-1", "rule:answer-in-time")
        assert task.cause == event.id


def test_fire_due__nothing_once_the_awaited_thing_has_happened(desk: Desk) -> None:
    desk.changed({}, {"SO-1": "received", "SO-2": "received"})
    desk.changed({"SO-1": "received", "SO-2": "received"}, {"SO-1": "planned"})
    desk.moment += timedelta(days=30)
    assert desk.fire().timers == 0
    assert desk.counts() == {"cancelled": 2}


def test_fire_due__again_when_it_has_to_be_waited_for_again(desk: Desk) -> None:
    for _ in range(2):
        desk.changed({"SO-1": "planned"}, {"SO-1": "received"})
        desk.moment += timedelta(days=30)
        assert desk.fire().timers == 1
        desk.changed({"SO-1": "received"}, {"SO-1": "planned"})
    assert desk.counts() == {"closed": 2}


def test_fire_due__a_clock_that_jumps_back_and_forth_lets_nothing_go_twice(desk: Desk) -> None:
    desk.changed({}, {"SO-1": "received"})
    jumps = [3, -2, 4, -30, 400, -400, 5]
    fired = []
    for days in jumps:
        desk.moment += timedelta(days=days)
        fired.append(desk.fire().timers)
    assert sum(fired) == 1
    assert desk.told() == ["SO-1"]


def test_fire_due__where_a_planning_day_is_set_that_day_counts(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", datetime(2027, 6, 1, 1, 0, tzinfo=UTC), date(2026, 11, 2))
    desk.changed({}, {"SO-1": "received"})
    desk.moment += timedelta(days=100)
    assert desk.fire().timers == 0
    desk.hub.close()
    later = Desk(tmp_path / "desk", desk.moment, date(2026, 11, 5))
    assert later.fire().timers == 1
    later.hub.close()


def run(folder: Path, moment: datetime, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(folder), moment.isoformat(), *more]
    return subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def test_fire_due__killed_before_the_commit_fires_at_the_next_start(desk: Desk) -> None:
    desk.changed({}, {"SO-1": "received"})
    killed = run(desk.folder, MONDAY + timedelta(days=9), "die")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert (desk.told(), desk.counts()) == ([], {"waiting": 1})
    desk.moment += timedelta(days=9)
    assert desk.fire().timers == 1
    assert (desk.told(), desk.counts()) == (["SO-1"], {"fired": 1})


def test_fire_due__of_several_processes_one_fires(desk: Desk) -> None:
    desk.changed({}, {f"SO-{number}": "received" for number in range(30)})
    processes = [run(desk.folder, MONDAY + timedelta(days=9)) for _ in range(2)]
    fired = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sorted(fired) == [0, 30]
    assert len(desk.told()) == len(set(desk.told())) == 30


# -- months ---------------------------------------------------------------------------------------------------------


def test_fire_due__three_months_over_a_leap_day_and_the_spring_festival(tmp_path: Path) -> None:
    """Every half hour something may be asked and some of it answered; who is told is counted by hand."""
    clock = random.Random("months")
    start, step = datetime(2027, 12, 20, tzinfo=UTC), timedelta(minutes=30)
    desk = Desk(tmp_path / "desk", start)
    standing: dict[str, str] = {}
    asked: dict[str, datetime] = {}
    answered: dict[str, datetime] = {}
    for at in range(90 * 24 * 2):
        desk.moment = start + step * at
        desk.fire()
        if clock.random() < 0.02:
            _new(desk, standing, asked, f"SO-{at}")
        for key in [key for key in standing if standing[key] == "received" and clock.random() < 0.004]:
            desk.changed(dict(standing), {**standing, key: "planned"})
            standing[key], answered[key] = "planned", desk.moment
    due = {key for key, since in asked.items() if _worked(since, answered.get(key, desk.moment)) >= timedelta(hours=24)}
    assert 10 < len(due) < len(asked)
    assert sorted(desk.told()) == sorted(due)
    desk.hub.close()


def _new(desk: Desk, standing: dict[str, str], asked: dict[str, datetime], key: str) -> None:
    desk.changed(dict(standing), {**standing, key: "received"})
    standing[key], asked[key] = "received", desk.moment


def _worked(begin: datetime, end: datetime) -> timedelta:
    """Half hours of the office between two moments, looked at one by one."""
    free, moved = public_holidays("CN")
    total, half = timedelta(0), timedelta(minutes=30)
    while begin < end:
        local = begin.astimezone(UTC) + timedelta(hours=8)
        hour = local.hour + local.minute / 60
        open_day = (local.weekday() < 5 or local.date() in moved) and local.date() not in free
        total += half if open_day and any(opens <= hour < closes for opens, closes in OFFICE_HOURS) else timedelta(0)
        begin += half
    return total
