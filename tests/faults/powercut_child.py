"""Lands files and decides commands, and acknowledges each only once it stands; what a power cut may interrupt.

What was seen is committed provisionally: nobody is told, and what is decided on it makes it last.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import polars as pl
from sqlalchemy import event

from canonical.commands import Command
from canonical.errors import MillstreamError
from store import outbox, ticks
from store.landing import RawFiles, record_landing
from store.sent_mark import SentMark
from store.unit_of_work import Store
from tests.faults.powercut import ACKS

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def main(root: Path, rounds: int, synchronous: str) -> int:
    """So many landings and commands; 3 with one line on stderr when the store cannot go on."""
    try:
        store = Store.open(f"sqlite:///{root}/hub.sqlite")
        if synchronous != "FULL":  # to show that a careless store would be found out
            store.close()
            event.listen(store.engine, "connect", lambda dbapi, _: dbapi.execute(f"PRAGMA synchronous={synchronous}"))
        _work(root, store, rounds)
    except MillstreamError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 3
    return 0


def _work(root: Path, store: Store, rounds: int) -> None:
    raw = RawFiles(root / "raw")
    acks = os.open(root / ACKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    mark = SentMark(root / "deliveries.mark")
    for number in range(rounds):
        file = raw.write(
            "erp", f"stream{number % 3}", pl.DataFrame({"record": [f"{number}-{row}" for row in range(50)]})
        )
        with store.begin() as tx:
            record_landing(tx, file, f"run{number}", NOW, str(number), complete=True)
        os.write(acks, f"landed {file.digest}\n".encode())
        with store.provisionally(), store.begin() as tx:
            ticks.put(tx, f"seen/K{number}", number)
        command = Command("make", "erp", "work_order", f"K{number}", 1, {"n": number}, "rule:r", "e")
        with store.begin() as tx:
            outbox.enqueue(tx, [command], NOW)
        os.write(acks, f"decided {command.id}\n".encode())
        mark.raise_to(number + 1)
        os.write(acks, f"sent {number + 1}\n".encode())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
