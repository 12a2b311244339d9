"""How far deliveries went, in a small file beside the store: it outlives a store that is restored from a backup."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from store import durable


@dataclass(frozen=True, slots=True)
class SentMark:
    """The highest counter of a batch that may have been sent, in a file that survives the store."""

    path: Path

    @property
    def value(self) -> int:
        """Zero before the first batch."""
        return int(self.path.read_bytes() or b"0") if self.path.exists() else 0

    def raise_to(self, value: int) -> None:
        """Durable when it returns; never lowered, also not by another process."""
        durable.make_folder(self.path.parent)
        fresh = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if value > int(os.read(descriptor, 32) or b"0"):
                os.pwrite(descriptor, b"%020d" % value, 0)
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            durable.sync_folder(self.path.parent)
