"""Which steps go out together: those that may, and no more than can go out at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from canonical.commands import Command, DeliveryClass
from connectors.port import OperationSpec, StepSpec
from pipeline.deliver import _going_out
from pipeline.delivery import ALONE_AFTER, Journey
from store.deliveries import ClaimedCommand

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def _journeys(kind: str, delivery_class: DeliveryClass, keys: str, **doubt: bool | int) -> list[Journey]:
    spec = OperationSpec(
        kind, "work_order", {"create": (StepSpec("save", delivery_class, can_look_up=True),)}, 5.0, 2, calls_at_once=2
    )
    made = (Command(kind, "erp", "work_order", key, 1, {}, "rule:r", "e1") for key in keys)
    attempts, in_doubt = int(doubt.get("attempts", 1)), bool(doubt.get("in_doubt"))
    return [Journey(ClaimedCommand(one, "w1", NOW, attempts, in_doubt, ()), spec, "create") for one in made]


def _keys(journeys: Sequence[Journey]) -> str:
    return "".join(journey.claimed.command.business_key for journey, _ in _going_out(journeys))


def _looked_up(kind: str, keys: str, **doubt: bool | int) -> list[Journey]:
    return _journeys(kind, DeliveryClass.LOOKED_UP, keys, **doubt)


def test_going_out__each_operation_a_batch_of_its_own_at_the_same_moment() -> None:
    orders, requests = _looked_up("order", "abc"), _looked_up("request", "pqr")
    assert _keys([*orders, *requests]) == "abpq", "of each as many as one call carries"
    assert _keys([orders[0], requests[0], orders[1]]) == "abp"
    assert _keys([*orders, *requests, *_looked_up("move", "x")]) == "abpq", "so many calls go out at once"


def test_going_out__a_target_that_is_called_once_at_a_time_is_given_one_step() -> None:
    journeys = [*_looked_up("order", "a"), *_looked_up("request", "p")]
    for journey in journeys:
        journey.spec = replace(journey.spec, calls_at_once=1)
    assert _keys(journeys) == "a"


def test_going_out__a_blind_step_and_one_in_doubt_for_long_go_alone() -> None:
    blind, orders = _journeys("print", DeliveryClass.BLIND, "xy"), _looked_up("order", "ab")
    assert _keys([*blind, *orders]) == "x"
    assert _keys([*orders, *blind]) == "ab"
    doubtful = _looked_up("request", "pq", in_doubt=True, attempts=ALONE_AFTER + 1)
    assert _keys([*doubtful, *orders]) == "p"
    assert _keys([*orders, *doubtful]) == "ab"


def test_going_out__what_goes_under_a_key_goes_without_what_is_looked_up() -> None:
    keyed, orders = _journeys("work", DeliveryClass.KEYED, "klm"), _looked_up("order", "ab")
    assert _keys([*keyed, *orders]) == "klm"
    assert _keys([*orders, *keyed]) == "ab"


def test_going_out__nothing_where_every_step_is_done() -> None:
    assert _keys([]) == ""
