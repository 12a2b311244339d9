"""A hub over canonical frames a test writes, without systems: what mastering and stewardship need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import polars as pl

from canonical.actors import Actor, Role
from canonical.entities import ENTITIES, frame_schema
from canonical.stewardship import SourceRef
from mdm.policy import Policy, load_policies
from pipeline.basis import differing
from pipeline.hub import Configuration, Hub, Run, run_actor
from pipeline.reconcile import Mastered, reconcile_entity
from pipeline.route import begin
from pipeline.settings import Deployment, Settings
from store import crosswalk, golden
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
LI = Actor("person", "li.wei", Role.STEWARD)
WANG = Actor("person", "wang.fang", Role.APPROVER)
SYSTEMS = ("erp", "mes", "wms", "crm")
Rows = Mapping[str, Mapping[str, Any]]


def ref(text: str) -> SourceRef:
    return SourceRef.parse(text)


@dataclass
class MasteredPlant:
    """Records by system and key; `master` runs the stage over them as they stand."""

    hub: Hub
    moment: datetime = NOON
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    passes: int = 0

    def put(self, entity: str, record: str, /, **values: Any) -> None:
        system, key = record.split(":", 1)
        required = {"role": "supplier"} if entity == "partner" else {}
        coded = {} if entity == "bom_line" else {"code": key}
        row = {"system": system, "source_key": key, "absent": [], **coded, **required, **values}
        self.records.setdefault(entity, {})[record] = row

    def remove(self, entity: str, name: str) -> None:
        del self.records[entity][name]

    def later(self, **amount: float) -> None:
        self.moment += timedelta(**amount)

    def master(self, entity: str = "item") -> Mastered:
        self.passes += 1
        self.later(minutes=1)
        run = Run(f"run-{self.passes:05d}", date(2026, 11, 2), run_actor("test"))
        begin(self.hub, run)
        schema = frame_schema(ENTITIES[entity])
        for system in SYSTEMS:
            rows = [row for row in self.records.get(entity, {}).values() if row["system"] == system]
            full = [{name: row.get(name) for name in schema} for row in rows]
            frame = pl.DataFrame(full, schema=schema).sort("source_key")
            self._tell(f"canonical/{entity}/{system}", frame, run)
        return reconcile_entity(self.hub, entity, run)

    def _tell(self, name: str, frame: pl.DataFrame, run: Run) -> None:
        """As conforming writes it: not where nothing changed, and with what did."""
        before = self.hub.frames.read(name)
        changed = None if before is None else differing(before, frame, "source_key")
        if before is None or changed is None or changed:
            self.hub.frames.write(name, frame, run.run_id, changed=changed)

    def golden(self, entity: str = "item") -> dict[str, set[str]]:
        """Golden id → its records, by the crosswalk."""
        with self.hub.store.read() as tx:
            frame = crosswalk.crosswalk_frame(tx, entity)
        found: dict[str, set[str]] = {}
        for row in frame.to_dicts():
            found.setdefault(row["golden_id"], set()).add(f"{row['system']}:{row['source_key']}")
        return found

    def state(self, entity: str = "item") -> tuple[Any, ...]:
        """Crosswalk, golden contents in force and redirects: what merge and unmerge must restore."""
        with self.hub.store.read() as tx:
            rows = crosswalk.crosswalk_frame(tx, entity).to_dicts()
            return rows, golden.in_force(tx, entity), golden.redirects(tx, entity)


def mastered_plant(
    folder: Path, policies: Iterable[Policy] | None = None, *, store: Store | None = None
) -> MasteredPlant:
    """An empty plant of four systems."""
    deployment = Deployment.model_validate(
        {
            "name": "plant", "systems": {name: {"role": name} for name in SYSTEMS}, "rulebooks": (),
            "sales_order_system": "crm",
        }
    )  # fmt: skip
    shipped = load_policies()
    chosen = {**shipped, **{policy.entity: policy for policy in policies or ()}}
    configuration = Configuration(deployment, {}, {}, chosen, {}, cast("Any", ()))
    told = {
        (system, entity): ()
        for system in SYSTEMS
        for entity in ("item", "partner", "partner_relation", "item_relation", "bom", "bom_line")
    }
    configuration.__dict__["inbound"] = told
    folder.mkdir(parents=True, exist_ok=True)
    opened = store or Store.open(f"sqlite:///{folder}/hub.sqlite")
    settings = Settings(folder, str(opened.engine.url), None, folder / "plant.yaml", None)
    hub = Hub(settings, configuration, opened, RawFiles(folder / "raw"), FrameStore(folder / "frames"), {})
    plant = MasteredPlant(hub)
    hub.now = lambda: plant.moment
    return plant
