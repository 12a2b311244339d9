"""A very small plant as its systems tell of it, raw record by raw record, brought through the stages up to the plan."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from canonical.actors import Actor, Role
from canonical.plan import Plan
from canonical.strict_json import dumps
from pipeline.decide import Decided, decide
from pipeline.hub import Hub, Run, open_hub
from pipeline.plan import plan
from pipeline.route import see
from store import quarantine
from store.landing import RAW_SCHEMA, record_landing

TODAY = "2026-11-02"
CHANGED = "2026-10-15T00:00:00"
FULL = f"{CHANGED}.000+0000"


@dataclass
class RawPlant:
    """What CRM, ERP, MES and WMS say; `pass_` takes it all up and plans."""

    folder: Path
    said: defaultdict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.tell("wms", "warehouses", code="WH1", name="Main")
        self.hub = open_hub({"MILLSTREAM_HOME": str(self.folder), "MILLSTREAM_AS_OF": TODAY})

    def tell(self, system: str, stream: str, **record: Any) -> None:
        """One more record."""
        self.said[system, stream].append(record)

    def material(self, code: str, kind: str = "1", **more: Any) -> None:
        """A material of the ERP: kind 1 is bought, 2 made, 5 a phantom."""
        number = f"DW-{sum(map(ord, code)):06d}"
        known = {"FMATERIALID": code, "FNumber": code, "FName": code, "FBaseUnitId.FNumber": "Pcs", "FErpClsID": kind,
                 "F_MS_DrawingNo": number, "FFixLeadTime": 2, "FForbidStatus": "A", "FModifyDate": CHANGED}  # fmt: skip
        self.tell("erp", "materials", **{**known, **more})

    def bom(self, parent: str, *lines: tuple[str, object], **head: Any) -> None:
        """A bill of material: components and how many of each."""
        for number, (component, quantity) in enumerate(lines, start=1):
            known = {"FID": parent, "FNumber": f"{parent}_V1", "FMATERIALID.FNumber": parent, "FDocumentStatus": "C",
                     "FTreeEntity_FEntryId": f"{parent}{number}", "FTreeEntity_FSeq": number, "FDENOMINATOR": 1,
                     "FMATERIALIDCHILD.FNumber": component, "FNUMERATOR": quantity, "FCHILDUNITID.FNumber": "Pcs",
                     "FModifyDate": CHANGED}  # fmt: skip
            self.tell("erp", "boms", **{**known, **head})

    def product(self, code: str, *lines: tuple[str, object], unknown: str = "") -> None:
        """Something made, with its parts, of which ten are ordered; nobody has the `unknown` part."""
        self.material(code, "2")
        for component, _ in lines:
            if component != unknown:
                self.material(component, "2" if component.startswith("CYCLE") else "1")
        self.bom(code, *lines)
        self.order(f"SO-{code}", code, 10, "2026-11-20")

    def order(self, number: str, item: str, quantity: object, due: str) -> None:
        """A sales order of one line."""
        self.tell("crm", "orders", Id=number, OrderNumber=number, Status="Activated", SystemModstamp=FULL)
        self.tell("crm", "products", Id=item, ProductCode=f"P-{item}", Name=item, QuantityUnitOfMeasure="Each",
                  StockKeepingUnit=f"DW-{sum(map(ord, item)):06d}", IsActive=True, SystemModstamp=FULL)  # fmt: skip
        line = {"Order.OrderNumber": number, "LineNumber__c": "1", "Product2.ProductCode": f"P-{item}",
                "Quantity": quantity, "Product2.QuantityUnitOfMeasure": "Each", "EndDate": due}  # fmt: skip
        self.tell("crm", "order_items", Id=f"{number}/1", SystemModstamp=FULL, **line)

    def stock(self, code: str, quantity: object) -> None:
        """A lot in the warehouse, where the item has the code SKU-…."""
        self.tell("wms", "items", sku=f"SKU-{code}", description=code, unitOfMeasure="EA",
                  drawingRef=f"DW-{sum(map(ord, code)):06d}", changedAt=CHANGED)  # fmt: skip
        lot = {"warehouse": "WH1", "sku": f"SKU-{code}", "lot": "L1", "status": "AVAILABLE", "quantity": quantity}
        self.tell("wms", "stock", unitOfMeasure="EA", changedAt=CHANGED, **lot)

    def run(self) -> Run:
        return self.hub.new_run(Actor("run", "test", Role.ENGINEER))

    def land(self, run: Run) -> None:
        """What the systems say now; streams of which nothing is told are empty."""
        for system, stream in self.hub.configuration.streams():
            records = [dumps(record) for record in self.said[system, stream]]
            frame = pl.DataFrame({"record": records}, schema=RAW_SCHEMA)
            told = {"run": run.run_id, "fetched_at": self.hub.now().isoformat()}
            file = self.hub.raw.write(system, stream, frame, told)
            with self.hub.store.begin() as tx:
                record_landing(tx, file, run.run_id, self.hub.now(), CHANGED, complete=True)

    def pass_(self) -> tuple[Plan, Decided]:
        """Land, see, plan, decide; nothing is delivered."""
        run = self.run()
        self.land(run)
        see(self.hub, run, suite=False)
        made, _ = plan(self.hub, run)
        return made, decide(self.hub, run, made)

    def quarantined(self) -> set[tuple[str, str]]:
        """(rule, source key) of what waits in quarantine."""
        with self.hub.store.read() as tx:
            return {(row.rejection.rule, row.rejection.source_key) for row in quarantine.listed(tx)}

    def codes(self) -> dict[str, str]:
        """Golden id → ERP code."""
        frame = self.hub.frames.read("judged/item")
        return {} if frame is None else dict(frame.select("golden_id", "code").iter_rows())
