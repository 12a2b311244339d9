"""Items at sites away from home: what such a site lacks is transferred to it, and the site it comes from plans that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from canonical.plan import PlanBomLine, PlanItem, PlanningSnapshot, PlanProblem
from pipeline.planning_settings import HOME, SITE_MARK, Planning


def at_sites(picture: PlanningSnapshot, planning: Planning) -> PlanningSnapshot:
    """The picture with an item for each site that holds or needs one, supplied by a transfer from the site before."""
    home = {item.code: item for item in picture.items}
    wanted = {row.item for row in picture.demands} | {row.item for row in picture.stock}
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
        bom=(*picture.bom, *lines),
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
