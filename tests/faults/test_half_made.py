"""A document whose creation was refused half way stands in the target: whatever is decided next finds it there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from canonical.commands import Command, DeliveryClass, OutcomeKind, State
from connectors.port import OperationSpec, StepSpec, Variant
from store import interventions, outbox
from store.unit_of_work import Store
from tests.faults import world as worlds
from tests.faults.world import LOOKED_UP, World, command

pytestmark = pytest.mark.usefixtures("plain_payloads")
KIND = "request_purchase"
REWRITE, CANCEL = (StepSpec(name, DeliveryClass.LOOKED_UP, can_look_up=True) for name in ("rewrite", "cancel"))
VARIANTS: Mapping[Variant, tuple[StepSpec, ...]] = {"create": LOOKED_UP, "change": (REWRITE,), "cancel": (CANCEL,)}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setitem(worlds.FAULTS, "refused", ("never", OutcomeKind.REJECTED))
    made = World(Store.open(f"sqlite:///{tmp_path}/hub.sqlite"))
    made.operations = {KIND: OperationSpec(KIND, "purchase_request", VARIANTS, worlds.SETTLE_SECONDS, 10)}
    yield made
    made.store.close()


def _enqueue(world: World, *commands: Command) -> None:
    with world.store.begin() as tx:
        outbox.enqueue(tx, commands, world.moment)


def _half_made(world: World) -> Command:
    """Its first step is carried out, its second refused."""
    first = command(KIND, "K")
    world.target.faults["K", "submit"] = ["refused"]
    _enqueue(world, first)
    world.calm_down()
    assert _ended(world) == [State.REJECTED]
    assert world.target.effects["K", "save"] == 1
    return first


def _ended(world: World) -> list[State]:
    with world.store.read() as tx:
        return [entry.state for entry in outbox.entries(tx)]


def test_half_made__a_newer_revision_changes_it_and_makes_no_second(world: World) -> None:
    _enqueue(world, replace(_half_made(world), revision=2))
    world.calm_down()
    assert _ended(world)[-1] is State.APPLIED
    assert dict(world.target.effects) == {("K", "save"): 1, ("K", "rewrite"): 1}


def test_half_made__a_cancellation_cancels_it(world: World) -> None:
    _enqueue(world, replace(_half_made(world), revision=2, cancelled=True))
    world.calm_down()
    assert _ended(world)[-1] is State.APPLIED
    assert world.target.effects["K", "cancel"] == 1


def test_half_made__sent_again_by_a_person_goes_on_where_it_stopped(world: World) -> None:
    first = _half_made(world)
    with world.store.begin() as tx:
        interventions.retry(tx, first.id, "person:chen", world.moment)
    world.calm_down()
    assert _ended(world) == [State.APPLIED]
    assert {world.target.effects["K", step.name] for step in LOOKED_UP} == {1}
