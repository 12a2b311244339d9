"""The process of deliveries is there as long as the relay is, and again after it died."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from pipeline import couriers
from pipeline.couriers import Couriers

PATIENCE_SECONDS = 20.0


def _until(path: Path, text: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < until, path.read_text() if path.exists() else "nothing was said"
        time.sleep(0.02)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process in the couriers' place writes down what it is told, and that its input ended."""
    (tmp_path / "listening.py").write_text(
        "import os, sys\n"
        "said = open('told', 'a', buffering=1)\n"
        "said.write(f'pid {os.getpid()}\\n')\n"
        "for line in sys.stdin:\n"
        "    said.write(f'stirred {line}')\n"
        "said.write('ended\\n')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(couriers, "MODULE", "listening")
    return tmp_path / "told"


def test_couriers__are_told_who_was_given_commands_and_end_with_us(told: Path) -> None:
    crew = Couriers(dict(os.environ), told.parent / "log")
    crew.start(("erp", "mes"))
    crew.stir(("mes",))
    crew.stir(("crm", "erp"))
    crew.stop()
    assert told.read_text().splitlines()[1:] == ["stirred mes", "stirred crm erp", "ended"]
    crew.stir(("mes",))
    assert told.read_text().count("pid") == 1, "nobody is started for one who ends"


def test_couriers__that_died_are_followed_by_others(told: Path) -> None:
    crew = Couriers(dict(os.environ), told.parent / "log")
    crew.start(())
    _until(told, "pid")
    first = int(told.read_text().split()[1])
    os.kill(first, signal.SIGKILL)
    until = time.monotonic() + PATIENCE_SECONDS
    while told.read_text().count("pid") < 2 and time.monotonic() < until:
        crew.stir(("mes",))
        time.sleep(0.02)
    crew.stop()
    assert told.read_text().count("pid") == 2
