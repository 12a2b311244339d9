"""What must stand in the plant's systems after the first pass, worked out from the seed alone.

This shares no code with the hub. It follows the published rules of planning (the docstring of
`planning.mrp`, the conventions of the plant's deployment) in another shape: Fractions of the plant's true
units, one item at a time, pots of supply that are drawn down. A document is known by the sales order it
serves, its kind, and what it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from sandbox.factory.generate import generate
from sandbox.factory.model import BomLine, Material, Plant, SystemName
from sandbox.factory.views import by_serial, dirt, material_views, partner_views, partners_by_serial

FENCE_DAYS = 10
MILLIONTH = Fraction(1, 1_000_000)
URGENT, ROUTINE = 0, 1
HURRIED_PRIORITY, ROUTINE_PRIORITY = 2, 5
FOR_STOCK = "stock"

Key = tuple[str, str, str]
"""Sales order number (or whatever else asked for it), kind of document, and what it is about."""
Documents = dict[Key, dict[str, Any]]


# -- the plan ------------------------------------------------------------------------------------------------------


@dataclass
class Want:
    """Somebody wants so much of an item on a day; `rank` says who is served first."""

    rank: tuple[int, int, date, str, str]
    root: str | None
    left: Fraction

    @property
    def day(self) -> date:
        return self.rank[2]

    @property
    def consumer(self) -> str:
        return self.rank[4]


@dataclass
class Pot:
    """Supply that exists: stock, or an open order of the plant's own people."""

    name: str
    day: date
    left: Fraction
    stock: bool = False
    kept_for: str | None = None


@dataclass
class Made:
    """One planned order: everything ordered of an item for one root."""

    item: int
    owner: str
    due: date
    used: Fraction = Fraction(0)
    size: Fraction = Fraction(0)
    """What comes out good."""
    put_in: Fraction = Fraction(0)
    wants: list[tuple[Want, Fraction]] = field(default_factory=list)
    kit: dict[int, Fraction] = field(default_factory=dict)

    @property
    def over(self) -> Fraction:
        return self.size - self.used


@dataclass(frozen=True)
class Served:
    """So much of a want was met by something: a pot or a planned order."""

    source: Pot | Made
    consumer: str
    quantity: Fraction


class Forecast:
    """The whole plan of a fresh hub, by item."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.today = plant.today
        self.materials = {material.serial: material for material in plant.materials}
        self.names = {material.serial: material.drawing_number for material in plant.materials}
        self.lines = self._lines_of_parents()
        self.lost = {one.serial: 1 - Fraction(one.yield_percent) / 100 for one in plant.materials}
        self.wants: defaultdict[int, list[Want]] = defaultdict(list)
        self.pots: defaultdict[int, list[Pot]] = defaultdict(list)
        self.made: list[Made] = []
        self.served: defaultdict[str, list[Served]] = defaultdict(list)
        self._orders()
        self._open_work()
        self._purchases()
        self._stock()
        self._safety_stock()
        for serial in self._parents_first():
            self._plan(serial)

    # What is consumed, phantoms blown through.

    def _lines_of_parents(self) -> dict[int, list[BomLine]]:
        lines: defaultdict[int, list[BomLine]] = defaultdict(list)
        for line in self.plant.bom:
            lines[line.parent].append(line)
        looped = {record.key for record in dirt(self.plant).records if record.how == "bom_cycle"}
        codes = by_serial(material_views(self.plant, "erp"))
        for serial in [serial for serial in lines if codes[serial].code in looped]:
            del lines[serial]
        return dict(lines)

    def recipe(self, parent: int, start: date | None) -> dict[int, Fraction]:
        """What one unit takes of each part where work starts on a day (None: ever), losses of the part included."""
        per_unit: defaultdict[int, Fraction] = defaultdict(Fraction)
        for line in self.lines.get(parent, ()):
            if start is not None and not (line.valid_from or start) <= start < (line.valid_to or date.max):
                continue
            per = Fraction(line.quantity) * (1 + Fraction(line.scrap_percent) / 100)
            if self.materials[line.component].sourcing == "phantom":
                for part, below in self.recipe(line.component, start).items():
                    per_unit[part] += per * below
            else:
                per_unit[line.component] += per
        return dict(per_unit)

    def _parents_first(self) -> list[int]:
        """Every item after all that draw on it."""
        depth: dict[int, int] = {}
        users: defaultdict[int, set[int]] = defaultdict(set)
        for parent in self.lines:
            if self.materials[parent].sourcing != "phantom":
                for component in self.recipe(parent, None):
                    users[component].add(parent)

        def deep(serial: int) -> int:
            if serial not in depth:
                depth[serial] = 1 + max((deep(user) for user in users[serial]), default=-1)
            return depth[serial]

        return sorted(self.materials, key=lambda serial: (deep(serial), self.names[serial]))

    # Who wants what, and what is there.

    def _want(self, serial: int, quantity: Fraction, rank: tuple[int, int, date, str, str], root: str | None) -> None:
        self.wants[serial].append(Want(rank, root, quantity))

    def _orders(self) -> None:
        held = set(dirt(self.plant).held_lines)
        for order in self.plant.orders:
            for line in order.lines:
                if (order.number, line.line) not in held:
                    root = f"{order.number}|{line.line}"
                    rank = (0, URGENT if order.urgent else ROUTINE, max(line.due, self.today), root, root)
                    self._want(line.material, Fraction(line.quantity), rank, root)

    def _open_work(self) -> None:
        """Orders of the plant's own people: they bring their product and draw their kit."""
        lines = {(order.number, line.material): line.line for order in self.plant.orders for line in order.lines}
        for work in self.plant.work:
            root = f"work_order|{work.number}"
            kept_for = f"{work.sales_order}|{lines[work.sales_order, work.material]}" if work.sales_order else None
            day = max(work.due, self.today)
            good = self.good(work.material, Fraction(work.quantity))
            self.pots[work.material].append(Pot(root, day, good, kept_for=kept_for))
            start = max(work.start, self.today)
            for component, per in self.recipe(work.material, start).items():
                needed = _up(Fraction(work.quantity) * per)
                self._want(component, needed, (0, ROUTINE, start, root, f"{root}|{component}"), root)

    def _purchases(self) -> None:
        for bought in self.plant.purchases:
            day = max(bought.due, self.today)
            self.pots[bought.material].append(Pot(f"purchase_order|{bought.number}", day, Fraction(bought.quantity)))

    def _stock(self) -> None:
        """What is available; negative lots and lots of items the warehouse cannot name wait in quarantine."""
        unusable = {view.serial for view in material_views(self.plant, "wms") if view.spoilt not in (None, "duplicate")}
        for lot in self.plant.stock:
            if lot.status == "available" and lot.quantity > 0 and lot.material not in unusable:
                self.pots[lot.material].append(Pot("on_hand", self.today, Fraction(lot.quantity), stock=True))

    def _safety_stock(self) -> None:
        """Only the ERP knows it; what is obsolete is used up, not replenished."""
        nameless = {view.serial for view in material_views(self.plant, "erp") if view.spoilt not in (None, "duplicate")}
        for serial, material in self.materials.items():
            if material.safety_stock and serial not in nameless and not material.obsolete:
                rank = (1, 0, self.today, "", f"safety_stock|{self.names[serial]}")
                self._want(serial, Fraction(material.safety_stock), rank, None)

    # One item.

    def _plan(self, serial: int) -> None:
        material = self.materials[serial]
        wants = sorted(self.wants[serial], key=lambda want: want.rank)
        pots = sorted(self.pots[serial], key=lambda pot: (pot.day, not pot.stock, pot.name))
        for want in wants:
            for pot in pots:
                if want.root is not None and pot.kept_for == want.root:
                    self._draw(pot, want)
        soonest = self.today + timedelta(days=material.lead_time_days)
        for want in wants:
            for pot in pots:
                if pot.day <= max(want.day, soonest):
                    self._draw(pot, want)
        for made in self._lots(material, [want for want in wants if want.left]):
            self.made.append(made)
            self._explode(made)

    def _draw(self, pot: Pot, want: Want) -> None:
        quantity = min(pot.left, want.left)
        if quantity:
            pot.left -= quantity
            want.left -= quantity
            self.served[want.consumer].append(Served(pot, want.consumer, quantity))

    def _lots(self, material: Material, wants: list[Want]) -> list[Made]:
        """One order a root; what a lot has over serves its own root first, then whoever it is there in time for."""
        orders: dict[str, Made] = {}
        owners = list(dict.fromkeys(want.root or FOR_STOCK for want in wants))
        for owner in owners:
            for want in (one for one in wants if (one.root or FOR_STOCK) == owner):
                own = orders.get(owner)
                if own is not None:
                    self._give(own, want, own.over)
                in_time = [made for made in orders.values() if made.over and made.due <= want.day]
                for made in sorted(in_time, key=lambda made: (made.due, made.owner), reverse=True):
                    self._give(made, want, made.over)
                if want.left:
                    own = orders.setdefault(owner, Made(material.serial, owner, want.day))
                    self._give(own, want, want.left)
                    own.put_in = self._put_in(own.used, material)
                    own.size = self.good(material.serial, own.put_in)
        return sorted(orders.values(), key=lambda made: (made.due, made.owner))

    def good(self, serial: int, put_in: Fraction) -> Fraction:
        """What comes out of so much, whole millionths."""
        return floor(put_in * (1 - self.lost[serial]) / MILLIONTH) * MILLIONTH

    def _put_in(self, good: Fraction, material: Material) -> Fraction:
        """What is started so that so much comes out: in lots, and where some is lost in whole pieces."""
        lost = self.lost[material.serial]
        return _lot(_up(good / (1 - lost)), material, whole=bool(lost) and material.unit == "pcs")

    def _give(self, made: Made, want: Want, most: Fraction) -> None:
        quantity = min(most, want.left)
        if quantity:
            want.left -= quantity
            made.used += quantity
            made.due = min(made.due, want.day)
            made.wants.append((want, quantity))
            self.served[want.consumer].append(Served(made, want.consumer, quantity))

    def _explode(self, made: Made) -> None:
        material = self.materials[made.item]
        if material.sourcing == "buy":
            return
        tier, priority = min(want.rank for want, _ in made.wants)[:2]
        root = None if made.owner == FOR_STOCK else made.owner
        for component, per in self.recipe(made.item, self.start(made)).items():
            made.kit[component] = _up(made.put_in * per)
            rank = (tier, priority, self.start(made), root or "", self.name(made))
            self._want(component, made.kit[component], rank, root)

    # Dates and names of an order.

    def name(self, made: Made) -> str:
        """The planner's key of an order."""
        return f"{self.names[made.item]}|{made.owner}|1"

    def release(self, made: Made) -> date:
        """When it has to be started to be there in time."""
        return made.due - timedelta(days=self.materials[made.item].lead_time_days)

    def start(self, made: Made) -> date:
        """When it is started."""
        return max(self.release(made), self.today)

    def expected(self, made: Made) -> date:
        """When it is there."""
        return self.start(made) + timedelta(days=self.materials[made.item].lead_time_days)

    def serves(self, root: str) -> list[Made]:
        """Every planned order that serves a root, through all levels."""
        reached: list[Made] = []
        waiting = [root]
        seen: set[str] = set()
        while waiting:
            for served in self.served[waiting.pop()]:
                if isinstance(served.source, Made) and self.name(served.source) not in seen:
                    seen.add(self.name(served.source))
                    reached.append(served.source)
                    waiting.append(self.name(served.source))
        return reached


def _up(quantity: Fraction) -> Fraction:
    """Rounded up to a millionth of the item's unit."""
    return ceil(quantity / MILLIONTH) * MILLIONTH


def _lot(quantity: Fraction, material: Material, *, whole: bool) -> Fraction:
    step, least = Fraction(material.lot_multiple) or Fraction(whole), Fraction(material.lot_minimum)
    if step:
        quantity, least = ceil(quantity / step) * step, ceil(least / step) * step
    return max(quantity, least)


# -- the documents -------------------------------------------------------------------------------------------------


class Expected:
    """The documents that must stand after the first pass, in each system's own words."""

    def __init__(self, seed: int = 7, *, fence_days: int = FENCE_DAYS) -> None:
        self.plant = generate(seed)
        self.forecast = Forecast(self.plant)
        self.fence = self.plant.today + timedelta(days=fence_days)
        self.views = {system: by_serial(material_views(self.plant, system)) for system in SYSTEMS}
        self.suppliers = partners_by_serial(partner_views(self.plant, "erp"), "supplier")
        self.customers = partners_by_serial(partner_views(self.plant, "crm"), "customer")
        self.orders = {order.number: order for order in self.plant.orders}
        self.held = {order for order, _ in dirt(self.plant).held_lines}
        self.shipping = self._shipping()

    def documents(self) -> Documents:
        """All of them."""
        found: Documents = {}
        for made in self.released():
            found.update(self._of_order(made))
        for number, order in self.orders.items():
            for line in order.lines:
                if f"{number}|{line.line}" in self.shipping:
                    found[number, "shipment", str(line.line)] = self._shipment(number, line.line)
            if order.urgent and any(f"{number}|{line.line}" in self.shipping for line in order.lines):
                found[number, "expedite", number] = {"reason": "urgent"}
            found[number, "progress", number] = self._progress(number)
        return found

    def released(self) -> list[Made]:
        """Planned orders inside the release fence."""
        return [made for made in self.forecast.made if self.forecast.release(made) <= self.fence]

    def _shipping(self) -> set[str]:
        """Order lines that stock on hand alone covers."""
        found = set()
        for order in self.plant.orders:
            for line in order.lines:
                root = f"{order.number}|{line.line}"
                served = self.forecast.served[root]
                stock = sum(one.quantity for one in served if isinstance(one.source, Pot) and one.source.stock)
                if stock >= line.quantity:
                    found.add(root)
        return found

    def _of_order(self, made: Made) -> Iterator[tuple[Key, dict[str, Any]]]:
        material = self.forecast.materials[made.item]
        number = made.owner.split("|")[0] if made.owner.startswith("SO-") else None
        asked, about = number or made.owner, f"{material.drawing_number} for {made.owner}"
        erp = {"item": self.views["erp"][made.item].code, "unit": self.views["erp"][made.item].unit,
               "quantity": self._counted("erp", made.item, made.put_in), "due": made.due.isoformat()}  # fmt: skip
        if material.sourcing != "make":
            kind = "purchase request" if material.sourcing == "buy" else "subcontract order"
            yield (asked, kind, about), {**erp, "supplier": self._supplier(made.item)}
            return
        start, urgent = self.forecast.start(made).isoformat(), number is not None and self.orders[number].urgent
        yield (asked, "production order", about), {**erp, "start": start, "sales_order": number}
        yield (
            (asked, "work order", about),
            {
                "item": self.views["mes"][made.item].code,
                "unit": self.views["mes"][made.item].unit,
                "quantity": self._counted("mes", made.item, made.put_in),
                "start": start,
                "due": made.due.isoformat(),
                "priority": HURRIED_PRIORITY if urgent else ROUTINE_PRIORITY,
                "kit": {
                    self.views["mes"][part].code: (self._counted("mes", part, needed), self.views["mes"][part].unit)
                    for part, needed in made.kit.items()
                },
            },
        )
        if urgent:
            yield (asked, "priority task", about), {"kind": "priority"}

    def _supplier(self, serial: int) -> str | None:
        first = [agreed for agreed in self.plant.agreements if agreed.material == serial and agreed.priority == 1]
        return self.suppliers[first[0].supplier].code if first else None

    def _counted(self, system: SystemName, serial: int, quantity: Fraction) -> Fraction:
        return quantity / Fraction(self.views[system][serial].true_per_unit)

    def _shipment(self, number: str, at: int) -> dict[str, Any]:
        order = self.orders[number]
        line = next(line for line in order.lines if line.line == at)
        view = self.views["wms"][line.material]
        return {
            "item": view.code,
            "unit": view.unit,
            "quantity": Fraction(line.quantity) / Fraction(view.true_per_unit),
            "due": line.due.isoformat(),
            "ship_to": self.customers[order.customer].code,
            "priority": HURRIED_PRIORITY if order.urgent else ROUTINE_PRIORITY,
        }

    def _progress(self, number: str) -> dict[str, Any]:
        if number in self.held:
            return {"stage": "held", "percent": 0, "promised": None}
        roots = [f"{number}|{line.line}" for line in self.orders[number].lines]
        shipping = all(root in self.shipping for root in roots)
        promised = max(
            [line.due for line in self.orders[number].lines]
            + [self._there(served.source) for root in roots for served in self.forecast.served[root]]
        )
        return {
            "stage": "shipping" if shipping else "planned",
            "percent": 90 if shipping else 10,
            "promised": promised.isoformat(),
        }

    def _there(self, source: Pot | Made) -> date:
        return self.forecast.expected(source) if isinstance(source, Made) else source.day


SYSTEMS: tuple[SystemName, ...] = ("crm", "erp", "mes", "wms")


# -- what the ledgers say ------------------------------------------------------------------------------------------

FORMS = {"PRD_MO": "production order", "PUR_Requisition": "purchase request", "SUB_SUBREQORDER": "subcontract order"}
ENTRIES = {"PRD_MO": "FTreeEntity", "PUR_Requisition": "FEntity", "SUB_SUBREQORDER": "FTreeEntity"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it must be."""

    order: str
    document: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.order}: {self.document}: expected {self.expected}, found {self.found}"


class Found:
    """The documents that stand in the systems, as their ledgers tell; what stands twice is a difference."""

    def __init__(self, ledgers: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self.documents: Documents = {}
        self.doubled: list[Difference] = []
        self.cancelled: set[Key] = set()
        self._bills: dict[str, str] = {}
        self._work: dict[str, dict[str, Any]] = {}
        """Reference → the whole work order; the ledger of a change holds what was changed."""
        for row in ledgers["erp"]:
            self._erp(row)
        for row in ledgers["mes"]:
            self._mes(row)
        for row in ledgers["wms"]:
            self._wms(row)
        for row in ledgers["crm"]:
            self._crm(row)

    def _stands(self, key: Key, row: Mapping[str, Any], content: dict[str, Any]) -> None:
        if row["effect"] == "created" and key in self.documents:
            self.doubled.append(Difference(key[0], f"{key[1]} {key[2]}", "one", f"another: {row['document']}"))
        self.documents[key] = content

    def _erp(self, row: Mapping[str, Any]) -> None:
        form = row["operation"].split(".")[0]
        if form not in FORMS:
            return
        key, content = planned_key(row["reference"], FORMS[form]), row["content"]
        [entry] = content[ENTRIES[form]]
        found = {
            "item": entry["FMaterialId"],
            "unit": entry["FUnitId"],
            "quantity": Fraction(str(entry["FReqQty" if form == "PUR_Requisition" else "FQty"])),
            "due": entry["FArrivalDate" if form == "PUR_Requisition" else "FPlanFinishDate"][:10],
            "audited": content["FDocumentStatus"] == "C",
        }
        if form == "PRD_MO":
            found |= {"start": entry["FPlanStartDate"][:10], "sales_order": entry.get("FSaleOrderNo")}
            self._bills[row["reference"]] = content["FBillNo"]
        else:
            supplier = "FSuggestSupplierId" if form == "PUR_Requisition" else "FSupplierId"
            found["supplier"] = entry[supplier]
        self._stands(key, row, found)
        if content["FCancelStatus"] == "B":
            self.cancelled.add(key)

    def _mes(self, row: Mapping[str, Any]) -> None:
        content = row["content"]
        if "tasks" in row["operation"]:
            kind = f"{content['kind']} task"
            reference = row["reference"].partition("|")[2]
            key = planned_key(reference, kind) if kind == "priority task" else (reference, kind, reference)
            self._stands(key, row, {"kind": content["kind"], "work_order": content["work_order_number"]})
            return
        key = planned_key(row["reference"], "work order")
        if row["operation"].endswith("/cancel"):
            self.cancelled.add(key)
            return
        content = self._work[row["reference"]] = {**self._work.get(row["reference"], {}), **content}
        found = {
            "item": content["material_code"],
            "unit": content["unit"],
            "quantity": Fraction(str(content["quantity"])),
            "start": content["start_on"],
            "due": content["due_on"],
            "priority": content["priority"],
            "kit": {line["material_code"]: (Fraction(str(line["quantity"])), line["unit"]) for line in content["kit"]},
            "linked": content["erp_order_no"] == self._bills.get(row["reference"]),
        }
        self._stands(key, row, found)

    def _wms(self, row: Mapping[str, Any]) -> None:
        content = row["content"]
        if row["operation"] == "ExpeditePicking":
            order = content["orderReference"]
            self._stands((order, "expedite", order), row, {"reason": content["reason"]})
        elif row["operation"] == "CreateReceipt":
            self._stands((row["reference"], "goods receipt", row["reference"]), row, dict(content))
        elif row["operation"] in {"CreateShipment", "ChangeShipment"}:
            [line] = content["lines"]["line"]
            key = _shipment_key(row["reference"])
            before = self.documents.get(key, {})
            self._stands(key, row, {
                "item": line["sku"], "unit": line["unitOfMeasure"], "quantity": Fraction(str(line["quantity"])),
                "due": content["wantedOn"], "ship_to": content.get("shipTo", before.get("ship_to")),
                "priority": content["priority"],
                "line": str(line["lineNumber"]) == row["reference"].split("|")[1],
                "order": content.get("orderReference", key[0]) == key[0],
            })  # fmt: skip
        elif row["operation"] == "CancelShipment":
            self.cancelled.add(_shipment_key(row["reference"]))

    def _crm(self, row: Mapping[str, Any]) -> None:
        content, number = row["content"], row["reference"]
        if "Golden_Code__c" in content:  # onto a record of master data, which is no document of ours
            return
        self._stands((number, "progress", number), row, {
            "stage": content["Stage__c"], "percent": int(Decimal(content["Percent_Complete__c"])),
            "promised": content["Promised_Date__c"],
        })  # fmt: skip


REWORK = "rework|"


def planned_key(reference: str, kind: str) -> Key:
    """The document our reference names: `M|DW-000901|SO-26-00082|1|1` → order, kind, item and root.

    The number at the end tells apart what was ordered anew after a document was finished or cancelled. A rework order
    is named by the inspection that failed.
    """
    if reference.startswith(REWORK):
        inspection = reference.removeprefix(REWORK)
        return (inspection, kind, f"rework of what {inspection} rejected")
    _, item, *root, number = reference.split("|")
    owner = "|".join(root)
    again = "" if number == "1" else f" ({number})"
    return (root[0] if owner.startswith("SO-") else owner, kind, f"{item} for {owner}{again}")


def _shipment_key(reference: str) -> Key:
    """`SO-26-00082|1` is the shipment of line 1; asked for anew after it was withdrawn, `SO-26-00082|1|again|2`."""
    order, *about = reference.split("|")
    return (order, "shipment", "|".join(about))


STANDS = {"audited": True, "linked": True, "line": True, "order": True}
"""What must hold of every document beside what is expected of it in particular."""


def differences(expected: Documents, found: Found) -> list[Difference]:
    """Order by order, document by document, field by field."""
    told = list(found.doubled)
    for key in sorted(expected.keys() | found.documents.keys()):
        order, kind, about = key
        document = f"{kind} {about}"
        if key not in found.documents:
            told.append(Difference(order, document, expected[key], "nothing"))
        elif key not in expected:
            told.append(Difference(order, document, "nothing", found.documents[key]))
        elif key in found.cancelled:
            told.append(Difference(order, document, "a live document", "a cancelled one"))
        else:
            there = found.documents[key]
            for name, value in {**{name: v for name, v in STANDS.items() if name in there}, **expected[key]}.items():
                if there.get(name) != value:
                    told.append(Difference(order, f"{document}: {name}", value, there.get(name)))
    return told


def report(told: list[Difference], most: int = 40) -> str:
    """What a person reads when the test fails."""
    lines = [str(one) for one in told[:most]]
    return "\n".join([f"{len(told)} differences", *lines, *(["…"] if len(told) > most else [])])
