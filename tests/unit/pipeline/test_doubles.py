"""The detector: what a target shows twice is stored and reported, and forgotten once somebody has put it right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from canonical.commands import Command, DeliveryClass, State
from canonical.errors import SystemUnavailable
from connectors.port import FoundDocument, OperationSpec, StepSpec
from pipeline.doubles import find_doubles
from pipeline.hub import Hub
from store import deliveries, doubles, outbox
from store.connections import ConnectionState
from store.unit_of_work import Store

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SAVE = StepSpec("save", DeliveryClass.LOOKED_UP, can_look_up=True)
KEYED = StepSpec("create", DeliveryClass.KEYED, can_look_up=True)


@dataclass
class Target:
    """A system that shows so many documents for each reference, and remembers what it was asked."""

    standing: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    away: bool = False
    system: str = "erp"
    operations: Mapping[str, OperationSpec] = field(
        default_factory=lambda: {
            "order": OperationSpec("order", "work_order", {"create": (SAVE,)}, settle_seconds=5.0),
            "task": OperationSpec("task", "work_order", {"create": (KEYED,)}),
        }
    )

    def look_up(self, _: str, references: Sequence[str]) -> dict[str, list[FoundDocument]]:
        if self.away:
            raise SystemUnavailable("gone", system="erp")
        self.asked.append(tuple(references))
        return {
            key: [FoundDocument(key, f"{key}-{one}", None) for one in range(self.standing.get(key, 0))]
            for key in references
        }


@dataclass
class Plant:
    """One hub under a clock the test moves."""

    store: Store
    target: Target = field(default_factory=Target)
    moment: datetime = NOON
    state: ConnectionState = ConnectionState.LIVE

    def applied(self, *keys: str, kind: str = "order") -> None:
        commands = [Command(kind, "erp", "work_order", key, 1, {}, "rule:r", "e1") for key in keys]
        with self.store.begin() as tx:
            outbox.enqueue(tx, commands, self.moment)
            deliveries.claim(tx, "w", self.moment, lease_seconds=60, limit=9, systems=["erp"])
            deliveries.finish_all(tx, [(one.id, State.APPLIED, None) for one in commands], "w", self.moment)

    def found(self) -> list[tuple[str, tuple[str, ...]]]:
        hub = SimpleNamespace(
            store=self.store, now=lambda: self.moment, connector=lambda _: self.target,
            connection_states=lambda: {"erp": self.state},
        )  # fmt: skip
        return [(one.business_key, tuple(one.native_ids)) for one in find_doubles(cast("Hub", hub))]

    def later(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(Store.open(f"sqlite:///{tmp_path}/hub.sqlite"))
    yield made
    made.store.close()


def test_find_doubles__what_stands_twice_is_reported_until_it_does_not(plant: Plant) -> None:
    plant.applied("A", "B")
    plant.target.standing = {"A": 1, "B": 2}
    plant.later(6)
    assert plant.found() == [("B", ("B-0", "B-1"))]
    plant.later(60)
    assert plant.found() == [("B", ("B-0", "B-1"))]
    plant.target.standing["B"] = 1
    assert plant.found() == []
    with plant.store.read() as tx:
        assert [one.found_at for one in doubles.listed(tx, standing=False)] == [NOON + timedelta(seconds=6)]


def test_find_doubles__looks_only_after_the_target_has_settled_and_only_once(plant: Plant) -> None:
    plant.applied("A")
    plant.found()
    assert plant.target.asked == []
    plant.later(5.5)
    plant.found()
    plant.later(60)
    plant.found()
    assert plant.target.asked == [("A",)]


def test_find_doubles__what_takes_a_key_needs_no_second_look(plant: Plant) -> None:
    plant.applied("A", kind="task")
    plant.later(60)
    assert plant.found() == []
    assert plant.target.asked == []


def test_find_doubles__system_that_is_away_is_asked_the_next_time(plant: Plant) -> None:
    plant.applied("A")
    plant.target.standing, plant.target.away = {"A": 2}, True
    plant.later(60)
    assert plant.found() == []
    plant.target.away = False
    assert plant.found() == [("A", ("A-0", "A-1"))]


def test_find_doubles__connection_that_is_not_live_is_left_alone(plant: Plant) -> None:
    plant.applied("A")
    plant.state = ConnectionState.PAUSED
    plant.later(60)
    assert plant.found() == []
    assert plant.target.asked == []
