"""How much CPU some processes spend, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


class Processes:
    """Named groups of processes, watched from now on."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        self._groups = groups
        self._before = self._now()

    def spent(self) -> dict[str, float]:
        """CPU seconds by group, those of the system's calls included; nothing where the kernel does not say."""
        now = self._now()
        return {name: now[name] - self._before[name] for name in self._groups}

    def _now(self) -> dict[str, float]:
        return {name: sum(map(_seconds, pids)) for name, pids in self._groups.items()}


def _stat(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on; empty where it is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _seconds(pid: int) -> float:
    said = _stat(pid)
    return (int(said[11]) + int(said[12])) / _TICKS if said else 0.0


def children(parent: int, named: str = "") -> list[int]:
    """The processes that a process started, those with this name on their command line."""
    pids = [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()] if _PROC.is_dir() else []
    ours = [pid for pid in pids if (said := _stat(pid)) and int(said[1]) == parent]
    return [pid for pid in ours if named in (_PROC / str(pid) / "cmdline").read_text()]
