"""Forecast: what customers will order of each item, from what they have ordered; sales may say otherwise.

The statistical forecast is kept as a frame; the word of a person stands in the store and comes first. Where a system
tells of forecasts itself, its forecast of an item and month takes the place of the statistical one. In the plan all of
them are demand that orders use up, a quarter of a month due at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, golden_schema
from canonical.errors import MillstreamError
from canonical.strict_json import dumps, loads
from pipeline.basis import digest
from pipeline.hub import Hub, Run
from pipeline.plan_needs import OURS
from pipeline.snapshot import Frames, Row, rows
from planning.demand import ItemForecast, forecast
from store import forecast_overrides, runs
from store.forecast_overrides import Override

FRAME = "plan/forecast"
SCHEMA: dict[str, pl.DataType] = {
    "item": pl.String(), "month": pl.Date(), "quantity": pl.Decimal(38, 9), "pattern": pl.String(),
    "model": pl.String(), "history": pl.Int64(), "wape": pl.Float64(), "mase": pl.Float64(), "bias": pl.Float64(),
    "tests": pl.String(), "basis": pl.String(),
}  # fmt: skip
QUARTERS = (1, 8, 15, 22)
"""Days of a month on which a quarter of its forecast is due."""
MONTHS = 6
"""How far ahead a forecast goes where the deployment does not say."""
History = Mapping[str, Mapping[date, Decimal]]
"""Item → first day of a month → what was asked for."""


@dataclass(frozen=True, slots=True)
class Forecasted:
    """What one forecasting came to; `wape` is over all items that were tested, by their demand."""

    items: int
    anew: int
    tested: int
    wape: float | None


@dataclass(frozen=True, slots=True)
class Expected:
    """One item's month: the statistical quantity, what a system or a person says instead, and what holds."""

    item: str
    month: date
    statistical: Decimal | None
    told: Decimal | None
    """By a system that keeps forecasts."""
    override: Override | None
    pattern: str | None
    model: str | None
    wape: float | None
    mase: float | None

    @property
    def quantity(self) -> Decimal:
        """What holds: a person's word, else a system's, else the statistics."""
        if self.override is not None and self.override.quantity is not None:
            return self.override.quantity
        return self.told if self.told is not None else self.statistical or Decimal(0)


def demand_history(frames: Frames) -> History:
    """What was ordered of each item, by the month it was wanted in; cancelled orders and drafts do not count."""
    alive = {row["golden_id"] for row in rows(frames, "sales_order") if row["status"] in {"open", "closed"}}
    found: defaultdict[str, defaultdict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows(frames, "sales_order_line"):
        if row["order"] in alive and row["due"] is not None and row["quantity"] is not None:
            found[row["item"]][row["due"].replace(day=1)] += row["quantity"]
    return found


def make_forecast(hub: Hub, run: Run) -> Forecasted:
    """Forecast every item customers ordered, from this month on; where the history is the same, the forecast stands."""
    found, anew = statistical(hub, run.as_of)
    hub.frames.write(FRAME, pl.DataFrame(found, schema=SCHEMA, orient="row"), run.run_id)
    done = _summary(found, anew)
    with hub.store.begin() as tx:
        content = {"items": done.items, "anew": done.anew, "tested": done.tested}
        runs.record_stage(tx, run.run_id, "forecast", content, hub.now())
    return done


def statistical(hub: Hub, as_of: date) -> tuple[list[dict[str, Any]], int]:
    """The rows of the forecast frame as they would be on a day, and how many items were forecast anew."""
    first = as_of.replace(day=1)
    horizon = hub.deployment.forecast.months if hub.deployment.forecast else MONTHS
    standing = _standing(hub)
    found: list[dict[str, Any]] = []
    anew = 0
    for item, demand in sorted(demand_history(_judged(hub)).items()):
        basis = digest(first, horizon, sorted((month, quantity) for month, quantity in demand.items() if month < first))
        kept = standing.get((item, basis))
        if kept is None:
            made = forecast(item, demand, first, horizon)
            kept = [] if made is None else list(_rows(made, basis))
            anew += made is not None
        found += kept
    return found, anew


def _judged(hub: Hub) -> Frames:
    found = {name: hub.frames.read(f"judged/{name}") for name in ("sales_order", "sales_order_line")}
    return {name: frame for name, frame in found.items() if frame is not None}


def _standing(hub: Hub) -> dict[tuple[str, str], list[dict[str, Any]]]:
    frame = hub.frames.read(FRAME)
    found: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in [] if frame is None else frame.iter_rows(named=True):
        found[row["item"], row["basis"]].append(row)
    return found


def _rows(made: ItemForecast, basis: str) -> Iterator[dict[str, Any]]:
    test = made.test
    tests = dumps([{"model": one.model, "wape": _shown(one.wape), "mase": _shown(one.mase)} for one in made.tests])
    for month, quantity in made.months:
        yield {
            "item": made.item, "month": month, "quantity": quantity, "pattern": made.pattern, "model": made.model,
            "history": made.history, "wape": test and test.wape, "mase": test and test.mase, "bias": test and test.bias,
            "tests": tests, "basis": basis,
        }  # fmt: skip


def _shown(error: float | None) -> Decimal | None:
    return None if error is None else round(Decimal(repr(error)), 3)


def _summary(found: list[dict[str, Any]], anew: int) -> Forecasted:
    first = {row["item"]: row for row in reversed(found)}.values()
    tested = [row for row in first if row["wape"] is not None]
    weight = sum(float(row["quantity"]) for row in tested)
    wape = sum(row["wape"] * float(row["quantity"]) for row in tested) / weight if weight else None
    return Forecasted(len(first), anew, len(tested), wape)


# -- what is expected ------------------------------------------------------------------------------------------------


def expected(hub: Hub, frames: Frames, rows_: Iterable[Row] | None = None) -> list[Expected]:
    """Every item and month something is expected of, by item and month; `rows_`: other statistics than those kept."""
    statistics = {(row["item"], row["month"]): row for row in (frame_rows(hub) if rows_ is None else rows_)}
    told = _told(frames)
    with hub.store.read() as tx:
        words = {(item, _month(month)): word for (item, month), word in forecast_overrides.standing(tx).items()}
    return [
        _expected(place, statistics.get(place), told.get(place), words.get(place))
        for place in sorted(statistics.keys() | told.keys() | words.keys())
    ]


def _expected(place: tuple[str, date], row: Row | None, told: Decimal | None, word: Override | None) -> Expected:
    known: Row = row or {}
    return Expected(
        *place, known.get("quantity"), told, word,
        known.get("pattern"), known.get("model"), known.get("wape"), known.get("mase"),
    )  # fmt: skip


def frame_rows(hub: Hub) -> list[Row]:
    """The statistical forecast as it is kept; none before the first."""
    frame = hub.frames.read(FRAME)
    return [] if frame is None else list(frame.iter_rows(named=True))


def _told(frames: Frames) -> Mapping[tuple[str, date], Decimal]:
    """What systems forecast, by item and month; in frames of the plan our own forecasts stand among theirs."""
    found: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for row in rows(frames, "forecast"):
        if row["status"] == "open" and not row["golden_id"].startswith(OURS):
            found[row["item"], row["due"].replace(day=1)] += row["quantity"]
    return found


def tests_of(found: Iterable[Row], item: str) -> list[dict[str, Any]]:
    """The backtests of all models tried for an item, the chosen one first."""
    row = next((row for row in found if row["item"] == item), None)
    return [] if row is None else loads(row["tests"])


def override(hub: Hub, item: str, month: date, quantity: Decimal | None, *, actor: str, reason: str) -> None:
    """Sales say what they expect of an item in a month; None takes it back. Raises `MillstreamError`."""
    if not reason.strip():
        raise MillstreamError("an override needs a reason", hint="say why, so that the next review knows")
    if quantity is not None and quantity < 0:
        raise MillstreamError(f"{quantity} is no quantity")
    with hub.store.begin() as tx:
        forecast_overrides.say(tx, Override(item, f"{month:%Y-%m}", quantity, actor, reason.strip(), hub.now()))


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


# -- into the plan ---------------------------------------------------------------------------------------------------


def version(hub: Hub) -> str | None:
    """What the forecasts in the plan depend on; None where the deployment plans none."""
    if hub.deployment.forecast is None or not hub.deployment.forecast.planned:
        return None
    with hub.store.read() as tx:
        words = forecast_overrides.standing(tx).values()
    said = sorted((word.item, word.month, str(word.quantity)) for word in words)
    return digest(hub.frames.version(FRAME), hub.as_of(), *said)


def with_forecasts(hub: Hub, frames: Frames, as_of: date) -> Frames:
    """The frames with what is expected among the forecasts systems told; a person's word takes the place of theirs.

    Configurable products are left out: nobody can make one before it is configured.
    """
    wanted = [one for one in expected(hub, frames) if one.told is None or one.override is not None]
    configurable = _configurable(frames)
    more = [row for one in wanted if one.item not in configurable for row in _due(one, as_of)]
    said = {(one.item, one.month) for one in wanted}
    told = [row for row in rows(frames, "forecast") if (row["item"], row["due"].replace(day=1)) not in said]
    schema = golden_schema(ENTITIES["forecast"])
    whole = [{name: row.get(name) for name in schema} for row in (*told, *more)]
    return {**frames, "forecast": pl.DataFrame(whole, schema=schema, orient="row")}


def _configurable(frames: Frames) -> set[str]:
    """Items that order lines configure."""
    lines = frames.get("sales_order_line")
    if lines is None or "configuration" not in lines.columns:
        return set()
    return set(lines.filter(pl.col("configuration").is_not_null())["item"])


def _due(one: Expected, as_of: date) -> Iterator[dict[str, Any]]:
    """A month in quarters that add up to it, none of it where the month is over."""
    if one.month < as_of.replace(day=1):
        return
    places = Decimal(1) if one.quantity == one.quantity.to_integral_value() else Decimal("0.001")
    given = Decimal(0)
    for number, day in enumerate(QUARTERS, start=1):
        until = (one.quantity * number / len(QUARTERS)).quantize(places, ROUND_HALF_UP)
        share, given = until - given, until
        due = one.month.replace(day=day)
        if share > 0:
            key = f"{OURS}{one.item}|{one.month:%Y-%m}"
            yield {
                "golden_id": f"{key}|{number}", "number": key, "line": str(number), "item": one.item,
                "quantity": share, "due": due, "status": "open", "sources": [],
            }  # fmt: skip
