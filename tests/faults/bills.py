"""A target whose documents have a state, as an ERP's bills do: A created, B in approval, C audited, D opened again.

It says of a step what the shipped connector makes of the ERP's words: a repeated submit or audit is `unknown`, a
repeated unaudit `unchanged`, a write to an audited bill `unknown`, to one in approval `rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from canonical.commands import Command, DeliveryClass, Outcome, OutcomeKind, StepReceipt
from connectors.port import FoundDocument, OperationSpec, StepRequest, StepSpec, Variant
from tests.faults.world import FAULTS, LATE_SECONDS, SETTLE_SECONDS, Target, World

KIND, KEY = "order_production", "K"
DONE, DOUBT, SAME, NO = OutcomeKind.APPLIED, OutcomeKind.UNKNOWN, OutcomeKind.UNCHANGED, OutcomeKind.REJECTED
SHOWN: Mapping[str, str] = {"save": "ABC", "submit": "BC", "audit": "C", "save_and_audit": "C", "unaudit": "D"}


def steps(*names: str) -> tuple[StepSpec, ...]:
    """Steps that are looked up, and whose bill shows that they are done."""
    return tuple(StepSpec(name, DeliveryClass.LOOKED_UP, can_look_up=True, shows=True) for name in names)


def _operation(*create: str) -> Mapping[str, OperationSpec]:
    variants: dict[Variant, tuple[StepSpec, ...]] = {
        "create": steps(*create), "change": steps("unaudit", *create), "cancel": steps("cancel"),
    }  # fmt: skip
    return {KIND: OperationSpec(KIND, "work_order", variants, SETTLE_SECONDS, 10)}


ONE_CALL = _operation("save_and_audit")
THREE_CALLS = _operation("save", "submit", "audit")


@dataclass
class Bill:
    """One document."""

    content: Any
    status: str = "A"
    cancelled: bool = False


@dataclass
class Bills(Target):
    """The bills under one key; `site` says what its IsAutoSubmitAndAudit does."""

    now: Callable[[], datetime]
    bills: list[Bill] = field(default_factory=list)
    site: Literal["atomic", "halting", "approving"] = "atomic"
    """`halting` refuses to audit and leaves the bill saved; `approving` leaves it with people."""
    due: list[tuple[datetime, StepRequest]] = field(default_factory=list)

    def commit_what_is_late(self) -> None:
        """As any target does."""
        for at, request in list(self.due):
            if at <= self.now():
                self.act(request)
                self.due.remove((at, request))

    def write(self, request: StepRequest) -> Outcome:
        """Carry out one step, or fail as told."""
        told = self.faults.get((request.reference, request.step), [])
        carried, kind = FAULTS[told.pop(0) if told else "none"]
        if carried == "late":
            self.due.append((self.now() + timedelta(seconds=LATE_SECONDS), request))
        said, message = self.act(request) if carried == "now" else (kind, "as told")
        if kind is not DONE or said not in (DONE, SAME):
            return Outcome(kind if kind is not DONE else said, message=message)
        place = self._place(request)
        place = len(self.bills) - 1 if place is None else place
        return Outcome(said, StepReceipt(request.step, str(place), f"n{place}", request.reference, self.now(), {}))

    def act(self, request: StepRequest) -> tuple[OutcomeKind, str]:
        """What the bill makes of a step, and what the hub is told."""
        if request.step in ("save", "save_and_audit"):
            return self._saved(request)
        place = self._place(request)
        assert place is not None, f"{request.step} of no bill"
        bill = self.bills[place]
        if request.step == "cancel":
            same, bill.cancelled = bill.cancelled, True
            return (SAME if same else DONE), "cancelled"
        came_from, goes_to, otherwise = {
            "submit": ("AD", "B", DOUBT), "audit": ("B", "C", DOUBT), "unaudit": ("C", "D", SAME),
        }[request.step]  # fmt: skip
        if bill.status not in came_from:
            return otherwise, f"{request.step} of {bill.status}"
        bill.status = goes_to
        return DONE, ""

    def _saved(self, request: StepRequest) -> tuple[OutcomeKind, str]:
        place = self._place(request)
        bill = Bill(None) if place is None else self.bills[place]
        if bill.status in "BC":
            return (NO, "in approval") if bill.status == "B" else (DOUBT, "audited already")
        if place is None:
            self.bills.append(bill)
        bill.content = dict(request.payload)
        if request.step == "save":
            return DONE, ""
        bill.status = {"atomic": "C", "halting": "A", "approving": "B"}[self.site]
        return {"atomic": (DONE, ""), "halting": (NO, "no audit"), "approving": (DOUBT, "B, not C")}[self.site]

    def _place(self, request: StepRequest) -> int | None:
        """As the connector names the bill: by its newest id."""
        ids = [request.existing.native_id] if request.existing else []
        ids += [receipt.native_id for receipt in request.receipts.values() if receipt.native_id is not None]
        return int(ids[-1]) if ids else None

    def found(self, key: str) -> list[FoundDocument]:
        """All of them, with what their state shows to be done."""
        return [
            FoundDocument(key, str(place), f"n{place}", done_steps=self._done(bill))
            for place, bill in enumerate(self.bills)
        ]

    def _done(self, bill: Bill) -> tuple[str, ...]:
        shown = [step for step, states in SHOWN.items() if bill.status in states]
        return (*shown, *(["cancel"] if bill.cancelled else []))


def bills_of(world: World) -> Bills:
    """The target of a world, which has bills from now on."""
    if not isinstance(world.target, Bills):
        world.target = Bills(lambda: world.moment)
    return world.target


def order(quantity: int, revision: int = 1, *, cancelled: bool = False) -> Command:
    """The production order of this world."""
    body = {"quantity": quantity}
    return Command(KIND, "erp", "work_order", KEY, revision, body, "rule:r", "e1", cancelled=cancelled)
