"""What planning knows beyond items and structure: calendars, operations, substitutes, by-products; each row checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from planning.lot_sizing import MILLION, Sizing, good_of, lot_bounds
from planning.workdays import EVERY_DAY, has_working_days, work_days

if TYPE_CHECKING:
    from canonical.plan import (
        PlanByProduct,
        PlanItem,
        PlanningSnapshot,
        PlanOperation,
        PlanSubstitute,
        ScrapRule,
    )
    from planning.intake import Admitted
    from planning.workdays import WorkDays


@dataclass(slots=True)
class ItemRules:
    """The usable rules by item code; `by_products` by the parent whose orders yield them."""

    work_days: dict[str, WorkDays] = field(default_factory=dict)
    sizings: dict[str, Sizing] = field(default_factory=dict)
    substitutes: dict[str, list[PlanSubstitute]] = field(default_factory=dict)
    by_products: dict[str, list[PlanByProduct]] = field(default_factory=dict)
    operations: dict[str, list[PlanOperation]] = field(default_factory=dict)

    def sizing_of(self, item: PlanItem) -> Sizing:
        """How the item's orders are sized."""
        return self.sizings.get(item.code) or Sizing(item.lot)

    def days_of(self, item: str) -> WorkDays:
        """The working days an item's lead time counts."""
        return self.work_days.get(item, EVERY_DAY)

    def operation_factor(self, item: str, sequence: int) -> Fraction:
        """What a step must be given for one unit that is good after the last one."""
        factor = Fraction(1)
        for operation in self.operations.get(item, ()):
            if operation.sequence >= sequence and operation.scrap_ppm:
                factor *= Fraction(MILLION, MILLION - operation.scrap_ppm)
        return factor

    def arcs(self) -> set[tuple[str, str]]:
        """Which items are planned before which: substitutes before what they replace, parents before by-products."""
        found = {(row.substitute, row.item) for rows in self.substitutes.values() for row in rows}
        return found | {(row.parent, row.item) for rows in self.by_products.values() for row in rows}


def admit_rules(admitted: Admitted, snapshot: PlanningSnapshot) -> None:
    """Fill `admitted.rules`, naming what cannot be used."""
    _admit_calendars(admitted, snapshot)
    for operation in sorted(snapshot.operations, key=lambda row: (row.item, row.sequence, repr(row))):
        if operation.item not in admitted.items:
            admitted.name("unknown_item", operation.item, str(operation.sequence), "operation left out")
        elif not 0 <= operation.scrap_ppm < MILLION:
            admitted.name("bad_scrap", operation.item, str(operation.sequence), "scrap of the operation left out")
        else:
            admitted.rules.operations.setdefault(operation.item, []).append(operation)
    for item in list(admitted.items.values()):
        _admit_sizing(admitted, item, snapshot.policies.assembly_scrap)
    for substitute in snapshot.substitutes:
        _admit_substitute(admitted, substitute)
    for rows in admitted.rules.substitutes.values():
        rows.sort(key=lambda row: (row.priority, row.substitute, repr(row)))
    for by_product in snapshot.by_products:
        _admit_by_product(admitted, by_product)
    for parent, made in admitted.rules.by_products.items():
        admitted.rules.by_products[parent] = _summed(made)


def _admit_calendars(admitted: Admitted, snapshot: PlanningSnapshot) -> None:
    known = {}
    for calendar in sorted(snapshot.calendars, key=repr):
        if has_working_days(calendar) and calendar.name not in known:
            known[calendar.name] = work_days(calendar)
        else:
            admitted.name("bad_calendar", calendar.name, calendar.name, "no working weekday, or a second one so named")
    for code, item in admitted.items.items():
        if item.calendar is None:
            continue
        if item.calendar not in known:
            admitted.name("bad_calendar", code, item.calendar, "no such calendar; every day counts as a working day")
        elif not known[item.calendar].every_day:
            admitted.rules.work_days[code] = known[item.calendar]


def _admit_sizing(admitted: Admitted, item: PlanItem, rule: ScrapRule) -> None:
    rates = tuple(
        sorted((rate.effective_from.toordinal() if rate.effective_from else 0, rate.ppm) for rate in item.scrap)
    )
    sizing = Sizing(item.lot, rates, rule, item.scale)
    if rates and not _is_sound(sizing):
        admitted.name("bad_scrap", item.code, item.code, "a scrap rate leaves nothing good; planned without scrap")
        admitted.items[item.code] = replace(item, scrap=())
    elif rates:
        admitted.rules.sizings[item.code] = sizing


def _is_sound(sizing: Sizing) -> bool:
    """Whether every rate is one, and leaves something of the largest lot."""
    most = MILLION if sizing.rule == "divide" else 1000 * MILLION
    largest = lot_bounds(sizing.policy)[1]
    return sizing.scale > 0 and all(
        0 <= ppm < most and (not largest or good_of(largest, ppm, sizing.rule, sizing.scale) > 0)
        for _, ppm in sizing.rates
    )


def _admit_substitute(admitted: Admitted, row: PlanSubstitute) -> None:
    key, items = f"{row.item}|{row.substitute}", admitted.items
    missing = next((code for code in (row.item, row.substitute) if code not in items), None)
    if missing is not None:
        admitted.name("unknown_item", missing, key, "substitute left out")
    elif row.numerator <= 0 or row.denominator <= 0 or row.item == row.substitute:
        admitted.name("bad_substitute", row.item, key, "needs a ratio above zero and another item; left out")
    elif "phantom" in {items[row.item].sourcing, items[row.substitute].sourcing}:
        admitted.name("bad_substitute", row.item, key, "a phantom has no stock; left out")
    else:
        admitted.rules.substitutes.setdefault(row.item, []).append(row)


def _admit_by_product(admitted: Admitted, row: PlanByProduct) -> None:
    key, items = f"{row.parent}|{row.item}", admitted.items
    missing = next((code for code in (row.parent, row.item) if code not in items), None)
    if missing is not None:
        admitted.name("unknown_item", missing, key, "by-product left out")
    elif row.numerator <= 0 or row.denominator <= 0:
        admitted.name("bad_by_product", row.item, key, "quantity per must be above zero; left out")
    elif items[row.parent].sourcing not in {"make", "subcontract"} or items[row.item].sourcing == "phantom":
        admitted.name("bad_by_product", row.item, key, "only what is made yields what is stocked; left out")
    else:
        admitted.rules.by_products.setdefault(row.parent, []).append(row)


def _summed(rows: list[PlanByProduct]) -> list[PlanByProduct]:
    """One row for each item one parent yields, by item."""
    ratios: dict[str, Fraction] = {}
    for row in rows:
        ratios[row.item] = ratios.get(row.item, Fraction(0)) + Fraction(row.numerator, row.denominator)
    return [
        replace(rows[0], item=code, numerator=r.numerator, denominator=r.denominator)
        for code, r in sorted(ratios.items())
    ]


def drop_tangled(admitted: Admitted, kept: frozenset[tuple[str, str]]) -> None:
    """Leave out, and name, the substitutes and by-products that would close a cycle."""
    rules = admitted.rules
    for rows in rules.substitutes.values():
        for row in [row for row in rows if (row.substitute, row.item) not in kept]:
            rows.remove(row)
            admitted.name("bad_substitute", row.item, f"{row.item}|{row.substitute}", "closes a cycle; left out")
    for found in rules.by_products.values():
        for made in [made for made in found if (made.parent, made.item) not in kept]:
            found.remove(made)
            admitted.name("bad_by_product", made.item, f"{made.parent}|{made.item}", "closes a cycle; left out")
