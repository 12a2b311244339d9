"""A document that is made, submitted and audited by one call: at every crash point, on sites that do less than they
should, when people work on it meanwhile, and when the configuration goes from three calls to one or back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import pytest

from canonical.commands import Command, OutcomeKind, State
from connectors.port import OperationSpec
from store import documents, interventions, outbox
from store.documents import Document
from store.unit_of_work import Store
from tests.faults.bills import KEY, KIND, ONE_CALL, THREE_CALLS, Bill, bills_of, order
from tests.faults.world import ALIKE, FAULTS, World, empty

pytestmark = pytest.mark.usefixtures("plain_payloads")
Operations = Mapping[str, OperationSpec]
QUICK = ("error_after", "late_commit")
"""The faults that leave most in doubt; the others take their turn in the long series."""
EACH = [pytest.param(fault, marks=() if fault in QUICK else pytest.mark.long) for fault in ALIKE]


def _world(store: Store, operations: Operations = ONE_CALL, *standing: Bill) -> World:
    """A world in which a bill may stand that an earlier command made."""
    empty(store)
    world = World(store)
    world.operations = dict(operations)
    bills_of(world).bills.extend(standing)
    if standing:
        known = Document("erp", "work_order", KEY, "0", "n0", 1, {}, "created", world.moment)
        with store.begin() as tx:
            documents.record(tx, [known])
    return world


def _decided(world: World, *commands: Command) -> None:
    with world.store.begin() as tx:
        outbox.enqueue(tx, commands, world.moment)


def _ended(world: World) -> list[tuple[State, str | None]]:
    with world.store.read() as tx:
        return [(entry.state, entry.last_error) for entry in outbox.entries(tx)]


def _stand(world: World) -> list[tuple[int, str]]:
    return [(bill.content["quantity"], bill.status) for bill in bills_of(world).bills]


def _each_crash(play: Callable[[int | None], World]) -> Iterator[tuple[World, str]]:
    """The same trace without a crash, and with one at each of its points."""
    uncrashed = play(None)
    yield uncrashed, "not killed"
    for at, point in enumerate(uncrashed.points):
        yield play(at), f"killed at {at}: {point}"


@pytest.mark.parametrize("fault", EACH)
@pytest.mark.parametrize(
    ("operations", "standing"),
    [
        (ONE_CALL, "C"), (ONE_CALL, "D"),
        *(pytest.param(*case, marks=pytest.mark.long) for case in [
            (ONE_CALL, "A"), (THREE_CALLS, "A"), (THREE_CALLS, "C"), (THREE_CALLS, "D"),
        ]),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value[KIND].variants['create'])} calls",
)  # fmt: skip
def test_change__every_crash_point(store: Store, operations: Operations, standing: str, fault: str) -> None:
    """The new content stands audited in the one bill, whoever died when."""
    for step in operations[KIND].variants["change"]:

        def play(crash_at: int | None, step: str = step.name) -> World:
            world = _world(store, operations, Bill({"quantity": 1}, standing))
            _decided(world, order(2, revision=2))
            world.target.faults[KEY, step] = [fault]
            world.crash_at = crash_at
            world.live()
            world.calm_down()
            return world

        for world, where in _each_crash(play):
            assert _stand(world) == [(2, "C")], f"{fault} at {step.name}, {where}"
            assert [state for state, _ in _ended(world)] == [State.APPLIED], f"{fault} at {step.name}, {where}"


def test_change__that_a_person_audits_before_it_is_written_is_written_all_the_same(store: Store) -> None:
    """The hub dies after it opened the bill, perhaps while it wrote; somebody finds an open order and closes it."""
    for fault in ("none", "error_before", "error_after"):

        def play(crash_at: int | None, fault: str = fault) -> World:
            world = _world(store, ONE_CALL, Bill({"quantity": 1}, "C"))
            _decided(world, order(2, revision=2))
            world.target.faults[KEY, "save_and_audit"] = [fault]
            world.crash_at = crash_at
            world.live()
            (bill,) = bills_of(world).bills
            bill.status = "C"
            world.calm_down()
            return world

        for world, where in _each_crash(play):
            assert _stand(world) == [(2, "C")], f"{fault}, {where}"
            assert [state for state, _ in _ended(world)] == [State.APPLIED], f"{fault}, {where}"


@pytest.mark.parametrize("then", ["changed", "cancelled", "sent again"])
def test_refused_half_way__what_stands_is_taken_over(store: Store, then: str) -> None:
    """A site that saves, refuses to audit and keeps what it saved: the next revision makes no second document."""
    world = _world(store)
    bills_of(world).site = "halting"
    first = order(1)
    _decided(world, first)
    world.calm_down()
    assert _ended(world) == [(State.REJECTED, "save_and_audit: no audit")]
    assert _stand(world) == [(1, "A")]
    bills_of(world).site = "atomic"
    if then == "sent again":
        with store.begin() as tx:
            interventions.retry(tx, first.id, "person:chen", world.moment)
    else:
        _decided(world, order(2, revision=2, cancelled=then == "cancelled"))
    world.calm_down()
    assert _ended(world)[-1][0] is State.APPLIED
    assert _stand(world) == [{"changed": (2, "C"), "cancelled": (1, "A"), "sent again": (1, "C")}[then]]
    assert bills_of(world).bills[0].cancelled is (then == "cancelled")


def test_refused_with_nothing_left__the_next_revision_makes_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "refused", ("never", OutcomeKind.REJECTED))
    world = _world(store)
    _decided(world, order(1))
    bills_of(world).faults[KEY, "save_and_audit"] = ["refused"]
    world.calm_down()
    assert [state for state, _ in _ended(world)] == [State.REJECTED]
    _decided(world, order(2, revision=2))
    world.calm_down()
    assert [state for state, _ in _ended(world)] == [State.REJECTED, State.APPLIED]
    assert _stand(world) == [(2, "C")]


@pytest.mark.parametrize("status", ["A", "B", "C"])
@pytest.mark.parametrize("crash", [False, True])
def test_creation__never_answered_on_a_site_that_stopped_half_way(store: Store, status: str, *, crash: bool) -> None:
    """The look-up finds what was saved: it is finished, or ends visibly where people hold it; never made twice."""
    world = _world(store)
    _decided(world, order(1))
    target = bills_of(world)
    target.faults[KEY, "save_and_audit"] = ["error_before"]
    world.crash_at = 2 if crash else None
    world.live()
    target.bills.append(Bill({"quantity": 1}, status))
    world.calm_down()
    ended = (State.REJECTED, "save_and_audit: in approval") if status == "B" else (State.APPLIED, None)
    assert _ended(world) == [ended]
    assert _stand(world) == [(1, "B" if status == "B" else "C")]


def test_site_with_approval__is_refused_with_its_reason_and_makes_no_second(store: Store) -> None:
    world = _world(store)
    bills_of(world).site = "approving"
    _decided(world, order(1))
    world.calm_down()
    assert _ended(world) == [(State.REJECTED, "save_and_audit: in approval")]
    _decided(world, order(2, revision=2))
    world.calm_down()
    assert [state for state, _ in _ended(world)] == [State.REJECTED, State.REJECTED]
    assert _stand(world) == [(1, "B")]


@pytest.mark.parametrize("fault", EACH)
@pytest.mark.parametrize("variant", ["create", "change"])
@pytest.mark.parametrize(("old", "new"), [(THREE_CALLS, ONE_CALL), (ONE_CALL, THREE_CALLS)], ids=["to one", "to three"])
def test_configuration__changes_while_a_command_is_under_way(
    store: Store, old: Operations, new: Operations, variant: Literal["create", "change"], fault: str
) -> None:
    """Killed at every point under the old steps, gone on with under the new ones: one document with the new content.

    Three calls that stopped in approval cannot be finished by one: people see why.
    """
    for step in old[KIND].variants[variant]:

        def play(crash_at: int | None, step: str = step.name) -> World:
            world = _world(store, old, *([Bill({"quantity": 1}, "C")] if variant == "change" else []))
            _decided(world, order(2, revision=2))
            world.target.faults[KEY, step] = [fault]
            world.crash_at = crash_at
            world.live()
            world.operations = dict(new)
            world.calm_down()
            return world

        for world, where in _each_crash(play):
            told = f"{fault} at {step.name}, {where}"
            ((state, reason),) = _ended(world)
            assert len(_stand(world)) == 1, told
            ((quantity, status),) = _stand(world)
            assert quantity == 2, told
            if (state, status) != (State.APPLIED, "C"):
                assert new is ONE_CALL, told
                assert (state, status, reason) == (State.REJECTED, "B", "save_and_audit: in approval"), told
