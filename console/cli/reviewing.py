"""`millstream plan forecast|override|review`: what customers will ask for, what sales say, and what is feasible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.planner import _item, _table, hub_and_desk
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.plan_desk import Desk
    from planning.sop import Delta, Feasible, Review, Reviewed

Caller = Annotated[Terminal, Parameter(parse=False)]
Row = dict[str, Any]
TAKEN_BACK = "none"
MINUTES = 60
LISTED = 20
"""Rows of a table that somebody reads; JSON has all of them."""
BANDS = 5
FORECAST = (
    "item", "name", "month", "quantity", "statistical", "told", "override", "pattern", "model", "wape", "mase",
)  # fmt: skip


def forecast(item: str | None = None, /, *, fresh: bool = False, terminal: Caller) -> Exit:
    """Show what customers are expected to order, by which model, and how wrong it was.

    Parameters
    ----------
    item
        One item only, with every model that was tried and what people said.
    fresh
        Forecast the records as they are now instead of showing what is kept; nothing is kept of it.
    """
    from pipeline.demand import expected, frame_rows, statistical, tests_of
    from store import forecast_overrides

    with hub_and_desk(terminal) as (hub, desk):
        code = None if item is None else _item(terminal, desk, item)
        found = [] if fresh else frame_rows(hub)
        found = found or list(statistical(hub, hub.as_of())[0])
        rows = [
            _expected(one, desk.names) for one in expected(hub, desk.frames, found) if code is None or one.item == code
        ]
        tests = [] if code is None else tests_of(found, code)
        with hub.store.read() as tx:
            said = [] if code is None else forecast_overrides.history(tx, code)
    words = [{"month": one.month, "quantity": one.quantity, "actor": one.actor, "reason": one.reason} for one in said]
    answer: Any = rows if code is None else {"item": code, "forecast": rows, "models": tests, "overrides": words}
    terminal.answer(answer, lambda: _draw_forecast(terminal, rows, tests, words))
    return Exit.OK


def _draw_forecast(terminal: Terminal, rows: Sequence[Row], tests: Sequence[Row], words: Sequence[Row]) -> None:
    if not rows:
        terminal.line("plan.no_forecast")
        return
    _table(terminal, [_drawn(terminal, row) for row in rows], FORECAST)
    if tests:
        terminal.line()
        terminal.heading("plan.models")
        _table(terminal, [_drawn(terminal, test) for test in tests], ("model", "wape", "mase"))
    if words:
        terminal.line()
        terminal.heading("plan.overrides")
        _table(terminal, words, ("month", "quantity", "actor", "reason"))


def _expected(one: Any, names: Mapping[str, str]) -> Row:  # noqa: ANN401 - of rooms below
    word = one.override
    return {
        "item": one.item,
        "name": names.get(one.item, ""),
        "month": f"{one.month:%Y-%m}",
        "quantity": _plain(one.quantity),
        "statistical": _plain(one.statistical),
        "told": _plain(one.told),
        "override": None if word is None else _plain(word.quantity),
        "pattern": one.pattern,
        "model": one.model,
        "wape": one.wape and round(one.wape, 3),
        "mase": one.mase and round(one.mase, 3),
    }


def _plain(quantity: Decimal | None) -> Decimal | None:
    return None if quantity is None else quantity.normalize() + 0


def _drawn(terminal: Terminal, row: Row) -> Row:
    shown = {name: terminal.term(row[name], name) for name in ("pattern", "model") if row.get(name)}
    return {**row, **shown, "wape": _percent(row["wape"])}


def _percent(share: float | str | None) -> str | None:
    return None if share is None else f"{float(share):.0%}"


def override(item: str, month: str, quantity: str, /, *, reason: str, terminal: Caller) -> Exit:
    """Say what sales expect of an item in a month instead of the forecast; it is planned from the next pass on.

    Parameters
    ----------
    item
        The item's golden id or code.
    month
        The month, as 2026-12.
    quantity
        Stocking units in that month, or `none` to take an earlier word back.
    reason
        Why: it stands beside the number at the next review.
    """
    from pipeline.demand import override as say

    first = _month(terminal, month)
    wanted = None if quantity == TAKEN_BACK else _quantity(terminal, quantity)
    with hub_and_desk(terminal) as (hub, desk):
        code = _item(terminal, desk, item)
        say(hub, code, first, wanted, actor=str(terminal.person), reason=reason)
    answer = {"item": code, "month": month, "quantity": wanted, "actor": str(terminal.person), "reason": reason}
    key = "plan.override_back" if wanted is None else "plan.overridden"
    terminal.answer(answer, lambda: terminal.line(key, item=code, month=month, quantity=wanted))
    return Exit.OK


def _month(terminal: Terminal, text: str) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ConfigurationError(terminal.say("plan.bad_month", given=text))
    return date.fromisoformat(f"{text}-01")


def _quantity(terminal: Terminal, text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        raise ConfigurationError(terminal.say("plan.bad_quantity", given=text))
    return found


def review(file: Path | None = None, /, *, months: int = 3, overtime: int | None = None, terminal: Caller) -> Exit:
    """Hold demand against capacity and parts, month by month: the feasible plan, its elastic bands, and scenarios.

    Parameters
    ----------
    file
        YAML: maintenance, and scenarios by name, each a list of changes.
    months
        How many months, this one included.
    overtime
        By how many percent capacity can be stretched; without it, as far as is needed.
    """
    from pipeline.review_files import load_review
    from pipeline.sop import demand_review, names
    from planning.sop import changed, feasible
    from planning.sop import review as reviewed

    if not 1 <= months <= 24:  # noqa: PLR2004 - two years
        raise ConfigurationError(terminal.say("plan.bad_months", given=months))
    with hub_and_desk(terminal) as (hub, desk):
        of = demand_review(hub, desk, months, None if overtime is None else overtime / 100)
        scenarios: Mapping[str, tuple[Delta, ...]] = {}
        if file is not None:
            always, scenarios = load_review(file, of, lambda named: _golden(desk, named))
            of = changed(of, always)
        titles = names(desk)
    found = reviewed(of)
    answer = _answer(of, found, titles)
    answer["scenarios"] = [
        {"name": name, "products": _products(changed(of, deltas), feasible(changed(of, deltas)), titles)}
        for name, deltas in scenarios.items()
    ]
    terminal.answer(answer, lambda: _draw(terminal, answer))
    return Exit.FINDINGS if _short(answer["products"]) else Exit.OK


def _short(products: Sequence[Row]) -> list[Row]:
    """Months of products that stay below what is asked for, the worst first; what stays open is asked for again."""
    short = [row for row in products if row["feasible"] < row["demand"]]
    return sorted(short, key=lambda row: row["feasible"] - row["demand"])


def _golden(desk: Desk, named: str) -> str | None:
    return desk.item(named) or next((golden for golden, code in _codes(desk).items() if code == named), None)


def _codes(desk: Desk) -> dict[str, str]:
    from pipeline.snapshot import rows

    return {row["golden_id"]: row["code"] for row in rows(desk.frames, "work_centre")}


def _answer(of: Review, found: Reviewed, names: Mapping[str, str]) -> Row:
    return {
        "products": _products(of, found.plan, names),
        "binding": [{"name": name, "title": names.get(name, name)} for name in found.plan.binding],
        "bands": [
            {
                "stretched": band.stretched,
                "title": names.get(band.stretched, band.stretched),
                "kind": band.kind,
                "by": band.by,
                "total": band.plan.total,
                "products": _products(of, band.plan, names),
                "takes": [
                    {"resource": one.resource, "title": names.get(one.resource, one.resource), "week": one.week,
                     "extra": _extra(of, one.resource, one.extra), "unit": _unit(of, one.resource)}
                    for one in band.takes
                ],
            }
            for band in found.bands
        ],
    }  # fmt: skip


def _kind(of: Review, resource: str) -> str:
    return next(one.kind for one in of.resources if one.name == resource)


def _unit(of: Review, resource: str) -> str:
    return "hours" if _kind(of, resource) == "capacity" else "pieces"


def _extra(of: Review, resource: str, extra: float) -> float:
    return round(extra / MINUTES if _kind(of, resource) == "capacity" else extra, 1)


def _products(of: Review, plan: Feasible, names: Mapping[str, str]) -> list[Row]:
    return [
        {
            "item": product.item,
            "name": names.get(product.item, ""),
            "month": f"{month:%Y-%m}",
            "demand": round(product.demand.get(month, 0.0), 3),
            "feasible": round(plan.ready[product.item][month], 3),
        }
        for product in of.products
        for month in of.months
        if product.demand.get(month) or plan.ready[product.item][month]
    ]


def _draw(terminal: Terminal, answer: Row) -> None:
    products = answer["products"]
    listed = products if len(products) <= LISTED else _short(products)
    shown = [{**row, "demand": f"{row['demand']:g}", "feasible": f"{row['feasible']:g}"} for row in listed[:LISTED]]
    _table(terminal, shown, ("item", "name", "month", "demand", "feasible"))
    _say_rest(terminal, len(listed))
    if len(listed) < len(products):
        terminal.line("plan.enough", count=len(products) - len(listed))
    if answer["binding"]:
        titles = [one["title"] for one in answer["binding"]]
        terminal.line("plan.binding", names=", ".join(titles[:LISTED]))
        _say_rest(terminal, len(titles))
    for band in answer["bands"][:BANDS]:
        _draw_band(terminal, band)
    if len(answer["bands"]) > BANDS:
        terminal.line("plan.more", count=len(answer["bands"]) - BANDS)
    if answer["scenarios"]:
        terminal.line()
        _draw_scenarios(terminal, answer)


def _draw_band(terminal: Terminal, band: Row) -> None:
    terminal.line()
    by = terminal.term(band["by"], "stretch")
    terminal.line("plan.band", total=f"{band['total']:,.10g}", title=band["title"], by=by)
    takes = band["takes"] if len(band["takes"]) <= LISTED else _summed(band["takes"])
    shown = [
        {**one, "resource": one["title"], "extra": f"{one['extra']:g} {terminal.term(one['unit'], 'unit')}"}
        for one in takes[:LISTED]
    ]
    _table(terminal, shown, ("resource", "week", "extra"))
    _say_rest(terminal, len(takes))


def _summed(takes: Sequence[Row]) -> list[Row]:
    """One row a resource, for more weeks than anybody reads: all it takes, from its first week to its last."""
    found: dict[str, Row] = {}
    for one in takes:
        known = found.setdefault(one["resource"], {**one, "extra": 0.0, "week": f"{one['week']}"})
        known["extra"] = round(known["extra"] + one["extra"], 1)
        known["week"] = (
            f"{known['week'][:10]} – {one['week']}" if known["week"][:10] != f"{one['week']}" else known["week"]
        )
    return list(found.values())


def _say_rest(terminal: Terminal, count: int) -> None:
    if count > LISTED:
        terminal.line("plan.more", count=count - LISTED)


def _draw_scenarios(terminal: Terminal, answer: Row) -> None:
    """Feasible quantities by product and month, one column a scenario."""
    plans = [(terminal.say("plan.base"), answer["products"])]
    plans += [(one["name"], one["products"]) for one in answer["scenarios"]]
    found = [(name, {(row["item"], row["month"]): row["feasible"] for row in rows}) for name, rows in plans]
    places = sorted({place for _, cells in found for place in cells})
    if len(places) > LISTED:  # what no scenario changes is seen above
        places = [place for place in places if len({cells.get(place, 0) for _, cells in found}) > 1]
    table = [[*place, *(f"{cells.get(place, 0):g}" for _, cells in found)] for place in places[:LISTED]]
    titles = ["col.item", "col.month", *(name for name, _ in found)]
    terminal.table(titles, table, right=range(2, len(titles)))
    _say_rest(terminal, len(places))
