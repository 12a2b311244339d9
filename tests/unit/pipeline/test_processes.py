"""Who is known to be gone, and who only looks so from here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.processes import process_is_dead, process_token

ROOT = Path(__file__).parents[3]
PROGRAM = "from pipeline.processes import process_token; print(process_token(), flush=True); input()"
OF_ITS_OWN = ("unshare", "--pid", "--fork", "--mount-proc")


def started(*before: str) -> subprocess.Popen[str]:
    """A process that has said its token and lives until its input ends."""
    command: Sequence[str] = (*before, sys.executable, "-c", PROGRAM)
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_process__is_dead_when_it_has_ended() -> None:
    process = started()
    token = said(process)
    assert not process_is_dead(f"{token}:1")
    process.communicate("\n")
    assert process_is_dead(f"{token}:1")


def test_process__of_a_former_life_under_the_same_id_is_dead() -> None:
    host, pid, _ = process_token().split(":")
    assert int(pid) == os.getpid()
    assert not process_is_dead(process_token())
    assert process_is_dead(f"{host}:{pid}:before")


def test_process__in_a_container_that_bears_our_name_is_not_taken_for_dead() -> None:
    if subprocess.run((*OF_ITS_OWN, "true"), check=False, capture_output=True).returncode:
        pytest.skip("process ids of its own: not allowed to this user")
    process = started(*OF_ITS_OWN)
    assert not process_is_dead(said(process))
    process.communicate("\n")
