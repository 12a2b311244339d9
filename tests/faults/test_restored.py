"""Yesterday's backup restored: nothing that was sent since is made again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from canonical.commands import State
from pipeline.residents import Residents
from pipeline.restored import notice_restore
from store import audit, deliveries, due_commands, interventions, outbox
from store.revisions import next_revision
from store.sent_mark import SentMark
from store.unit_of_work import Store
from tests.faults.world import OPERATIONS, World, command, states

pytestmark = pytest.mark.usefixtures("plain_payloads")
KINDS = sorted(OPERATIONS)
PATIENCE_SECONDS = 20.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(Store.open(f"sqlite:///{tmp_path}/hub.sqlite"), home=tmp_path)
    yield made
    made.store.close()


def _enqueue(world: World, *keys: str) -> None:
    with world.store.begin() as tx:
        outbox.enqueue(tx, [command(kind, f"{key}-{kind}") for key in keys for kind in KINDS], world.moment)


def _copied(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def _batch(world: World) -> None:
    world.live()


def _residents(world: World) -> None:
    """The workers of a relay, and of its couriers, until nothing is due."""
    residents, until = Residents(world.hub), time.monotonic() + PATIENCE_SECONDS
    residents.start([world.system])
    while _due(world):
        assert time.monotonic() < until, "still due"
        time.sleep(0.01)
    residents.stop()


def _due(world: World) -> bool:
    with world.store.read() as tx:
        return bool(due_commands.due(tx, world.moment, world.system))


@pytest.mark.parametrize("deliver", [_batch, _residents])
def test_notice_restore__what_was_sent_since_the_backup_is_not_made_again(
    world: World, tmp_path: Path, deliver: Callable[[World], None]
) -> None:
    _enqueue(world, "old")
    deliver(world)
    _enqueue(world, "new")
    _copied(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    deliver(world)
    assert set(world.target.effects.values()) == {1}
    made = dict(world.target.effects)

    world.store.close()
    _copied(tmp_path / "backup.sqlite", tmp_path / "hub.sqlite")
    assert set(states(world.store).values()) == {State.APPLIED, State.PENDING}
    assert notice_restore(world.hub) == len(KINDS)
    world.calm_down()

    assert dict(world.target.effects) == made
    ended = {key.removeprefix("new-"): state for key, state in states(world.store).items() if key.startswith("new")}
    assert ended == {
        "order_production": State.APPLIED, "order_work": State.APPLIED, "request_purchase": State.APPLIED,
        "print_ticket": State.PARKED,
    }  # fmt: skip
    with world.store.read() as tx:
        assert [act.action for act in audit.listed(tx, "store")] == ["older store noticed"]
    assert notice_restore(world.hub) == 0


@pytest.mark.parametrize("state", [State.PARKED, State.REJECTED])
def test_notice_restore__what_a_person_sent_again_since_the_backup_is_not_made_again(
    world: World, tmp_path: Path, state: State
) -> None:
    """It waited for a person when the backup was made, who sent it; in the restored store it waits again."""
    _refused_ones(world, state)
    ids = [command(kind, f"one-{kind}").id for kind in KINDS]
    _copied(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    _sent_again(world, ids)
    made = dict(world.target.effects)
    assert set(made.values()) == {1}

    world.store.close()
    _copied(tmp_path / "backup.sqlite", tmp_path / "hub.sqlite")
    assert notice_restore(world.hub) == len(KINDS)
    assert set(states(world.store).values()) == {state}, "it goes on waiting for a person"
    _sent_again(world, ids)
    assert dict(world.target.effects) == made


def _refused_ones(world: World, state: State) -> None:
    _enqueue(world, "one")
    with world.store.begin() as tx:
        claimed = deliveries.claim(tx, "w1", world.moment, lease_seconds=60, limit=9, systems=["erp"])
        deliveries.finish_all(tx, [(one.command.id, state, "no such item") for one in claimed], "w1", world.moment)


def _sent_again(world: World, ids: list[str]) -> None:
    for one in ids:
        with world.store.begin() as tx:
            interventions.retry(tx, one, "person:chen", world.moment)
    world.calm_down()


def test_notice_restore__a_newer_revision_finds_what_was_sent_again_since_the_backup(
    world: World, tmp_path: Path
) -> None:
    _refused_ones(world, State.REJECTED)
    _copied(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    _sent_again(world, [command(kind, f"one-{kind}").id for kind in KINDS])
    made = dict(world.target.effects)

    world.store.close()
    _copied(tmp_path / "backup.sqlite", tmp_path / "hub.sqlite")
    notice_restore(world.hub)
    with world.store.begin() as tx:
        newer = [replace(command(kind, f"one-{kind}"), revision=1_000_002) for kind in KINDS]
        outbox.enqueue(tx, newer, world.moment)
    world.calm_down()
    assert dict(world.target.effects) == made
    assert set(states(world.store).values()) == {State.PARKED}, "nothing of theirs can be changed in this world"


def test_residents__notice_a_restored_store_before_they_send(world: World, tmp_path: Path) -> None:
    _enqueue(world, "one")
    _copied(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    _residents(world)
    made = dict(world.target.effects)

    world.store.close()
    _copied(tmp_path / "backup.sqlite", tmp_path / "hub.sqlite")
    _residents(world)
    world.calm_down()

    assert dict(world.target.effects) == made
    with world.store.read() as tx:
        assert [act.action for act in audit.listed(tx, "store")] == ["older store noticed"]


def test_notice_restore__a_store_that_is_up_to_date_doubts_nothing(world: World) -> None:
    _enqueue(world, "one")
    world.live()
    _enqueue(world, "two")
    assert notice_restore(world.hub) == 0
    world.live()
    assert set(states(world.store).values()) == {State.APPLIED}


def test_notice_restore__no_id_is_used_again(world: World, tmp_path: Path) -> None:
    with world.store.begin() as tx:
        assert next_revision(tx, "erp", "order_work", "K", {"quantity": 1}) == 1
    SentMark(tmp_path / "deliveries.mark").raise_to(7)
    notice_restore(world.hub)
    with world.store.begin() as tx:
        revision = next_revision(tx, "erp", "order_work", "K", {"quantity": 2})
    assert revision is not None
    assert revision > 1000


def test_sent_mark__is_never_lowered(tmp_path: Path) -> None:
    mark = SentMark(tmp_path / "home" / "mark")
    assert mark.value == 0
    for value in (9, 123, 45):
        mark.raise_to(value)
    assert mark.value == 123
