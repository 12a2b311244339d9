"""`millstream plan forecast|override|review`: what customers will ask for, what sales say, and what is feasible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.planner import _item, _table
from console.cli.state import opened
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.hub import Hub
    from pipeline.plan_desk import Desk
    from planning.sop import Delta, Feasible, Review, Reviewed

Caller = Annotated[Terminal, Parameter(parse=False)]
Row = dict[str, Any]
TAKEN_BACK = "none"
MINUTES = 60


@contextmanager
def _hub_and_desk(terminal: Terminal) -> Iterator[tuple[Hub, Desk]]:
    """The hub of a store that stands, and the planner's desk in it."""
    from pipeline.hub import open_hub
    from pipeline.plan_desk import desk

    with opened(terminal):
        pass
    hub = open_hub(terminal.environ)
    try:
        yield hub, desk(hub, hub.as_of())
    finally:
        hub.close()


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

    with _hub_and_desk(terminal) as (hub, desk):
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
    columns = ("item", "name", "month", "quantity", "statistical", "override", "pattern", "model", "wape", "mase")

    def draw() -> None:
        _table(terminal, [_drawn(terminal, row) for row in rows], columns)
        if tests:
            terminal.line()
            terminal.heading("plan.models")
            _table(terminal, [_drawn(terminal, test) for test in tests], ("model", "wape", "mase"))
        if words:
            terminal.line()
            terminal.heading("plan.overrides")
            _table(terminal, words, ("month", "quantity", "actor", "reason"))

    answer: Any = rows if code is None else {"item": code, "forecast": rows, "models": tests, "overrides": words}
    terminal.answer(answer, draw)
    return Exit.OK


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
    with _hub_and_desk(terminal) as (hub, desk):
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
    with _hub_and_desk(terminal) as (hub, desk):
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
    short = found.plan.total < sum(sum(one.demand.values()) for one in of.products)
    return Exit.FINDINGS if short else Exit.OK


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
    _table(terminal, answer["products"], ("item", "name", "month", "demand", "feasible"))
    if answer["binding"]:
        terminal.line("plan.binding", names=", ".join(one["title"] for one in answer["binding"]))
    for band in answer["bands"]:
        terminal.line()
        by = terminal.term(band["by"], "stretch")
        terminal.line("plan.band", total=f"{band['total']:g}", title=band["title"], by=by)
        takes = [{**one, "extra": f"{one['extra']:g} {terminal.term(one['unit'], 'unit')}"} for one in band["takes"]]
        _table(terminal, takes, ("title", "week", "extra"))
    if answer["scenarios"]:
        terminal.line()
        _draw_scenarios(terminal, answer)


def _draw_scenarios(terminal: Terminal, answer: Row) -> None:
    """Feasible quantities by product and month, one column a scenario."""
    plans = [(terminal.say("plan.base"), answer["products"])]
    plans += [(one["name"], one["products"]) for one in answer["scenarios"]]
    found = [(name, {(row["item"], row["month"]): row["feasible"] for row in rows}) for name, rows in plans]
    places = sorted({place for _, cells in found for place in cells})
    table = [[*place, *(f"{cells.get(place, 0):g}" for _, cells in found)] for place in places]
    titles = ["col.item", "col.month", *(name for name, _ in found)]
    terminal.table(titles, table, right=range(2, len(titles)))
