"""Every crash point of a command × every fault of the hostile mode, exhaustively; and histories that replay.

A crash point is named for what was committed or sent just before it; the set is closed: a new one fails the test.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from canonical.commands import Command, State
from pipeline import delivery
from store import outbox
from store.unit_of_work import Store
from tests.faults.world import ALIKE, FAULTS, LOOKED_UP, OPERATIONS, World, command, dump, empty, states

pytestmark = pytest.mark.usefixtures("plain_payloads")
NAMED = {
    "order_work": {
        "command written", "command written+intent written", "before create is sent", "create sent",
        "answer written+command written+document written", "answer written+command written",
    },
    "order_production": {
        "command written", "command written+intent written", "looked up", "answer written+command written",
        "command written+document written", "answer written+command written+document written",
        "before save_and_audit is sent", "save_and_audit sent",
    },
    "request_purchase": {
        "command written", "command written+intent written", "looked up", "answer written+command written",
        "command written+document written",
        "answer written+command written+document written", "answer written+command written+intent written",
        *(f"before {step.name} is sent" for step in LOOKED_UP), *(f"{step.name} sent" for step in LOOKED_UP),
    },
    "print_ticket": {
        "command written", "command written+intent written", "before print is sent", "print sent",
        "answer written+command written", "answer written+command written+document written",
    },
}  # fmt: skip
"""The points at which a process may die: after each commit, before each call goes out, after each answer."""


def _world(store: Store, commands: list[Command]) -> World:
    empty(store)
    world = World(store)
    with store.begin() as tx:
        outbox.enqueue(tx, commands, world.moment)
    return world


def _played(store: Store, kind: str, step: str, fault: str, crash_at: int | None) -> World:
    world = _world(store, [command(kind, "K")])
    world.target.faults["K", step] = [fault]
    world.crash_at = crash_at
    world.live()
    world.calm_down()
    return world


def _judge(world: World, kind: str, where: str) -> None:
    steps = [step.name for step in OPERATIONS[kind].variants["create"]]
    made = [world.target.effects["K", step] for step in steps]
    state = states(world.store)["K"]
    if kind == "print_ticket":
        assert made[0] <= 1, f"{where}: printed {made[0]} times"
        assert state is State.PARKED or (state, made[0]) == (State.APPLIED, 1), f"{where}: {state}, printed {made[0]}"
    else:
        assert made == [1] * len(steps), f"{where}: {dict(zip(steps, made, strict=True))}"
        assert state is State.APPLIED, f"{where}: {state}"


@pytest.mark.parametrize("kind", sorted(OPERATIONS))
def test_crash_point__times_fault__each_effect_once(store: Store, kind: str) -> None:
    seen: set[str] = set()
    steps = [one.name for one in OPERATIONS[kind].variants["create"]]
    for step, fault in [(steps[0], "none"), *itertools.product(steps, ALIKE)]:
        uncrashed = _played(store, kind, step, fault, None)
        _judge(uncrashed, kind, f"{fault} at {step}")
        seen |= set(uncrashed.points)
        for at, point in enumerate(uncrashed.points):
            crashed = _played(store, kind, step, fault, at)
            assert crashed.points[: at + 1] == uncrashed.points[: at + 1]
            _judge(crashed, kind, f"{fault} at {step}, killed at {at}: {point}")
    assert seen == NAMED[kind]


@pytest.mark.parametrize("fault", ["none", *ALIKE])
def test_crash_point__steps_that_go_out_together_each_have_one_effect(store: Store, fault: str) -> None:
    """Two operations whose calls are made at the same time, so that their intents and receipts share commits."""
    both = {"K": "order_production", "P": "request_purchase"}
    specs = {name: replace(OPERATIONS[name], calls_at_once=2) for name in both.values()}

    def played(crash_at: int | None) -> World:
        world = _world(store, [command(kind, key) for key, kind in both.items()])
        world.operations = specs
        world.target.faults["P", LOOKED_UP[-1].name] = [fault]
        world.crash_at = crash_at
        world.live()
        world.calm_down()
        for key, kind in both.items():
            made = [world.target.effects[key, step.name] for step in specs[kind].variants["create"]]
            assert made == [1] * len(made), f"{fault}, killed at {crash_at}: {key} {made}"
        assert set(states(store).values()) == {State.APPLIED}
        return world

    uncrashed = played(None)
    together = uncrashed.points.count("before save+save_and_audit is sent")
    assert together == 1, "one commit before, and one after, for both"
    for at in range(len(uncrashed.points)):
        played(at)


@pytest.mark.parametrize(("kind", "step"), [("order_production", "save_and_audit"), ("request_purchase", "save")])
def test_crash_point__look_up_fails_while_the_target_commits_late(store: Store, kind: str, step: str) -> None:
    """Killed right after sending; the next life's first look-up fails: the pause after that is no time to settle."""
    sent = _played(store, kind, step, "none", None).points.index(f"{step} sent")
    world = _world(store, [command(kind, "K")])
    world.target.faults["K", step] = ["late_commit"]
    world.failing_look_ups, world.crash_at = 1, sent
    world.live()
    world.crash_at = None
    world.calm_down()
    assert world.failing_look_ups == 0
    _judge(world, kind, "late commit, killed, look-up failed")


def test_crash_point__calm_run_parks_nothing(store: Store) -> None:
    world = _world(store, [command(kind, f"K-{kind}") for kind in OPERATIONS])
    world.live()
    assert set(states(store).values()) == {State.APPLIED}


def _random_world(store: Store, seed: int, recorded: str | None = None) -> World:
    chance = random.Random(seed)
    kinds = [chance.choice(sorted(OPERATIONS)) for _ in range(12)]
    world = _world(store, [command(kind, f"K{number}") for number, kind in enumerate(kinds)])
    for number, kind in enumerate(kinds):
        for step in OPERATIONS[kind].variants["create"]:
            world.target.faults[f"K{number}", step.name] = chance.choices(sorted(FAULTS), k=chance.randint(0, 2))
    crashes = sorted(chance.sample(range(40), 4))
    world.replayed = None if recorded is None else json.loads(recorded)
    for at in crashes:
        world.crash_at = at
        world.live()
        world.moment += delivery.timedelta(seconds=chance.choice([1, 100, 400]))
        world.target.commit_what_is_late()
    world.crash_at = None
    world.calm_down()
    return world


@pytest.mark.parametrize("seed", range(6))
def test_recorded_history__replays_identically(store: Store, seed: int) -> None:
    world = _random_world(store, seed)
    recorded, left = json.dumps(world.history), dump(store)
    assert len(world.history) > 12
    again = _random_world(store, seed, recorded)
    assert again.points == world.points
    assert json.dumps(again.history) == recorded
    assert dump(store) == left
    assert again.target.effects.total() == 0, "a replay reaches no target"


@pytest.mark.parametrize("point", ["intent written", "before save is sent", "save sent", "answer written"])
def test_process_that_is_really_gone__the_next_one_goes_on(store: Store, tmp_path: Path, point: str) -> None:
    """The same with `os._exit`: nothing of the process runs on, and SQLite has to recover."""
    url = f"sqlite:///{tmp_path}/gone.sqlite"
    opened = Store.open(url)
    world = _world(opened, [command("request_purchase", "K")])
    opened.close()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        _die_at(World(Store.open(url)), point, tell)
    os.close(tell)
    os.waitpid(child, 0)
    with os.fdopen(told) as answer:
        for line in answer:
            key, step = json.loads(line)
            world.target.effects[key, step] += 1  # what the dead process had made the target do
    world = World(Store.open(url), target_effects=world.target.effects)
    world.calm_down()
    _judge(world, "request_purchase", f"gone at {point}")
    world.store.close()


def _die_at(world: World, point: str, tell: int) -> None:
    def gone(name: str) -> None:
        world.points.append(name)
        if point in name:
            for key, step in world.target.effects.elements():
                os.write(tell, f"{json.dumps([key, step])}\n".encode())
            os._exit(9)

    world.__dict__["_point"] = gone
    world.live()
    os._exit(1)
