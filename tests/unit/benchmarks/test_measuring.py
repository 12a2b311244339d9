import os
import time
from pathlib import Path

import pytest

from benchmarks import measuring
from benchmarks.measuring import Machine, awake, conditions


@pytest.fixture
def stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "stat"
    monkeypatch.setattr(measuring, "PROCESSORS", path)
    return path


def test_conditions__the_host_s_part_of_what_was_asked_for_and_the_pace(stat: Path) -> None:
    stat.write_text("cpu  100 10 20 1000 5 1 2 50 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n")
    before = Machine.now()
    stat.write_text("cpu  140 10 40 1900 9 6 7 70 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n")
    taken, pace = conditions(before)
    assert taken.ours == pytest.approx(100 * 20 / 90)
    assert (pace.ours, pace.unit) == (before.pace, "ms of CPU")
    assert before.pace > 0 < pace.peer


def test_conditions__a_system_that_does_not_say_took_nothing(stat: Path) -> None:
    assert not stat.exists()
    assert conditions(Machine.now())[0].ours == 0.0


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has work that gives way to any other")
def test_awake__a_loop_for_every_processor_while_it_lasts() -> None:
    with awake() as spinning:
        time.sleep(0.2)
        assert [process.poll() for process in spinning] == [None] * (os.cpu_count() or 1)
    assert all(process.returncode is not None for process in spinning)
