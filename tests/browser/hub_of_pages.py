"""A hub with something of everything that the pages of operators and admins show."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from canonical.actors import Actor, Role, Scope
from canonical.commands import Command
from pipeline.hub import Hub
from store import (
    access,
    audit,
    crosswalk,
    golden,
    interventions,
    notices,
    outbox,
    people,
    quarantine,
    runs,
    sessions,
    tasks,
    tokens,
    verdicts,
)
from store.crosswalk import Binding
from store.notices import Notice
from store.quarantine import Rejection
from store.tasks import Task
from store.unit_of_work import Transaction
from store.verdicts import Verdict
from tests.unit.pipeline.landed import landed_hub

ADMIN, STEWARD, NOBODY = "root", "li.wei", "new.comer"


def busy_hub(folder: Path) -> Hub:
    """The hub, with three people on its roll."""
    hub = landed_hub(folder)
    with hub.store.begin() as tx:
        _passes(hub, tx)
        _commands(hub, tx)
        _words(hub, tx)
        for name, roles in ((ADMIN, [Role.ADMIN]), (STEWARD, [Role.STEWARD]), (NOBODY, [])):
            people.add(tx, name, "test", hub.now(), roles=roles)
    _order(hub)
    return hub


def _order(hub: Hub) -> None:
    """The order that the commands are for, with its lines and what happened to it."""
    number, line = "SO-26-00072", "SO-26-00072|1"
    order = {"number": number, "status": "open", "customer": "无锡市新吴区大成精密轴承制造有限公司", "urgent": True}
    with hub.store.begin() as tx:
        golden.record(tx, "sales_order", {number: order}, hub.now(), "run-29")
        crosswalk.bind(tx, [Binding("crm", "sales_order", number, number, "801")], hub.now())
        tokens.make(tx, "erp-new-material", Scope.MATCH, "person:root", hub.now(), days=90)
        tokens.make(tx, "openrefine.li-wei", Scope.RECONCILE, "person:root", hub.now(), days=30)
    lines = {
        "golden_id": [line], "order": [number], "line": [1], "item": ["DW-000239"], "quantity": [Decimal("12.500")],
        "unit": ["pcs"], "due": [date(2026, 12, 1)],
    }  # fmt: skip
    hub.frames.write("golden/sales_order_line", pl.DataFrame(lines), "run-29")


def _passes(hub: Hub, tx: Transaction) -> None:
    for number in range(30):
        run, at = f"run-{number:02}", hub.now() - timedelta(hours=30 - number)
        runs.start(tx, run, "run:x", at, at)
        for system, rows in (("crm", 1900), ("erp", 15380), ("mes", 2700), ("wms", 4650)):
            counts = {"raw": rows, "rows": rows - 200 + number * 5, "rejected": 200 - number * 5}
            runs.record_stage(tx, run, "conform", counts, at, part=f"item/{system}")
        runs.finish(tx, run, "done", at)
    found = [Verdict("judge", "item", f"rule_{n}", "error", n == 0, n > 2, 900, max(0, 3 - n)) for n in range(8)]
    verdicts.record(tx, [("run-29", verdict, hub.now()) for verdict in found])
    broken = [Rejection(f"DW-{number:04}", "sourcing_known", "sourcing must have a value") for number in range(60)]
    quarantine.replace(tx, "judge", "golden", "item", broken, now=hub.now())


def command(number: int) -> Command:
    return Command(
        kind="order_production", system="erp", entity="work_order", business_key=f"M|DW-{number:06}|SO-26-00072|1",
        revision=1, body={"item": f"DW-{number:06}", "quantity": "12.5"}, actor="rule:make-to-order", cause="event-1",
        sales_orders=("SO-26-00072",),
    )  # fmt: skip


def _commands(hub: Hub, tx: Transaction) -> None:
    every = [command(number) for number in range(70)]
    outbox.enqueue(tx, every, hub.now(), held={one.id: "approval" for one in every[60:]})
    for one in every[:55]:
        interventions.park(tx, one.id, "person:li.wei", "erp refused: the BOM has no effective version", hub.now())


def _words(hub: Hub, tx: Transaction) -> None:
    said = {"en": "Review custom order SO-26-00004: can we make it?", "zh": "评审定制订单 SO-26-00004：能否生产？"}
    due = hub.now() - timedelta(days=1)
    opened = [Task("review", "engineering", f"SO-26-{n:05}", said, "rule:r", "e", due_at=due) for n in range(60)]
    tasks.open_all(tx, opened, hub.now())
    told = {"en": "Short of DW-000239: 65 needed, 8 orders wait.", "zh": "DW-000239 缺料：需 65，影响 8 张订单。"}
    short = [Notice("production_supervisor", f"k{n}", told, "rule:u", "e", urgent=n == 0) for n in range(60)]
    notices.add(tx, short, hub.now())
    audit.append(tx, hub.now(), Actor("person", ADMIN), "logged in", "person/root", detail={"address": "10.0.0.7"})


def token_of(hub: Hub, name: str) -> str:
    """A session of somebody, as their cookie holds it."""
    with hub.store.begin() as tx:
        return sessions.begin(tx, name, "password", hub.now(), timedelta(hours=12))


def link_of(hub: Hub, name: str) -> str:
    """A one-time link's token."""
    with hub.store.begin() as tx:
        return access.make_link(tx, name, "person:root", hub.now(), timedelta(hours=1))
