"""Power cuts, played from a log of every write and sync a hub process made (`powercut.c` keeps the log).

What is on a disk after a cut: all that was synced before it, and of what was not, nothing (`worst`), or any part of
it in any order, sector by sector (a seed). A file's name stands once its folder was synced after the name was
given. This shows that the hub syncs what it acknowledges, in the right order; it does not show that a disk does
what it promises, and it trusts the operating system to write what it is told.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SECTOR = 512
ACKS = "ACKS"
"""A file below the root whose lines are acknowledgements: whoever read one will never forget it."""
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the log."""

    what: str
    at: int
    data: bytes
    path: str
    other: str | None = None


def shim(folder: Path) -> Path:
    """The compiled shim; raises `FileNotFoundError` where there is no compiler."""
    made = folder / "powercut.so"
    if not made.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(made), str(HERE / "powercut.c"), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
    return made


def run_logged(
    shim_file: Path,
    root: Path,
    log: Path,
    words: Sequence[str],
    *,
    room: int | None = None,
    said: IO[str] | None = None,
) -> int:
    """Run a child below the shim, its stderr into `said`; its exit code."""
    environ = {
        **os.environ, "LD_PRELOAD": str(shim_file), "POWERCUT_ROOT": str(root), "POWERCUT_LOG": str(log),
        **({"POWERCUT_ROOM": str(room)} if room is not None else {}),
    }  # fmt: skip
    return subprocess.run([sys.executable, *words], env=environ, cwd=ROOT, check=False, stderr=said).returncode


def read_log(log: Path) -> list[Change]:
    """Every change, in order."""
    content, at, found = log.read_bytes(), 0, list[Change]()
    while at < len(content):
        end = content.index(b"\n", at)
        what, place, size, names = content[at:end].decode().split(" ", 3)
        path, _, other = names.partition("\t")
        at = end + 1 + int(size)
        found.append(Change(what, int(place), content[end + 1 : at], path, other or None))
    return found


@dataclass
class Disk:
    """What a disk holds for sure, and what is on its way to it. Paths below the root only; folders are names too."""

    files: dict[str, int] = field(default_factory=dict)
    """Name → file, as the running system sees it."""
    kept_names: dict[str, int] = field(default_factory=dict)
    content: dict[int, bytearray] = field(default_factory=dict)
    """File → what was synced of it."""
    pending: dict[int, list[Change]] = field(default_factory=dict)
    acks: list[str] = field(default_factory=list)
    _next: int = 0

    def apply(self, change: Change) -> None:
        """One change, as it happens."""
        if change.path.endswith("-shm"):
            return  # rebuilt by SQLite, never relied upon
        if change.path.endswith(ACKS):
            self.acks += change.data.decode().splitlines()
        elif change.what in "WTDC":
            self._file(change.path)
            if change.what in "WT":
                self.pending[self.files[change.path]].append(change)
        elif change.what == "R" and change.other is not None:
            self.files[change.other] = self.files.pop(change.path)
        elif change.what == "U":
            self.files.pop(change.path, None)
        elif change.what == "S":
            self._sync(change.path)

    def _file(self, path: str) -> int:
        if path not in self.files:
            self._next += 1
            self.files[path] = self._next
            self.content[self._next] = bytearray()
            self.pending[self._next] = []
        return self.files[path]

    def _sync(self, path: str) -> None:
        file = self.files.get(path)
        if file is not None and self.pending[file]:
            for change in self.pending[file]:
                _write(self.content[file], change)
            self.pending[file].clear()
        for held in (self.files, self.kept_names):  # a folder: the names in it stand as they are now
            if any(_folder(name) == path for name in held):
                gone = [name for name in self.kept_names if _folder(name) == path and name not in self.files]
                for name in gone:
                    del self.kept_names[name]
                self.kept_names |= {name: one for name, one in self.files.items() if _folder(name) == path}
                return

    def after_a_cut(self, root: str, chance: random.Random | None) -> dict[str, bytes]:
        """Path relative to the root → content; without `chance` nothing that was not synced survives."""
        names = dict(self.kept_names)
        if chance is not None:
            names |= {name: file for name, file in self.files.items() if chance.random() < 0.5}
        folders = {name for name in self.files if not self.content[self.files[name]] and self._is_folder(name)}
        standing = {name for name in names if all(one in names for one in _above(name, folders))}
        return {
            name.removeprefix(root).lstrip("/"): bytes(self._survived(file, chance))
            for name, file in names.items()
            if name in standing and name not in folders
        }

    def _is_folder(self, name: str) -> bool:
        return any(other.startswith(name + "/") for other in self.files)

    def _survived(self, file: int, chance: random.Random | None) -> bytearray:
        content = bytearray(self.content[file])
        for change in self.pending[file] if chance is not None else ():
            for part in _sectors(change):
                if chance is not None and chance.random() < 0.5:
                    _write(content, part)
        return content


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _above(name: str, folders: set[str]) -> Iterator[str]:
    while name := _folder(name):
        if name in folders:
            yield name


def _sectors(change: Change) -> Iterator[Change]:
    if change.what == "T":
        yield change
    at = 0
    while at < len(change.data):
        end = min(len(change.data), at + SECTOR - (change.at + at) % SECTOR)
        yield Change("W", change.at + at, change.data[at:end], change.path)
        at = end


def _write(content: bytearray, change: Change) -> None:
    if change.what == "T":
        del content[change.at :]
        content.extend(bytes(change.at - len(content)))
        return
    content.extend(bytes(max(0, change.at - len(content))))
    content[change.at : change.at + len(change.data)] = change.data
