from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canonical.commands import Command
from console.cli.main import main
from store import conflicts, connections, crosswalk, golden, interventions, notices, outbox, quarantine, runs
from store.conflicts import Conflict
from store.connections import ConnectionState
from store.crosswalk import Binding
from store.notices import Notice
from store.quarantine import Rejection
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    """What one call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"MILLSTREAM_HOME": str(home), "MILLSTREAM_LANG": "en"}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> Callable[..., Ended]:
    """Run one command line; keyword arguments add to the environment."""

    def run(*argv: str, **more: str) -> Ended:
        code = main(argv, {**environ, **more})
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{home / 'hub.sqlite'}")
    yield opened
    opened.close()


def command(key: str, system: str = "erp", **changes: Any) -> Command:
    given: dict[str, Any] = {
        "kind": "order_production", "system": system, "entity": "work_order", "business_key": key, "revision": 1,
        "body": {"quantity": "12.5"}, "actor": "rule:make", "cause": "event-1", "sales_orders": ("SO-26-00001",),
    }  # fmt: skip
    return Command(**{**given, **changes})


@pytest.fixture
def told(store: Store) -> Store:
    """A hub with one order, three commands (pending, parked, held), a record in quarantine, a conflict, a notice."""
    with store.begin() as tx:
        runs.start(tx, "run-1", "run:run-1", NOW, NOW)
        runs.record_stage(tx, "run-1", "land", {"rows": 7, "since": None, "halted": None}, NOW, part="erp/items")
        runs.record_stage(tx, "run-1", "land", {"rows": 0, "halted": "it is down"}, NOW, part="wms/items")
        runs.finish(tx, "run-1", "done", NOW)
        connections.set_state(tx, "erp", ConnectionState.SHADOW, "test", NOW)
        held = command("M-3")
        outbox.enqueue(tx, [command("M-1"), command("M-2"), held], NOW, held={held.id: "connection"})
        interventions.park(tx, command("M-2").id, "person:li.wei", "it looks wrong", NOW)
        quarantine.replace(
            tx, "conform", "erp", "item", [Rejection("I-9", "item_has_name", "name is missing", "name", {"a": 1})],
            now=NOW,
        )  # fmt: skip
        conflicts.replace(tx, "item", [Conflict("item", "DW-1", "name", {"said": ["a", "b"]}, "a")], NOW)
        notices.add(tx, [Notice("production_supervisor", "k", {"en": "Hurry.", "zh": "加急。"}, "rule:u", "e")], NOW)
        golden.record(tx, "sales_order", {"SO-26-00001": {"number": "SO-26-00001", "status": "open"}}, NOW, "run-1")
        crosswalk.bind(tx, [Binding("crm", "sales_order", "SO-26-00001", "SO-26-00001", "801")], NOW)
    return store
