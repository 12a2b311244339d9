"""The real delivery against the simulated systems: batches, partial failures, lost and replayed answers.

What the systems' own ledgers say decides, not what the hub believes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from canonical.commands import Command, State
from pipeline import delivery, delivery_workers, route
from pipeline import hub as hubs
from pipeline.deliver import deliver
from pipeline.hub import Hub, Run, open_hub, run_actor
from pipeline.outbound import Lookups
from store import outbox

ROOT = Path(__file__).parents[2]
WEATHER = {"hang_seconds": 0.3, "late_seconds": 0.5, "slow_seconds": 0.2}


@dataclass
class Plant:
    """The running systems, read independently of the hub."""

    ready: Mapping[str, Any]

    def control(self, system: str, name: str, body: object = None) -> Any:
        url = f"{self.ready['systems'][system]['url']}/_sandbox/{name}"
        headers = {"X-Sandbox-Token": self.ready["control_token"]}
        with requests.request("GET" if body is None else "POST", url, json=body, headers=headers, timeout=10) as reply:
            reply.raise_for_status()
            return reply.json()

    def effects(self, system: str, references: Sequence[str]) -> Counter[tuple[str, str, str]]:
        rows = self.control(system, "ledger")
        return Counter(
            (row["operation"], row["reference"], row["effect"]) for row in rows if row["reference"] in references
        )


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("plant")
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "up", "--dir", str(folder)], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (folder / "sandbox.json").exists():
            assert process.poll() is None, "the sandbox did not come up"
            assert time.monotonic() < until, "the sandbox did not come up in time"
            time.sleep(0.05)
        yield Plant(json.loads((folder / "sandbox.json").read_text()))
    finally:
        process.terminate()
        process.wait(20)


@dataclass
class Desk:
    """A hub whose payloads stand in the commands themselves, so that a test says what is sent."""

    hub: Hub
    run: Run
    plant: Plant
    revisions: Counter[str] = field(default_factory=Counter)

    def deliver(self, kind: str, system: str, bodies: Mapping[str, Mapping[str, Any]], *, passes: int = 6) -> None:
        entity = self.hub.connector(system).operations[kind].entity
        commands = []
        for key, body in bodies.items():
            self.revisions[key] += 1
            commands.append(Command(kind, system, entity, key, self.revisions[key], dict(body), "rule:test", "e1"))
        with self.hub.store.begin() as tx:
            outbox.enqueue(tx, commands, self.hub.now())
        for _ in range(passes):
            if deliver(self.hub, self.run, [system]).open == 0:
                return

    def states(self, references: Sequence[str]) -> Counter[State]:
        with self.hub.store.read() as tx:
            newest = {entry.command.business_key: entry.state for entry in outbox.entries(tx)}
        return Counter(newest[reference] for reference in references)


@pytest.fixture
def desk(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(delivery, "build_payload", _as_it_stands)
    environ = {**plant.ready["env"], "MILLSTREAM_HOME": str(tmp_path), "MILLSTREAM_AS_OF": "2026-11-02"}
    opened = open_hub(environ)
    run = opened.new_run(run_actor("test"))
    route.begin(opened, run)
    yield Desk(opened, run, plant)
    opened.close()


def _as_it_stands(_: Lookups, command: Command) -> dict[str, Any]:
    return dict(command.body)


def _first(desk: Desk, system: str, stream: str) -> Mapping[str, Any]:
    return next(iter(desk.hub.connector(system).read(stream))).records[0]


def _production(desk: Desk, quantity: int = 3) -> dict[str, Any]:
    known = _first(desk, "erp", "production_orders")
    row = {
        "FMaterialId": {"FNumber": known["FMaterialId.FNumber"]}, "FUnitId": {"FNumber": known["FUnitId.FNumber"]},
        "FQty": quantity, "FPlanStartDate": "2026-12-01", "FPlanFinishDate": "2026-12-05",
    }  # fmt: skip
    return {"FTreeEntity": [row]}


def _progress(desk: Desk, percent: int = 40) -> dict[str, Any]:
    order = _first(desk, "crm", "orders")
    return {"Order__c": order["Id"], "Stage__c": "In production", "Percent_Complete__c": percent}


def _work(desk: Desk, quantity: int = 2) -> dict[str, Any]:
    known = _first(desk, "mes", "work_orders")
    return {
        "erp_order_no": known["erp_order_no"], "material_code": known["material_code"], "unit": known["unit"],
        "quantity": quantity, "priority": 5, "due_on": "2026-12-05",
    }  # fmt: skip


def test_deliver__erp_orders_go_in_batches_and_refused_ones_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_workers, "PATIENCE_SECONDS", 60.0)
    good, bad = _production(desk), {"FTreeEntity": [{"FMaterialId": {"FNumber": "nonsense"}}]}
    references = [f"BE{number}" for number in range(60)]
    refused = {"BE7", "BE19", "BE55"}
    desk.deliver("order_production", "erp", {key: bad if key in refused else good for key in references})
    assert desk.states(references) == {State.APPLIED: 57, State.REJECTED: 3}
    effects = desk.plant.effects("erp", references)
    assert set(effects.values()) == {1}
    assert sum(count for (_, _, effect), count in effects.items() if effect == "created") == 57
    calls = {operation for operation, _, _ in effects}
    assert calls == {"PRD_MO.Save", "PRD_MO.Submit", "PRD_MO.Audit"}
    assert len(effects) == 57 * 3


def test_deliver__erp_orders_are_changed_in_batches(desk: Desk) -> None:
    references = [f"BC{number}" for number in range(12)]
    desk.deliver("order_production", "erp", dict.fromkeys(references, _production(desk)))
    desk.deliver("order_production", "erp", dict.fromkeys(references, _production(desk, 5)))
    assert desk.states(references) == {State.APPLIED: 12}
    effects = desk.plant.effects("erp", references)
    assert sum(count for (_, _, effect), count in effects.items() if effect == "created") == 12
    found = desk.hub.connector("erp").look_up("order_production", references)
    assert {len(documents) for documents in found.values()} == {1}
    assert {documents[0].content["FQty"] for documents in found.values()} == {5}


def test_deliver__crm_progress_with_refusals(desk: Desk) -> None:
    good = _progress(desk)
    references = [f"BP{number}" for number in range(30)]
    bodies = {key: {**good, "Order__c": "nonsense"} if key in {"BP3", "BP4"} else good for key in references}
    desk.deliver("update_order_progress", "crm", bodies)
    assert desk.states(references) == {State.APPLIED: 28, State.REJECTED: 2}
    assert set(desk.plant.effects("crm", references).values()) == {1}


def test_deliver__document_the_hub_forgot_is_taken_over(desk: Desk, tmp_path: Path) -> None:
    references = [f"BW{number}" for number in range(5)]
    desk.deliver("order_work", "mes", dict.fromkeys(references, _work(desk)))
    forgetful = hubs.open_hub({**desk.hub.environ, "MILLSTREAM_HOME": str(tmp_path / "other")})
    run = forgetful.new_run(run_actor("test"))
    route.begin(forgetful, run)
    again = Desk(forgetful, run, desk.plant, Counter(dict.fromkeys(references, 1)))
    again.deliver("order_work", "mes", dict.fromkeys(references, _work(desk, 4)))
    assert again.states(references) == {State.APPLIED: 5}
    found = forgetful.connector("mes").look_up("order_work", references)
    assert {cast("Any", documents[0].content["quantity"]) for documents in found.values()} == {4}
    created = desk.plant.effects("mes", references)
    assert sum(count for (_, _, effect), count in created.items() if effect == "created") == 5
    forgetful.close()


@pytest.mark.parametrize(
    ("system", "kind", "make", "count", "rate"),
    [
        ("erp", "order_production", _production, 70, 0.5),
        ("crm", "update_order_progress", _progress, 250, 0.8),
        ("mes", "order_work", _work, 40, 0.4),
    ],
)
def test_deliver__hostile_weather_makes_each_document_once(
    desk: Desk, *, system: str, kind: str, make: Any, count: int, rate: float
) -> None:
    references = [f"BH-{system}-{number}" for number in range(count)]
    bodies = dict.fromkeys(references, make(desk))
    desk.plant.control(system, "hostile", {"seed": 11, "rate": rate, **WEATHER})
    try:
        desk.deliver(kind, system, bodies)
        faults = desk.plant.control(system, "hostile")["faults"]
    finally:
        desk.plant.control(system, "hostile", {"rate": 0})
    time.sleep(WEATHER["late_seconds"] + 0.2)
    assert sum(faults.values()) > 0, "the weather was fair"
    assert desk.states(references) == {State.APPLIED: count}
    effects = desk.plant.effects(system, references)
    created = Counter({reference: times for (_, reference, effect), times in effects.items() if effect == "created"})
    assert created == Counter(dict.fromkeys(references, 1))
