"""`millstream plan explain ITEM`: the rules an item is planned by and why each of its orders is as it is, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.cli.terminal import Terminal
    from pipeline.plan_reasons import ItemRule

Row = Mapping[str, Any]
PERCENT = 10_000


def item_rules(rule: ItemRule, row: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """The rules as a machine reads them; `row` gives quantities in stocking units."""
    item = rule.item
    stock = row(item)["safety_stock"]
    return {
        "sourcing": item.sourcing,
        "lead_time_days": item.lead_time_days,
        "calendar": item.calendar,
        "safety_stock": stock,
        "safety_time_days": item.safety_time_days,
        "frozen_days": item.frozen_days,
        "release_fence_days": rule.release_fence_days,
        "lot": row(item.lot),
        "scrap": [{"percent": rate.ppm / PERCENT, "from": rate.effective_from} for rate in item.scrap],
        "kept_apart": item.kept_apart,
        "suppliers": [_supplier(one) for one in rule.suppliers],
        "substitutes": [one.substitute for one in rule.substitutes],
        "substitute_of": list(rule.substitute_of),
    }


def _supplier(one: Any) -> dict[str, Any]:  # noqa: ANN401 - a supplier of the planner
    return {"supplier": one.name, "priority": one.priority, "days": one.lead_time_days, "quota": one.quota}


def draw_rules(terminal: Terminal, rule: ItemRule, partners: Mapping[str, str]) -> None:
    """One line for each rule that says something."""
    item = rule.item
    calendar = item.calendar or terminal.say("plan.every_day")
    terminal.line(
        "plan.rule.sourcing", sourcing=terminal.term(item.sourcing), days=item.lead_time_days, calendar=calendar
    )
    for place, one in enumerate(rule.suppliers, start=1):
        named = partners.get(one.name, one.name)
        terminal.line("plan.rule.supplier", place=place, supplier=named, days=one.lead_time_days, priority=one.priority)
    terminal.line("plan.rule.lot", lot=_lot(terminal, rule))
    if item.safety_time_days or item.frozen_days:
        terminal.line("plan.rule.time", safety=item.safety_time_days, frozen=item.frozen_days)
    for rate in item.scrap:
        if rate.ppm:
            terminal.line("plan.rule.scrap", percent=f"{rate.ppm / PERCENT:g}", since=rate.effective_from or "-")
    if rule.substitutes:
        terminal.line("plan.rule.substitutes", items=", ".join(one.substitute for one in rule.substitutes))
    if rule.substitute_of:
        terminal.line("plan.rule.substitute_of", items=", ".join(rule.substitute_of))
    terminal.line("plan.rule.fence", days=rule.release_fence_days)
    terminal.line()


def _lot(terminal: Terminal, rule: ItemRule) -> str:
    from pipeline.snapshot import unscaled

    lot = rule.item.lot
    said = [terminal.say(f"plan.lot.{lot.rule}", fixed=f"{unscaled(lot.fixed):f}", days=lot.period_days)]
    given = {name: getattr(lot, name) for name in ("minimum", "multiple", "maximum", "order_up_to")}
    said += [
        terminal.say(f"plan.lot.{name}", quantity=f"{unscaled(value).normalize():f}")
        for name, value in given.items()
        if value
    ]
    return ", ".join(said)


def draw_orders(terminal: Terminal, orders: Sequence[Row], partners: Mapping[str, str]) -> None:
    """Each planned order in a line, and under it why."""
    for row in orders:
        supplier = partners.get(row["supplier"] or "", row["supplier"] or "-")
        terminal.line(
            "plan.order", key=row["key"], started=row["started"], good=row["good"], due=row["due"],
            release=row["release"], supplier=supplier,
        )  # fmt: skip
        for why in row["why"]:
            terminal.line(f"plan.why.{why}", **{**row, "supplier": supplier})
    if orders:
        terminal.line()
