"""Files that are either wholly there or not there at all: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from store.database import no_room

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file in `folder`, synced at the end of the block and removed if the block did not rename it."""
    make_folder(folder)
    path = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with path.open("xb") as stream:
            yield path, stream
    except OSError as error:
        if error.errno in _FULL:
            raise no_room(error) from error
        raise
    finally:
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """The folder and those above it; their names are on the disk when this returns."""
    if folder.is_dir():
        return
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        sync_folder(one.parent)


def sync(stream: IO[bytes]) -> None:
    """What was written is on the disk when this returns."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Names that were made or renamed in `folder` are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename within one folder, durably."""
    source.replace(target)
    sync_folder(target.parent)
