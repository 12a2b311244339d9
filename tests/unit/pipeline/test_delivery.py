"""What an outcome means for a command on its way: values in, an ending out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from canonical.commands import Command, DeliveryClass, Outcome, OutcomeKind, State, StepReceipt
from canonical.errors import RecordRejected, SystemUnavailable
from connectors.port import Connector, FoundDocument, OperationSpec, StepSpec
from connectors.registry import load_system
from mappings.loading import load_system as load_mappings
from pipeline import delivery
from pipeline.delivery import Deferred, Finished, Journey, heed, heed_found, look_up_together, set_out
from pipeline.hub import MAPPINGS, Hub
from pipeline.outbound import Lookups
from store import documents
from store.deliveries import ClaimedCommand
from store.documents import Document
from store.outbox import StepRecord
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, tzinfo=UTC)
KEYED = StepSpec("create", DeliveryClass.KEYED, can_look_up=True)
CHANGE = StepSpec("change", DeliveryClass.KEYED, can_look_up=True)
SAVE = StepSpec("save", DeliveryClass.LOOKED_UP, can_look_up=True)
ORDER_WORK = OperationSpec("order_work", "work_order", {"create": (KEYED,), "change": (CHANGE,)})
RAISE = OperationSpec("order_work", "work_order", {"create": (KEYED,)})
ORDER = OperationSpec("order_work", "work_order", {"create": (SAVE,), "change": (SAVE,)}, 5.0, 50)
KEY = ("order_work", "R1")
PROGRESS = {"sales_order": "SO-1", "stage": "planned", "percent": 10, "promised": None, "note": None}
DOCUMENT = FoundDocument("R1", "7", "W7", version="v2")


def _record(step: str, state: Any) -> StepRecord:
    receipt = StepReceipt(step, "7", "W7", "R1", NOW) if state == "done" else None
    return StepRecord(step, 1, state, NOW, None if state == "intent" else NOW, receipt)


def _claimed(*records: StepRecord, attempts: int = 1, in_doubt: bool = False, waited: float = 0) -> ClaimedCommand:
    command = Command("order_work", "mes", "work_order", "R1", 1, {}, "rule:r", "e1")
    return ClaimedCommand(
        command, "w1", NOW + timedelta(minutes=1), attempts, in_doubt, records, NOW + timedelta(seconds=waited)
    )


class _Target:
    """A target that offers one operation and answers look-ups as told."""

    def __init__(self, spec: OperationSpec, answers: Mapping[str, Sequence[FoundDocument] | Exception]) -> None:
        self.operations = {"order_work": spec}
        self.answers, self.asked = answers, list[tuple[str, ...]]()

    def look_up(self, _: str, references: Sequence[str]) -> Mapping[str, Sequence[FoundDocument]]:
        self.asked.append(tuple(references))
        answers = {reference: self.answers.get(reference, ()) for reference in references}
        for answer in answers.values():
            if isinstance(answer, Exception):
                raise answer
        return cast("Mapping[str, Sequence[FoundDocument]]", answers)

    @property
    def door(self) -> Connector:
        return cast("Connector", self)


def _journey(spec: OperationSpec, claimed: ClaimedCommand) -> Journey:
    return set_out(_Target(spec, {}).door, claimed, None)


def test_heed__stale_creation_comes_back_to_take_the_document_over() -> None:
    journey = _journey(ORDER_WORK, _claimed())
    heed(journey, KEYED, Outcome(OutcomeKind.STALE, message="R1 stands"))
    assert isinstance(journey.ending, Deferred)
    assert journey.ending.state is State.PENDING
    assert journey.ending.seconds < 1
    assert "stale" in journey.ending.reason


def test_heed__stale_creation_of_what_cannot_be_changed_is_rejected() -> None:
    journey = _journey(RAISE, _claimed())
    heed(journey, KEYED, Outcome(OutcomeKind.STALE))
    assert isinstance(journey.ending, Finished)
    assert journey.ending.state is State.REJECTED


def test_heed__stale_change_is_tried_again_but_not_for_ever() -> None:
    first = Journey(_claimed(), ORDER_WORK, "change")
    last = Journey(_claimed(attempts=delivery.MAX_ATTEMPTS), ORDER_WORK, "change")
    for journey in (first, last):
        heed(journey, CHANGE, Outcome(OutcomeKind.STALE, message="412"))
    assert isinstance(first.ending, Deferred)
    assert isinstance(last.ending, Finished)
    assert last.ending.state is State.PARKED
    assert "stale" in (last.ending.reason or "")


def test_heed_found__sent_back_creation_changes_the_document_that_stands() -> None:
    journey = _journey(ORDER_WORK, _claimed(_record("create", "void"), attempts=2))
    heed_found(journey, {KEY: [DOCUMENT]}, NOW)
    assert (journey.variant, journey.existing, journey.ending) == ("change", DOCUMENT, None)
    assert journey.next_step == CHANGE


def test_heed_found__sent_back_creation_is_repeated_where_nothing_stands() -> None:
    journey = _journey(ORDER_WORK, _claimed(_record("create", "void"), attempts=2))
    heed_found(journey, {KEY: []}, NOW)
    assert (journey.variant, journey.ending) == ("create", None)


def test_heed_found__target_that_cannot_say_defers() -> None:
    journey = _journey(ORDER_WORK, _claimed(_record("create", "void"), attempts=2))
    heed_found(journey, {KEY: SystemUnavailable("down", system="mes")}, NOW)
    assert isinstance(journey.ending, Deferred)


def test_set_out__what_was_taken_over_stays_a_change() -> None:
    records = (_record("create", "void"), _record("change", "intent"))
    journey = _journey(ORDER_WORK, _claimed(*records, attempts=3, in_doubt=True))
    assert journey.variant == "change"


@pytest.mark.parametrize(("pulled", "variant"), [(1, "create"), (-1, "change")])
def test_set_out__document_pulled_while_half_made_is_finished_not_changed(pulled: int, variant: str) -> None:
    """A change would skip the last step where a look-up finds it done, and leave the document reopened."""
    wait = StepSpec("wait", DeliveryClass.LOOKED_UP, can_look_up=True)
    reopen = StepSpec("reopen", DeliveryClass.LOOKED_UP, can_look_up=True)
    spec = OperationSpec("order_work", "work_order", {"create": (SAVE, wait), "change": (reopen, SAVE, wait)})
    when = NOW + timedelta(seconds=pulled)
    adopted = Document("mes", "work_order", "R1", "7", "W7", 0, None, "adopted", when)
    claimed = _claimed(_record("save", "done"), _record("wait", "intent"), attempts=2, in_doubt=True)
    assert set_out(_Target(spec, {}).door, claimed, adopted).variant == variant


@pytest.mark.parametrize(("attempts", "in_doubt", "alone"), [(3, True, False), (4, True, True), (9, False, False)])
def test_request__goes_alone_when_doubt_lasts(attempts: int, in_doubt: bool, alone: bool) -> None:
    journey = _journey(ORDER, _claimed(_record("save", "intent"), attempts=attempts, in_doubt=in_doubt))
    assert journey.request(SAVE).alone is alone


def test_heed_found__doubt_has_time_to_settle_before_it_is_sent_again() -> None:
    fresh = _journey(ORDER, _claimed(_record("save", "intent"), attempts=2, in_doubt=True, waited=-1))
    settled = _journey(ORDER, _claimed(_record("save", "intent"), attempts=3, in_doubt=True, waited=5))
    for journey in (fresh, settled):
        heed_found(journey, {KEY: []}, NOW)
    assert isinstance(fresh.ending, Deferred)
    assert fresh.ending.state is State.IN_DOUBT
    assert settled.ending is None


def test_look_up_together__one_question_for_all_that_have_to_look() -> None:
    target = _Target(ORDER, {"R1": [DOCUMENT]})
    doubtful = _journey(ORDER, _claimed(_record("save", "intent"), attempts=2, in_doubt=True))
    found = look_up_together(target.door, [doubtful, _journey(ORDER, _claimed())])
    assert found == {KEY: [DOCUMENT]}
    assert target.asked == [("R1",)]


def test_looked_up__one_reference_that_cannot_be_asked_for_does_not_hinder_the_others() -> None:
    odd = RecordRejected("a quote")
    found = delivery._looked_up(_Target(ORDER, {"R1": [DOCUMENT], "R'2": odd}).door, "order_work", ["R1", "R'2"])
    assert found == {"R1": [DOCUMENT], "R'2": odd}


def test_looked_up__unreachable_target_is_asked_once() -> None:
    down = SystemUnavailable("down", system="mes")
    target = _Target(ORDER, {"R1": down})
    assert delivery._looked_up(target.door, "order_work", ["R1", "R2"]) == {"R1": down, "R2": down}
    assert len(target.asked) == 1


def test_look_up_together__one_failure_leaves_the_others_their_answers() -> None:
    keys = [f"R{number}" for number in range(40)]
    commands = [Command("order_work", "mes", "work_order", key, 1, {}, "rule:r", "e1") for key in keys]
    journeys = [
        Journey(ClaimedCommand(one, "w1", NOW, 1, True, (_record("create", "intent"),)), ORDER_WORK, "create")
        for one in commands
    ]
    target = _Target(ORDER_WORK, {"R9": SystemUnavailable("hangs", system="mes")})
    found = look_up_together(target.door, journeys)
    assert [key for (_, key), answer in found.items() if isinstance(answer, SystemUnavailable)] == ["R9"]
    assert len(found) == 40

    down = _Target(ORDER_WORK, {key: SystemUnavailable("down", system="mes") for key in keys})
    assert len(look_up_together(down.door, journeys)) == 40
    assert len(down.asked) == delivery.FAILURES_RUNNING

    parts = list[int]()
    look_up_together(target.door, journeys, lambda: parts.append(1))
    assert len(parts) == 5, "after each part the leases run anew"


def test_prepare__a_reference_that_is_not_mapped_yet_is_waited_for_and_heals_by_itself(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    mappings = {"crm": load_mappings(MAPPINGS / "crm")}
    configuration = SimpleNamespace(policies={}, mappings=mappings, systems={"crm": load_system("crm")})
    hub = cast("Hub", SimpleNamespace(store=store, configuration=configuration))
    command = Command("update_order_progress", "crm", "sales_order", "R1", 1, PROGRESS, "rule:r", "e1")
    spec = OperationSpec(command.kind, "sales_order", {"create": (KEYED,)})

    def prepared() -> Journey:
        journey = Journey(replace(_claimed(), command=command), spec, "create")
        delivery.prepare(journey, delivery.draft(command, Lookups(hub)))
        return journey

    waiting = prepared().ending
    assert isinstance(waiting, Deferred)
    assert (waiting.state, waiting.missing) == (State.AWAITING, "crm/sales_order/SO-1")
    with store.begin() as tx:
        documents.record(tx, [Document("crm", "sales_order", "SO-1", "801", "SO-1", 0, None, "adopted", NOW)])
    healed = prepared()
    assert healed.ending is None
    assert healed.payload["Order__c"] == "801"


def test_prepare__a_document_that_has_to_stand_first_is_waited_for(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    lookups = Lookups(cast("Hub", SimpleNamespace(store=store, configuration=SimpleNamespace(policies={}))))
    claimed = _claimed()
    claimed = replace(claimed, command=replace(claimed.command, after=("erp/work_order/R1",)))
    lookups.learn(claimed.command.after)
    journey = _journey(ORDER_WORK, claimed)
    delivery.prepare(journey, delivery.draft(claimed.command, lookups))
    assert isinstance(journey.ending, Deferred)
    assert (journey.ending.state, journey.ending.missing) == (State.AWAITING, "erp/work_order/R1")
