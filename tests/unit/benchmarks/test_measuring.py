from pathlib import Path

import pytest

from benchmarks import measuring
from benchmarks.measuring import Processors, taken_away


@pytest.fixture
def stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "stat"
    monkeypatch.setattr(measuring, "PROCESSORS", path)
    return path


def test_taken_away__the_host_s_part_of_what_was_asked_for(stat: Path) -> None:
    stat.write_text("cpu  100 10 20 1000 5 1 2 50 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n")
    before = Processors.now()
    stat.write_text("cpu  140 10 40 1900 9 6 7 70 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n")
    (figure,) = taken_away(before)
    assert figure.ours == pytest.approx(100 * 20 / 90)
    assert figure.unit == "%"


def test_taken_away__a_system_that_does_not_say_gives_no_figure(stat: Path) -> None:
    assert Processors.now() is None
    stat.write_text("cpu  1 1 1 1 1 1 1 1 0 0\n")
    assert taken_away(None) == []
    assert taken_away(Processors.now())[0].ours == 0.0
