"""Items at sites away from home: what such a site lacks is transferred to it, and the site it comes from plans that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from canonical.plan import PlanBomLine, PlanItem, PlanningSnapshot, PlanProblem
from canonical.plan_lines import joined
from pipeline.golden_rows import Frames, rows
from pipeline.planning_settings import HOME, SITE_MARK, Planning


def at_sites(picture: PlanningSnapshot, planning: Planning) -> PlanningSnapshot:
    """The picture with an item for each site that holds, needs or gets one, transferred from the site before."""
    home = {item.code: item for item in picture.items}
    wanted = {row.item for row in picture.demands} | {row.item for row in picture.stock}
    wanted |= {row.item for row in picture.receipts} | {row.item for row in picture.firm_orders}
    away = sorted({code for named in wanted for code in _way(named, planning, home)})
    phantoms = {code for code in away if home[planning.item_of(code)].sourcing == "phantom"}
    items, lines = [], []
    for code in away:
        if code not in phantoms:
            items.append(_item(home[planning.item_of(code)], code, planning))
            lines.append(PlanBomLine(code, _origin(code, planning), 1))
    return replace(
        picture,
        items=(*picture.items, *items),
        bom=joined(picture.bom, lines),
        demands=tuple(replace(row, item=planning.item_of(row.item)) if row.item in phantoms else row
                      for row in picture.demands),
        problems=(*picture.problems, *_named(phantoms, planning)),
    )  # fmt: skip


def _named(phantoms: set[str], planning: Planning) -> Iterator[PlanProblem]:
    for code in sorted(phantoms):
        detail = "a phantom is not sent from site to site; wanted at home instead"
        yield PlanProblem("phantom_stock", planning.item_of(code), code, detail)


def _way(named: str, planning: Planning, home: dict[str, PlanItem]) -> Iterator[str]:
    """The codes of an item from a site back towards home, home itself left out; none of an unknown item."""
    while (item := planning.item_of(named)) != named and item in home:
        yield named
        named = _origin(named, planning)


def _origin(code: str, planning: Planning) -> str:
    """The same item at the site that supplies this one."""
    item = planning.item_of(code)
    origin = planning.sites[code.rpartition(SITE_MARK)[2]].supplied_by or HOME
    return item if origin == HOME else f"{item}{SITE_MARK}{origin}"


def _item(item: PlanItem, code: str, planning: Planning) -> PlanItem:
    days = planning.sites[code.rpartition(SITE_MARK)[2]].transfer_days
    return PlanItem(code, "transfer", days, scale=item.scale, calendar=planning.calendar, kept_apart=item.kept_apart)


def between(code: str, planning: Planning, frames: Frames) -> tuple[str, str]:
    """From which warehouse a transfer of an item (the planner's code at its site) leaves, and where it goes.

    It leaves where most of the item lies at the site that supplies this one, by name where equally much does.
    """
    origin, item = _origin(code, planning), planning.item_of(code)
    there: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "stock"):
        if (
            row["item"] == item
            and row["status"] == "available"
            and planning.at_warehouse(item, row["warehouse"]) == origin
        ):
            there[row["warehouse"]] += row["quantity"]
    fullest = min(there, key=lambda name: (-there[name], name), default=None)
    site = planning.sites.get(origin.rpartition(SITE_MARK)[2]) if origin != item else None
    usual = site.warehouses[0] if site else planning.receiving_warehouse
    return fullest or usual, planning.sites[code.rpartition(SITE_MARK)[2]].warehouses[0]
