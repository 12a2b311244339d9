"""The frames between stages: the last of each name and the one before it, so that a diff is always possible.

A frame carries what it was made of, so that a stage whose inputs are the same need not make it again. What
was read or written is kept in memory with its version; the pointer on disk says whether it still holds.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from canonical.errors import MillstreamError
from store import durable

_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
_RUN = re.compile(r"[A-Za-z0-9_.:+-]+")
_MADE_OF = "millstream.made_of"
_REMEMBERED_STEPS = 256
_POINTER_BYTES = 65_536
"""More than two names of versions are long."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame in memory; `base` is what the pointer named when it was taken up, `pending` that no file holds it yet."""

    version: str
    frame: pl.DataFrame
    made_of: str
    base: str | None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """From one version to the next only these keys' rows changed."""

    before: str
    after: str
    keys: frozenset[str]


class FrameStore:
    """Frames under `root/<name>/`, one Parquet file a version; `current` names them, newest first.

    A version is visible to other processes only through `current`, which is replaced atomically: a reader
    sees the old frame or the new one. One writer a name at a time. With `deferred` set, writes stay in memory
    until `flush`: for a process that goes on at once, and whose frames can be made again from the raw files.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.deferred = False
        self._held: dict[str, _Held] = {}
        self._steps: dict[str, list[_Step]] = {}
        self._flushing = threading.Lock()
        self._seen: dict[str, str | None] | None = None
        self._pointers: dict[str, str] = {}

    @contextmanager
    def glance(self) -> Iterator[None]:
        """Look once at what each name points at: meanwhile other processes' new versions go unnoticed."""
        self._seen = {}
        try:
            yield
        finally:
            self._seen = None

    def write(
        self, name: str, frame: pl.DataFrame, run_id: str, made_of: str = "", *, changed: Iterable[str] | None = None
    ) -> None:
        """Make `frame` the current version of `name`; writing again in the same run replaces that run's version.

        `made_of` is kept beside it. `changed` names the keys of the only rows that differ from the version before.
        """
        if not _RUN.fullmatch(run_id):
            raise MillstreamError(f"{run_id!r} cannot name a run")
        base, before = self._pointed(name), self.version(name)
        numbered = _next_version([version for version in (before, base) if version], run_id)
        held = _Held(numbered, frame, made_of, base, pending=True)
        if changed is not None and before is not None:
            steps = [*self._steps.get(name, ()), _Step(before, numbered, frozenset(changed))]
            self._steps[name] = steps[-_REMEMBERED_STEPS:]
        self._held[name] = held
        if not self.deferred:
            self._save(name, held)

    def renew(self, name: str, made_of: str) -> None:
        """The current version is what would be made of this, too; known in this process only, for no file changes."""
        held = self._current(name)
        if held is not None:
            self._held[name] = replace(held, made_of=made_of)

    def flush(self) -> None:
        """Write what stands in memory only; where another process wrote meanwhile, its frame stands."""
        with self._flushing:
            for name, held in list(self._held.items()):
                if held.pending and self._pointed(name) == held.base:
                    self._save(name, held)

    def forget(self) -> None:
        """Remove every frame, on disk and in memory: nothing stands any more, and each is made again."""
        for path in [*self.root.rglob("current"), *self.root.rglob("*.parquet")]:
            path.unlink(missing_ok=True)
        self._held.clear()
        self._steps.clear()

    def read(self, name: str) -> pl.DataFrame | None:
        """The current version; None when nothing was written yet."""
        held = self._current(name)
        return held.frame if held else None

    def read_previous(self, name: str) -> pl.DataFrame | None:
        """The version before the current one, of an earlier run."""
        versions = self._versions(name)
        return self._load(name, versions[1]) if len(versions) > 1 else None

    def made_of(self, name: str) -> str:
        """What the current version was made of, as its writer put it; empty when nothing is known."""
        held = self._current(name)
        return held.made_of if held else ""

    def version(self, name: str) -> str | None:
        """A name for exactly this version of a frame; None when nothing was written yet."""
        held = self._held.get(name)
        pointed = self._pointed(name)
        if held is not None and held.base == pointed:
            return held.version
        return pointed

    def changed_since(self, name: str, version: str | None) -> frozenset[str] | None:
        """The keys whose rows differ from those of an earlier version; None where that is not known any more."""
        wanted, keys = self.version(name), frozenset[str]()
        for step in reversed(self._steps.get(name, ())):
            if wanted == version:
                break
            if step.after == wanted:
                wanted, keys = step.before, keys | step.keys
        return keys if wanted == version else None

    def read_at(self, name: str, version: str | None) -> pl.DataFrame | None:
        """An earlier version; None where it stands no more."""
        return self._load(name, version) if version in self._versions(name) else None

    def run_of(self, name: str) -> str | None:
        """The run that wrote the current version."""
        version = self.version(name)
        return _run_of(version) if version else None

    def names(self) -> list[str]:
        """Every frame that has a current version."""
        saved = {str(path.parent.relative_to(self.root)) for path in self.root.rglob("current")}
        return sorted(saved | {name for name, held in self._held.items() if held.pending})

    def _current(self, name: str) -> _Held | None:
        for _ in range(3):  # a writer may drop the oldest version between our two reads
            held, pointed = self._held.get(name), self._pointed(name)
            if held is not None and held.base == pointed:
                return held
            if pointed is None:
                return None
            frame = self._load(name, pointed)
            if frame is not None:
                made_of = pl.read_parquet_metadata(self._file(name, pointed)).get(_MADE_OF, "")
                held = self._held[name] = _Held(pointed, frame, made_of, pointed)
                return held
        raise MillstreamError(f"frame {name} has lost its file", hint="run the stage that writes it again")

    def _load(self, name: str, version: str) -> pl.DataFrame | None:
        try:
            return pl.read_parquet(self._file(name, version))
        except FileNotFoundError:
            return None

    def _save(self, name: str, held: _Held) -> None:
        folder, run_id = self._folder(name), _run_of(held.version)
        kept = [version for version in self._versions(name) if _run_of(version) != run_id][:1]
        with durable.temporary(folder) as (unnamed, stream):
            held.frame.write_parquet(stream, compression="zstd", compression_level=1, metadata={_MADE_OF: held.made_of})
            durable.sync(stream)
            durable.replace(unnamed, self._file(name, held.version))
        self._point(folder, [held.version, *kept])
        if self._seen is not None:
            self._seen[name] = held.version
        if self._held.get(name) is held:
            self._held[name] = _Held(held.version, held.frame, held.made_of, held.version)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise MillstreamError(f"{name!r} cannot name a frame")
        return self.root / name

    def _file(self, name: str, version: str) -> Path:
        return self._folder(name) / f"{version}.parquet"

    def _versions(self, name: str) -> list[str]:
        try:  # every frame of a turn is asked for: a stream around these few bytes takes several times as long
            descriptor = os.open(self._pointer(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            return os.read(descriptor, _POINTER_BYTES).decode().split()
        finally:
            os.close(descriptor)

    def _pointer(self, name: str) -> str:
        found = self._pointers.get(name)
        if found is None:
            found = self._pointers[name] = str(self._folder(name) / "current")
        return found

    def _pointed(self, name: str) -> str | None:
        seen = self._seen
        if seen is None:
            return next(iter(self._versions(name)), None)
        if name not in seen:
            seen[name] = next(iter(self._versions(name)), None)
        return seen[name]

    @staticmethod
    def _point(folder: Path, versions: list[str]) -> None:
        with durable.temporary(folder) as (unnamed, stream):
            stream.write("\n".join(versions).encode())
            durable.sync(stream)
            durable.replace(unnamed, folder / "current")
        newest = _number_of(versions[0])
        for path in folder.glob("*.parquet"):
            # A file with a higher number is another writer's, about to be pointed at.
            if path.stem not in versions and _number_of(path.stem) <= newest:
                path.unlink(missing_ok=True)


def _next_version(versions: list[str], run_id: str) -> str:
    last = max((_number_of(version) for version in versions), default=0)
    return f"{last + 1:08d}~{run_id}"


def _number_of(version: str) -> int:
    return int(version.partition("~")[0])


def _run_of(version: str) -> str:
    return version.partition("~")[2]
