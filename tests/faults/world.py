"""A small world for delivery: a target in memory that fails as told, a clock that is moved, a process that can die.

Everything between the target's answers and the outbox is the real thing: `pipeline.deliver.Round` on a real store.
What a fault means is given here as what the connectors make of it (their own tests prove that they do): whether
the target carried the call out, now, later or not at all, and what the hub gets to know.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

from sqlalchemy import Engine, delete, event, select

from canonical.commands import Command, DeliveryClass, Outcome, OutcomeKind, State, StepReceipt
from canonical.errors import SystemUnavailable
from connectors.port import FoundDocument, OperationSpec, StepRequest, StepSpec
from pipeline.deliver import Round
from pipeline.delivery_workers import Workers
from pipeline.hub import Hub
from pipeline.outbound import Lookups
from rules.ruleset import RuleSet
from store import deliveries, due_commands, outbox
from store.connections import ConnectionState
from store.database import WRITES
from store.frames import FrameStore
from store.sent_mark import SentMark
from store.tables import metadata
from store.unit_of_work import Store

START = datetime(2026, 11, 2, tzinfo=UTC)
LATE_SECONDS = 2.0
SETTLE_SECONDS = 5.0
Carried = Literal["now", "late", "never"]
FAULTS: dict[str, tuple[Carried, OutcomeKind]] = {
    "none": ("now", OutcomeKind.APPLIED),
    "error_before": ("never", OutcomeKind.UNKNOWN),
    "error_after": ("now", OutcomeKind.UNKNOWN),
    "hang": ("never", OutcomeKind.UNKNOWN),
    "reset": ("now", OutcomeKind.UNKNOWN),
    "late_commit": ("late", OutcomeKind.UNKNOWN),
    "slow_body": ("now", OutcomeKind.UNKNOWN),
    "cut_body": ("now", OutcomeKind.UNKNOWN),
    "html": ("now", OutcomeKind.UNKNOWN),
    "previous_reply": ("now", OutcomeKind.UNKNOWN),
    "rate_limited": ("never", OutcomeKind.RETRY),
    "expired": ("never", OutcomeKind.RETRY),
}
"""Hostile mode → what the target does with the call, and what the hub hears."""
ALIKE = {behaviour: fault for fault, behaviour in FAULTS.items() if fault != "none"}.values()
"""One fault of each behaviour: what the target does and what the hub hears is all that tells them apart here."""
KEYED = StepSpec("create", DeliveryClass.KEYED, can_look_up=False)
BLIND = StepSpec("print", DeliveryClass.BLIND, can_look_up=False)
LOOKED_UP = tuple(StepSpec(name, DeliveryClass.LOOKED_UP, can_look_up=True) for name in ("save", "submit", "audit"))
IN_ONE = StepSpec("save_and_audit", DeliveryClass.LOOKED_UP, can_look_up=True)
OPERATIONS = {
    "order_work": OperationSpec("order_work", "work_order", {"create": (KEYED,)}),
    "order_production": OperationSpec("order_production", "work_order", {"create": (IN_ONE,)}, SETTLE_SECONDS, 10),
    "request_purchase": OperationSpec(
        "request_purchase", "purchase_request", {"create": LOOKED_UP}, SETTLE_SECONDS, 10
    ),
    "print_ticket": OperationSpec("print_ticket", "shipment", {"create": (BLIND,)}),
}


class Crash(BaseException):
    """The process is gone: no handler of ours may stop it."""


@dataclass
class Target:
    """What stands in the other system, and which call of which step fails how."""

    now: Callable[[], datetime]
    faults: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(key, step) → faults of its calls, in order; calm afterwards."""
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    late: list[tuple[datetime, str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def commit_what_is_late(self) -> None:
        """Calls that the target finishes long after it was given up on."""
        for due, key, step in list(self.late):
            if due <= self.now():
                self.effects[key, step] += 1
                self.late.remove((due, key, step))

    def write(self, request: StepRequest) -> Outcome:
        """Carry out one step, or fail as told."""
        key, step = request.reference, request.step
        told = self.faults.get((key, step), [])
        carried, kind = FAULTS[told.pop(0) if told else "none"]
        if carried != "never":
            self._carry_out(key, step, request.idempotency_key if step == KEYED.name else None, carried)
        if kind is not OutcomeKind.APPLIED:
            return Outcome(kind, message="as told")
        return Outcome(kind, StepReceipt(step, f"id-{key}", f"n-{key}", key, self.now(), {}))

    def _carry_out(self, key: str, step: str, once: str | None, carried: Carried) -> None:
        if once is not None and once in self.keys:
            return
        if once is not None:
            self.keys.add(once)
        if carried == "late":
            self.late.append((self.now() + timedelta(seconds=LATE_SECONDS), key, step))
        else:
            self.effects[key, step] += 1

    def found(self, key: str) -> list[FoundDocument]:
        """The documents that carry our reference; their state shows which steps are done."""
        done = tuple(step.name for step in (*LOOKED_UP, IN_ONE) if self.effects[key, step.name])
        made = self.effects[key, LOOKED_UP[0].name] + self.effects[key, IN_ONE.name]
        return [FoundDocument(key, f"id-{key}", f"n-{key}", done_steps=done)] * made


@dataclass
class World:
    """One hub process after another on one store, and the target they all write to."""

    store: Store
    moment: datetime = START
    crash_at: int | None = None
    """Which of the points it comes by kills the process; None: it lives."""
    points: list[str] = field(default_factory=list)
    """The points that were come by, in order."""
    history: list[Any] = field(default_factory=list)
    """What the target answered, call by call."""
    replayed: list[Any] | None = None
    """Answers of a recorded history, given instead of the target's."""
    failing_look_ups: int = 0
    """So many look-ups fail first."""
    lives: int = 0
    target_effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What stands in the target already."""
    home: Path | None = None
    """Where the mark of what was sent is kept; None: nowhere."""
    _doing: set[str] = field(default_factory=set)
    _dead: bool = False

    def __post_init__(self) -> None:
        self.target = Target(lambda: self.moment, effects=self.target_effects)
        self.system, self.role, self.operations = "erp", "erp", OPERATIONS

    # The hub's side

    @property
    def hub(self) -> Hub:
        """As much of a hub as delivery asks for."""
        settings = SimpleNamespace(home=self.home)
        named: Any = SimpleNamespace(
            store=self, now=lambda: self.moment, connector=lambda _: self, settings=settings,
            frames=FrameStore((self.home or Path()) / "frames"),
            connection_states=lambda: {self.system: ConnectionState.LIVE},
            configuration=SimpleNamespace(
                rules=RuleSet(()), mappings={self.system: SimpleNamespace(outbound={})}
            ),
        )  # fmt: skip
        return cast("Hub", named)

    def live(self) -> None:
        """One process delivers what is due, until it dies or there is nothing due."""
        self.lives += 1
        self._dead = False
        hub, mark = self.hub, None if self.home is None else SentMark(self.home / "deliveries.mark")
        lookups = cast("Lookups", SimpleNamespace(learn=lambda _: None, expect=lambda _: None, stands=lambda _: True))
        workers = Workers(hub)
        try:
            for turn in range(100):
                if not Round(hub, "erp", lookups, workers, f"life-{self.lives}:{turn}", mark).run():
                    return
        except Crash:
            self._dead = True

    def calm_down(self) -> None:
        """New processes, one after the other, each as soon as there is something to do, until nothing is open."""
        for _ in range(60):
            with self.store.begin() as tx:
                deliveries.end_leases(tx, deliveries.lease_owners(tx, self.moment), self.moment)
                outlook = due_commands.outlook(tx, self.moment, "erp")
            if outlook.open == 0:
                break
            self.moment = max(outlook.due_at or self.moment, self.moment + timedelta(milliseconds=100))
            self.target.commit_what_is_late()
            self.live()
        self.moment += timedelta(seconds=LATE_SECONDS)
        self.target.commit_what_is_late()

    # What a hub calls its store

    @contextmanager
    def begin(self) -> Iterator[Any]:
        """A write transaction of a process that may be dead, or die right after."""
        self._alive()
        self._doing = set()
        with self.store.begin() as tx:
            driver = cast("Any", tx.connection.driver_connection)
            driver.set_trace_callback(self._note)
            try:
                yield tx
            finally:
                driver.set_trace_callback(None)
        self._point("+".join(sorted(self._doing)) or "nothing written")

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """Reads through one connection."""
        with self.store.steadily():
            yield

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A read."""
        self._alive()
        with self.store.read() as tx:
            yield tx

    def _note(self, sql: str) -> None:
        """What SQLite is asked to write, so that the point after its commit has a name."""
        if (written := _WRITES.match(sql)) is not None:
            self._doing.add(_deed(written["how"], written["table"], sql))

    def _alive(self) -> None:
        if self._dead:
            raise Crash

    def _point(self, name: str) -> None:
        self.points.append(name)
        if self.crash_at == len(self.points) - 1:
            self._dead = True
            raise Crash

    # What a hub calls its connector

    def write(self, requests: Sequence[StepRequest]) -> list[Outcome]:
        """Every request gets its answer."""
        self._alive()
        steps = "+".join(sorted({request.step for request in requests}))
        self._point(f"before {steps} is sent")
        outcomes = [self._answered(request) for request in requests]
        self._point(f"{steps} sent")
        return outcomes

    def _answered(self, request: StepRequest) -> Outcome:
        asked = ["write", request.reference, request.step, self.moment.isoformat()]
        answer = self._said(asked, lambda: _outcome_as_json(self.target.write(request)))
        return _outcome_from_json(answer)

    def look_up(self, operation: str, references: Sequence[str]) -> dict[str, list[FoundDocument]]:
        """What stands under our references."""
        self._alive()
        if self.failing_look_ups:
            self.failing_look_ups -= 1
            raise SystemUnavailable("as told", system=self.system)
        asked = ["look_up", operation, *references, self.moment.isoformat()]
        found = self._said(asked, lambda: {key: [asdict(one) for one in self.target.found(key)] for key in references})
        self._point("looked up")
        return {
            key: [FoundDocument(**{**one, "done_steps": tuple(one["done_steps"])}) for one in documents]
            for key, documents in found.items()
        }

    def _said(self, asked: list[str], answer: Callable[[], Any]) -> Any:
        if self.replayed is None:
            said = json.loads(json.dumps(answer()))
            self.history.append([asked, said])
            return said
        recorded, said = self.replayed[len(self.history)]
        assert recorded == asked, f"the replay asks {asked}, the recorded hub asked {recorded}"
        self.history.append([asked, said])
        return said


_WRITES = re.compile(r"\s*(?P<how>INSERT|UPDATE)\s+(INTO\s+)?(?P<table>\w+)")


def _deed(how: str, table: str, sql: str) -> str:
    if table == "outbox_steps":
        return "intent written" if how == "INSERT" and "'intent'" in sql else "answer written"
    if table == "documents":
        return "document written"
    return "command written"


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    receipt = None
    if outcome.receipt is not None:
        receipt = {**asdict(outcome.receipt), "received_at": outcome.receipt.received_at.isoformat()}
    return {"kind": outcome.kind.value, "message": outcome.message, "receipt": receipt}


def _outcome_from_json(said: Mapping[str, Any]) -> Outcome:
    receipt = said["receipt"]
    if receipt is not None:
        receipt = StepReceipt(**{**receipt, "received_at": datetime.fromisoformat(receipt["received_at"])})
    return Outcome(OutcomeKind(said["kind"]), receipt, said["message"])


def careless(engine: Engine) -> None:
    """Connections that do not wait for the disk: no trace cuts the power."""
    engine.dispose()
    event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF"))


def empty(store: Store) -> None:
    """Forget everything: creating a database takes longer than most traces."""
    with store.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        for name in ("outbox_steps", "outbox", "documents", "ticks", "decided"):
            connection.execute(delete(metadata.tables[name]))


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything delivery leaves behind, row for row."""
    with store.read() as tx:
        return {
            name: sorted((tuple(map(str, row)) for row in tx.execute(select(metadata.tables[name]))), key=str)
            for name in ("outbox", "outbox_steps", "documents")
        }


def command(kind: str, key: str) -> Command:
    """One command of an operation of this world."""
    return Command(kind, "erp", OPERATIONS[kind].entity, key, 1, {}, "rule:r", "e1")


def states(store: Store) -> dict[str, State]:
    """Business key → where its command stands."""
    with store.read() as tx:
        return {one.command.business_key: one.state for one in outbox.entries(tx)}
