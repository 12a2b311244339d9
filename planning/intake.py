"""Checks a snapshot before planning: what cannot be used is named and left out, the rest goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

from canonical.plan import INT64_MAX, LOT_FOR_LOT, FirmOrder, PlanItem, PlanProblem
from planning.forecast import remaining
from planning.intake_rules import ItemRules, admit_rules
from planning.lot_sizing import MILLION, is_consistent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from canonical.plan import (
        PlanBomLine,
        PlanDemand,
        PlanForecast,
        PlanningSnapshot,
        PlanPolicies,
        PlanStock,
        ProblemKind,
        ScheduledReceipt,
    )
    from planning.bom import Structure, Windows

MAX_LEAD_TIME_DAYS = 36_500
NEVER = 10**9
STOCK_ROOT = "stock"
CONSUMING = frozenset({"make", "subcontract", "transfer", "phantom"})


class Keyed(Protocol):
    """A row with a key and an item."""

    @property
    def key(self) -> str:
        """Unique among rows of its kind."""
        ...

    @property
    def item(self) -> str:
        """The item code."""
        ...

    @property
    def quantity(self) -> int:
        """Scaled units."""
        ...


Row = TypeVar("Row", bound=Keyed)
_key_of = attrgetter("key")


@dataclass(slots=True)
class Admitted:
    """The usable part of a snapshot; `problems` grows while planning finds more."""

    items: dict[str, PlanItem]
    structure: Structure
    windows: Windows
    demands: list[PlanDemand]
    forecasts: list[PlanForecast]
    stock: list[PlanStock]
    receipts: list[ScheduledReceipt]
    firm_orders: list[FirmOrder]
    problems: list[PlanProblem]
    rules: ItemRules

    def name(self, kind: ProblemKind, item: str, key: str, detail: str) -> None:
        """Record one problem."""
        self.problems.append(PlanProblem(kind, item, key, detail))


def admit(snapshot: PlanningSnapshot) -> Admitted:
    """Split a snapshot into what can be planned and the named problems; BOM lines are for `admit_bom`."""
    admitted = Admitted({}, {}, {}, [], [], [], [], [], [], ItemRules())
    _admit_items(admitted, snapshot.items, snapshot.policies)
    admit_rules(admitted, snapshot)
    admitted.demands = [row for row in _admit_rows(admitted, snapshot.demands, least=1) if _root_allowed(admitted, row)]
    admitted.forecasts = remaining(
        _admit_rows(admitted, snapshot.forecasts, least=1), admitted.demands, snapshot.policies
    )
    admitted.stock = [row for row in _admit_rows(admitted, snapshot.stock, least=None) if _not_negative(admitted, row)]
    receipts = _admit_rows(admitted, snapshot.receipts, least=0)
    admitted.firm_orders = [_sound_firm(admitted, row) for row in _admit_rows(admitted, snapshot.firm_orders, least=0)]
    admitted.receipts = _without_doubles(admitted, receipts)
    _no_phantom_stock(admitted)
    return admitted


def admitted_demands(admitted: Admitted, rows: Iterable[PlanDemand]) -> list[PlanDemand]:
    """Those of some more demands that can be planned; nothing is named."""
    silent = replace(admitted, problems=[])
    return [row for row in _admit_rows(silent, rows, least=1) if _root_allowed(silent, row)]


def _unique(admitted: Admitted, rows: list[Row]) -> list[Row]:
    """Rows by key; of several with one key, the same one stands whatever their order."""
    kept = dict(zip(map(_key_of, rows), rows, strict=True))
    if len(kept) < len(rows):
        kept = {}
        for row in rows:
            survivor, key = row, row.key
            if key in kept:
                admitted.name("duplicate_key", row.item, key, "only one of the rows with this key is used")
                survivor = min(kept[key], row, key=repr)
            kept[key] = survivor
    return [kept[key] for key in sorted(kept)]


def _admit_items(admitted: Admitted, items: Iterable[PlanItem], policies: PlanPolicies) -> None:
    for item in items:
        code = item.code
        if code in admitted.items:
            admitted.name("duplicate_key", code, code, "only one of the items with this code is used")
            item = min(admitted.items[code], item, key=repr)  # noqa: PLW2901 - the survivor takes the item's place
        admitted.items[code] = item
    longer = policies.safety_time == "longer_lead"
    sound = (_sound_item(admitted, admitted.items[code]) for code in sorted(admitted.items))
    admitted.items = {
        item.code: _with_longer_lead(item) if longer and item.safety_time_days else item for item in sound
    }


def _with_longer_lead(item: PlanItem) -> PlanItem:
    """The item with its safety time as part of its lead times."""
    more = item.safety_time_days
    return replace(
        item,
        lead_time_days=(item.lead_time_days or 0) + more,
        safety_time_days=0,
        suppliers=tuple(replace(one, lead_time_days=one.lead_time_days + more) for one in item.suppliers),
    )


def _sound_item(admitted: Admitted, item: PlanItem) -> PlanItem:
    code = item.code
    delivered = item.sourcing == "buy" and bool(item.suppliers)
    if delivered and item.lead_time_days is None:
        item = replace(item, lead_time_days=0)
    if item.lead_time_days is None or not 0 <= item.lead_time_days <= MAX_LEAD_TIME_DAYS:
        found = "missing" if item.lead_time_days is None else f"{item.lead_time_days} days"
        admitted.name("bad_lead_time", code, code, f"lead time {found}, planned with 0 days")
        item = replace(item, lead_time_days=0)
    if item.suppliers:
        item = _with_sound_suppliers(admitted, item)
    if item.lot is not LOT_FOR_LOT and not is_consistent(item.lot):
        admitted.name("bad_lot_policy", code, code, "no order quantity satisfies the policy, planned lot for lot")
        item = replace(item, lot=LOT_FOR_LOT)
    if not 0 <= item.safety_time_days <= MAX_LEAD_TIME_DAYS:
        admitted.name("bad_lead_time", code, code, f"safety time {item.safety_time_days} days, planned with 0")
        item = replace(item, safety_time_days=0)
    if not 0 <= item.frozen_days <= MAX_LEAD_TIME_DAYS:
        admitted.name("bad_lead_time", code, code, f"{item.frozen_days} frozen days, planned with 0")
        item = replace(item, frozen_days=0)
    if not 0 <= item.safety_stock <= INT64_MAX:
        admitted.name("absurd_quantity", code, code, f"safety stock {item.safety_stock}, planned with 0")
        item = replace(item, safety_stock=0)
    same = item.lot is LOT_FOR_LOT or item.lot != LOT_FOR_LOT
    return item if same else replace(item, lot=LOT_FOR_LOT)


def _with_sound_suppliers(admitted: Admitted, item: PlanItem) -> PlanItem:
    sound = tuple([one for one in item.suppliers if 0 <= one.lead_time_days <= MAX_LEAD_TIME_DAYS])
    if len(sound) == len(item.suppliers):
        return item
    for one in item.suppliers:
        if one not in sound:
            detail = f"lead time {one.lead_time_days} days; supplier left out"
            admitted.name("bad_lead_time", item.code, one.name, detail)
    return replace(item, suppliers=sound)


def admit_bom(admitted: Admitted, snapshot: PlanningSnapshot) -> None:
    """Fill in `structure` and `windows`; the items and the rules must be there. Twin of `column_structure`."""
    divided, items = snapshot.policies.component_scrap == "divide", admitted.items
    for line in snapshot.bom:
        problem = line_problem(items, line, divided=divided)
        if problem is not None:
            admitted.problems.append(problem)
        elif items[line.parent].sourcing in CONSUMING:
            _admit_line(admitted, line, divided=divided)


def line_problem(items: Mapping[str, PlanItem], line: PlanBomLine, *, divided: bool) -> PlanProblem | None:
    """What is wrong with a BOM line; `divided` says that scrap is a part of what is drawn."""
    parent, key = line.parent, f"{line.parent}|{line.component}"
    if parent not in items or line.component not in items:
        missing = line.component if parent in items else parent
        return PlanProblem("unknown_item", missing, key, "BOM line left out")
    if line.numerator <= 0 or line.denominator <= 0 or line.scrap_ppm < 0:
        return PlanProblem("bad_bom_line", parent, key, "quantity per must be above zero; line left out")
    if divided and line.scrap_ppm >= MILLION:
        return PlanProblem("bad_bom_line", parent, key, "all of it is scrap; line left out")
    if line.effective_from and line.effective_until and line.effective_from >= line.effective_until:
        return PlanProblem("bad_bom_line", parent, key, "the line ends before it begins; line left out")
    return None


@lru_cache(maxsize=1 << 16)
def ratio_of(numerator: int, denominator: int, scrap_ppm: int, *, divided: bool) -> Fraction:
    """What is drawn for each unit; a plant's lines share few ratios, and reducing one is dear."""
    more, less = 1, 1
    if scrap_ppm:
        more, less = (MILLION, MILLION - scrap_ppm) if divided else (MILLION + scrap_ppm, MILLION)
    return Fraction(numerator * more, denominator * less)


def _admit_line(admitted: Admitted, line: PlanBomLine, *, divided: bool) -> None:
    ratio = ratio_of(line.numerator, line.denominator, line.scrap_ppm, divided=divided)
    if line.operation is not None and line.parent in admitted.rules.operations:
        ratio *= admitted.rules.operation_factor(line.parent, line.operation)
    lines = admitted.structure.setdefault(line.parent, {})
    found = lines.get(line.component)
    lines[line.component] = ratio if found is None else found + ratio
    if line.effective_from or line.effective_until:
        first = line.effective_from.toordinal() if line.effective_from else 0
        until = line.effective_until.toordinal() if line.effective_until else NEVER
        windows = admitted.windows.setdefault(line.parent, {})
        windows.setdefault(line.component, []).append((first, until, ratio))


def _admit_rows(admitted: Admitted, rows: Iterable[Row], least: int | None) -> list[Row]:
    """Rows of known items within int64 and, unless `least` is None, not below it."""
    rows, items = tuple(rows), admitted.items
    lowest = -INT64_MAX if least is None else least
    usable = [row for row in rows if row.item in items and lowest <= row.quantity <= INT64_MAX]
    for row in rows if len(usable) < len(rows) else ():
        if row.item not in items:
            admitted.name("unknown_item", row.item, row.key, "row left out")
        elif abs(row.quantity) > INT64_MAX or (least is not None and row.quantity < least):
            admitted.name("absurd_quantity", row.item, row.key, f"quantity {row.quantity}; row left out")
    return _unique(admitted, usable)


def _root_allowed(admitted: Admitted, row: PlanDemand) -> bool:
    if row.root != STOCK_ROOT:
        return True
    admitted.name("reserved_root", row.item, row.key, f"the root {STOCK_ROOT!r} is kept for stocking; row left out")
    return False


def _not_negative(admitted: Admitted, row: PlanStock) -> bool:
    if row.quantity >= 0:
        return True
    admitted.name("negative_stock", row.item, row.key, f"stock {row.quantity} counted as 0")
    return False


def _sound_firm(admitted: Admitted, order: FirmOrder) -> FirmOrder:
    usable = []
    for component in order.components:
        key = f"{order.key}|{component.item}"
        if component.item not in admitted.items:
            admitted.name("unknown_item", component.item, key, "component of a firm order left out")
        elif not 0 <= component.quantity <= INT64_MAX:
            admitted.name("absurd_quantity", component.item, key, f"quantity {component.quantity}; left out")
        else:
            usable.append(component)
    return replace(order, components=tuple(usable)) if len(usable) < len(order.components) else order


def _without_doubles(admitted: Admitted, receipts: list[ScheduledReceipt]) -> list[ScheduledReceipt]:
    """Receipts whose key is not that of another supply already; else pegs could not tell them apart."""
    taken = {row.key for row in admitted.stock} | {row.key for row in admitted.firm_orders}
    for row in receipts:
        if row.key in taken:
            admitted.name("duplicate_key", row.item, row.key, "another supply has this key; receipt left out")
    return [row for row in receipts if row.key not in taken]


def _no_phantom_stock(admitted: Admitted) -> None:
    rows: list[Keyed] = [*admitted.stock, *admitted.receipts, *admitted.firm_orders]
    for row in rows:
        if row.quantity and admitted.items[row.item].sourcing == "phantom":
            admitted.name("phantom_stock", row.item, row.key, "a phantom is blown through; its supply is not planned")
    for item in admitted.items.values():
        if item.sourcing == "phantom" and item.safety_stock:
            admitted.name("phantom_stock", item.code, item.code, "a phantom is blown through; no safety stock is kept")
