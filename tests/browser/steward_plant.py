"""A small plant whose stewards have work: pairs, conflicts, a duplicate, with orders and stock hanging on them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from canonical.actors import Actor, Role
from pipeline import steward_acts as acts
from pipeline import steward_relations as relations
from store import people, sessions
from tests.unit.pipeline.mastered import MasteredPlant, mastered_plant

THREADS = ("M4", "M5", "M6", "M8", "M10", "M12", "M14", "M16", "M18", "M20", "M22", "M24")
FIRMS = (
    ("无锡大成轴承有限公司", "大成轴承", "无锡"), ("重庆吕氏五金有限公司", "吕氏五金", "重庆"),
    ("上海华东电机股份有限公司", "华东电机", "上海"), ("苏州明达模具有限公司", "明达模具", "苏州"),
    ("Kestrel Fasteners Ltd", "Kestrel Fasteners", "Leeds"), ("Northgate Castings GmbH", "Northgate Castings", "Essen"),
)  # fmt: skip
SOURCED = ("DW-CONF-1", "DW-CONF-2", "DW-CONF-3")
STEWARD, APPROVER, VIEWER = "li.wei", "wang.fang", "guest"


def steward_plant(folder: Path) -> MasteredPlant:
    """The plant, mastered once, with three people on its roll."""
    plant = mastered_plant(folder)
    _items(plant)
    _partners(plant)
    _hanging(plant)
    plant.master("item")
    plant.master("partner")
    _hanging(plant)
    _roll(plant)
    return plant


def _items(plant: MasteredPlant) -> None:
    for number, thread in enumerate(THREADS):
        plant.put(
            "item", f"erp:10{number:02}", name="内六角圆柱头螺钉", specification=f"{thread}×{20 + number} 8.8级 发黑",
            drawing_number=f"DW-{number:03}", unit="pcs", sourcing="buy",
        )  # fmt: skip
        plant.put("item", f"crm:S{number:02}", name=f"内六角螺钉 {thread}*{20 + number} 8.8级", unit="pcs")
    for number, code in enumerate(SOURCED):
        plant.put(
            "item", f"erp:2{number}", name=f"Gear housing {number}", drawing_number=code, sourcing="buy", unit="pcs"
        )
        plant.put("item", f"mes:G{number}", name=f"齿轮箱体 {number}", drawing_number=code, sourcing="make", unit="pcs")
    plant.put("item", "wms:W1", name="Hex bolt M8x40 8.8 zinc", drawing_number="DW-TWICE", unit="pcs")
    plant.put("item", "wms:W2", name="Hex bolt M8x40 8.8 zinc plated", drawing_number="DW-TWICE", unit="pcs")


def _partners(plant: MasteredPlant) -> None:
    for number, (long, short, city) in enumerate(FIRMS):
        tax = {"tax_number": f"91320500MA1X{number:02}"}
        plant.put("partner", f"erp:V{number}", name=long, city=city, phone=f"0510-8270{number:04}", **tax)
        plant.put("partner", f"crm:A{number}", name=short, city=city)


def _hanging(plant: MasteredPlant) -> None:
    """Open orders and stock, as the last pass left them."""
    item = [f"DW-{number:03}" for number in range(8) for _ in range(8 - number)]
    orders = pl.DataFrame({"golden_id": [f"P{n}" for n in range(len(item))], "item": item, "status": "released"})
    plant.hub.frames.write("golden/work_order", orders, "run-0")
    stock = pl.DataFrame({"item": ["DW-000", "DW-003"], "quantity": [Decimal("12000.00"), Decimal("800.00")]})
    plant.hub.frames.write("golden/stock", stock, "run-0")
    prices = pl.DataFrame({"item": ["DW-000", "DW-003"], "price": [Decimal("0.35"), Decimal("1.20")]})
    plant.hub.frames.write("golden/supplier_agreement", prices, "run-0")


def hang_together(plant: MasteredPlant) -> None:
    """Relations of one partner."""
    actor = Actor("person", "wang.fang", Role.APPROVER)
    group, moulds, motors = (f"91320500MA1X{number:02}" for number in (0, 3, 2))
    wanted = [
        relations.Wanted("branch_of", group, None, date(2024, 1, 1), None, "business licence of 2024"),
        relations.Wanted("bill_to", motors, None, None, date(2027, 1, 1), "frame contract 26-117"),
        relations.Wanted("contact", None, "王芳 0512-6288 1234", reason="business card"),
    ]
    for one in wanted:
        relations.relate(plant.hub, actor, "partner", moulds, one)


def _roll(plant: MasteredPlant) -> None:
    roles = {STEWARD: Role.STEWARD, APPROVER: Role.APPROVER, VIEWER: Role.VIEWER}
    with plant.hub.store.begin() as tx:
        for name, role in roles.items():
            people.add(tx, name, "test", plant.moment, display_name=name)
            people.grant(tx, name, role, "test", plant.moment)


def token_of(plant: MasteredPlant, name: str) -> str:
    """A session of somebody, as their cookie holds it."""
    with plant.hub.store.begin() as tx:
        return sessions.begin(tx, name, "password", plant.moment, timedelta(hours=12))


def mass_change(plant: MasteredPlant) -> None:
    """More decisions at once than one person may take."""
    actor = Actor("person", STEWARD, Role.STEWARD)
    pairs = [(f"erp:10{number:02}", f"erp:10{other:02}") for number in range(12) for other in range(number)][:21]
    verdicts = [acts.different("item", _ref(a), _ref(b), "drawing numbers differ") for a, b in pairs]
    acts.decide(plant.hub, actor, *verdicts)


def _ref(text: str) -> acts.SourceRef:
    return acts.SourceRef.parse(text)
