"""The frames between stages: the last of each name and the one before it, so that a diff is always possible."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from canonical.errors import MillstreamError
from store import durable

_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
_RUN = re.compile(r"[A-Za-z0-9_.:+-]+")


class FrameStore:
    """Frames under `root/<name>/`, one Parquet file a version; `current` names them, newest first.

    A version is visible only through `current`, which is replaced atomically: a reader sees the old
    frame or the new one. One writer a name at a time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, frame: pl.DataFrame, run_id: str) -> None:
        """Make `frame` the current version of `name`; writing again in the same run replaces that run's version."""
        if not _RUN.fullmatch(run_id):
            raise MillstreamError(f"{run_id!r} cannot name a run")
        folder = self._folder(name)
        versions = self._versions(name)
        kept = [version for version in versions if _run_of(version) != run_id][:1]
        version = _next_version(versions, run_id)
        with durable.temporary(folder) as (unnamed, stream):
            frame.write_parquet(stream, compression="zstd")
            durable.sync(stream)
            durable.replace(unnamed, folder / f"{version}.parquet")
        self._point(folder, [version, *kept])

    def read(self, name: str) -> pl.DataFrame | None:
        """The current version; None when nothing was written yet."""
        return self._read(name, 0)

    def read_previous(self, name: str) -> pl.DataFrame | None:
        """The version before the current one, of an earlier run."""
        return self._read(name, 1)

    def run_of(self, name: str) -> str | None:
        """The run that wrote the current version."""
        versions = self._versions(name)
        return _run_of(versions[0]) if versions else None

    def names(self) -> list[str]:
        """Every frame that has a current version."""
        return sorted(str(path.parent.relative_to(self.root)) for path in self.root.rglob("current"))

    def _read(self, name: str, age: int) -> pl.DataFrame | None:
        for _ in range(3):  # a writer may drop the oldest version between our two reads
            versions = self._versions(name)
            if len(versions) <= age:
                return None
            path = self._folder(name) / f"{versions[age]}.parquet"
            try:
                return pl.read_parquet(path)
            except FileNotFoundError:
                continue
        raise MillstreamError(f"frame {name} has lost its file", hint="run the stage that writes it again")

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise MillstreamError(f"{name!r} cannot name a frame")
        return self.root / name

    def _versions(self, name: str) -> list[str]:
        pointer = self._folder(name) / "current"
        return pointer.read_text(encoding="utf-8").split() if pointer.is_file() else []

    @staticmethod
    def _point(folder: Path, versions: list[str]) -> None:
        with durable.temporary(folder) as (unnamed, stream):
            stream.write("\n".join(versions).encode())
            durable.sync(stream)
            durable.replace(unnamed, folder / "current")
        for path in folder.glob("*.parquet"):
            if path.stem not in versions:
                path.unlink(missing_ok=True)


def _next_version(versions: list[str], run_id: str) -> str:
    last = int(versions[0].partition("~")[0]) if versions else 0
    return f"{last + 1:08d}~{run_id}"


def _run_of(version: str) -> str:
    return version.partition("~")[2]
