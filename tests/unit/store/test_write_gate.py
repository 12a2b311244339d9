"""Whose turn it is to write, between processes; two gates on one file are as good as two processes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from store.write_gate import WriteGate


def test_open_until__the_next_is_in_as_soon_as_the_first_is_out(tmp_path: Path) -> None:
    first, second = WriteGate(tmp_path / "gate"), WriteGate(tmp_path / "gate")
    said: list[str] = []

    def follow() -> None:
        with second.open_until(time.monotonic() + 30):
            said.append("second")

    with first.open_until(time.monotonic() + 30):
        thread = threading.Thread(target=follow)
        thread.start()
        time.sleep(0.05)
        said.append("first")
    thread.join(30)
    assert said == ["first", "second"]
    first.close()
    second.close()


def test_open_until__who_comes_out_with_more_to_write_lets_the_next_in_first(tmp_path: Path) -> None:
    busy, patient = WriteGate(tmp_path / "gate"), WriteGate(tmp_path / "gate")
    until, waits, is_in = time.monotonic() + 30, threading.Event(), threading.Event()

    def follow() -> None:
        waits.set()
        with patient.open_until(until):
            is_in.set()

    def write() -> None:
        with busy.open_until(until):
            time.sleep(0.002)

    write()
    thread = threading.Thread(target=follow)
    with busy.open_until(until):
        thread.start()
        waits.wait(30)
        time.sleep(0.02)
    write()
    assert is_in.wait(0), "it was in before the busy one could come in again"
    thread.join(30)


def test_open_until__who_was_stopped_before_the_gate_keeps_nobody_out(tmp_path: Path) -> None:
    stopped, other = WriteGate(tmp_path / "gate-next"), WriteGate(tmp_path / "gate")
    with stopped.open_until(time.monotonic() + 30):  # it holds what says who is next
        began = time.monotonic()
        with other.open_until(began + 30):
            assert time.monotonic() - began < 10


def test_open_until__who_waited_too_long_goes_on_and_leaves_the_other_its_place(tmp_path: Path) -> None:
    first, second, third = (WriteGate(tmp_path / "gate") for _ in range(3))
    with first.open_until(time.monotonic() + 30):
        with second.open_until(time.monotonic() + 0.01):
            pass
        began = time.monotonic()
        with third.open_until(began + 0.05):
            assert time.monotonic() - began >= 0.05, "the first is still in"


def test_open_until__where_there_can_be_no_file_nobody_waits(tmp_path: Path) -> None:
    with WriteGate(tmp_path / "no" / "folder").open_until(time.monotonic() + 30):
        assert not (tmp_path / "no").exists()


def test_open_until__where_one_of_its_files_cannot_be__writes_go_on_and_none_stays_open(tmp_path: Path) -> None:
    (tmp_path / "gate-next").mkdir()
    gate, wrote = WriteGate(tmp_path / "gate"), 0
    free = os.dup(0)
    os.close(free)
    for _ in range(3):
        with gate.open_until(time.monotonic() + 30):
            wrote += 1
    now_free = os.dup(0)
    os.close(now_free)
    assert (wrote, now_free) == (3, free)
