"""From SQL to plan and back: the plant of model A is read from tables, planned, and the plan is stored.

Each database, SQLite and PostgreSQL, holds the same plant in tables of its own, one for each kind of row. *Load* makes
the snapshot of them; *plan* is what `planning.mrp.plan` does for large snapshots up to the tables of the plan; *store*
puts the planned orders into `planned_orders` in one transaction, and meanwhile every single peg, by numbers whose keys
stand beside, into a Parquet frame that is synced, as the hub's frames are; the transaction ends when both are done. The
goal is for 100,000 items;
`MILLSTREAM_BENCH_ITEMS` sets the numbers of items (the largest counts).
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Boolean, Column, Date, MetaData, Table, Text, func, select

from benchmarks.measuring import Figure
from benchmarks.mrp_compiled import SIZES
from benchmarks.plants import CALENDARS, TODAY, WEEK, model_a, policies
from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanByProduct,
    PlanDemand,
    PlanForecast,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanStock,
    PlanSubstitute,
    PlanSupplier,
    ScheduledReceipt,
    ScrapRate,
)
from canonical.plan_lines import BomLines
from planning.encoding import encode
from planning.fast import warm
from planning.kernels.solving import solve
from planning.plan_frames import Planned, key_frame, order_frame, peg_frame
from planning.preparation import collection_paused, prepare
from store.bulk import fill, whole
from store.frames import FrameStore
from store.plan_rows import replace_orders
from store.tables import planned_orders
from store.unit_of_work import Store
from tests.servers import ServerMissing, new_database, postgres_server

GOAL = 15.0
ROWS: dict[str, type] = {
    "items": PlanItem, "bom": PlanBomLine, "demands": PlanDemand, "stock": PlanStock, "receipts": ScheduledReceipt,
    "forecasts": PlanForecast, "operations": PlanOperation, "substitutes": PlanSubstitute,
    "by_products": PlanByProduct,
}  # fmt: skip
NESTED = {"lot", "suppliers", "scrap"}
LEFT_OUT = {"setup_minutes", "run_minutes"}
_KINDS: dict[str, Any] = {"int": BigInteger, "date": Date, "bool": Boolean}


@dataclass
class Clock:
    """Seconds by step."""

    taken: dict[str, float] = field(default_factory=dict)

    def __call__(self, step: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        """What the work gives; its seconds are kept."""
        start = time.perf_counter()
        found = work()
        self.taken[step] = time.perf_counter() - start
        return found


def measure() -> list[Figure]:
    """Seconds by step and in all, for both databases; without a PostgreSQL server only for SQLite."""
    warm()
    snapshot = model_a(max(SIZES))
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        figures = _figures("SQLite", f"sqlite:///{folder}/hub.sqlite", folder, snapshot)
        try:
            server = stack.enter_context(postgres_server())
        except ServerMissing:
            return figures
        url = stack.enter_context(new_database(server.url))
        return [*figures, *_figures("PostgreSQL", url, folder, snapshot)]


def _figures(name: str, url: str, folder: Path, snapshot: PlanningSnapshot) -> list[Figure]:
    store = Store.open(url)
    try:
        tables = _write(store, snapshot)
        clock, said = Clock(), f"{len(snapshot.items):,} items, {len(snapshot.bom):,} BOM lines"
        with collection_paused():
            loaded = clock("load", lambda: _load(store, tables))
            planned = clock("plan", lambda: _plan(loaded))
            frame = clock("orders as a frame", lambda: order_frame(planned))
            pegs = clock(
                "store: orders into SQL, pegs as Parquet", lambda: _store(store, folder / name, planned, frame)
            )
            orders = frame.height
        if any(set(getattr(loaded, kind)) != set(getattr(snapshot, kind)) for kind in ROWS):
            raise AssertionError("what was loaded is not what was stored")
        _check(store, orders)
    finally:
        store.close()
    gc.collect()
    steps = [Figure(f"{name}: {step}", seconds, 0.0, "s") for step, seconds in clock.taken.items()]
    whole = f"{name}: load, plan, store ({said}, {orders:,} orders, {pegs:,} pegs); peer: the goal"
    return [*steps, Figure(whole, sum(clock.taken.values()), GOAL, "s")]


def _check(store: Store, orders: int) -> None:
    with store.read() as tx:
        if tx.execute(select(func.count()).select_from(planned_orders)).scalar() != orders:
            raise AssertionError("not all orders are there")


def _plan(snapshot: PlanningSnapshot) -> Planned:
    prepared = prepare(snapshot, in_columns=True)
    columns, names = encode(prepared)
    return Planned(prepared, columns, names, solve(columns))


def _store(store: Store, folder: Path, planned: Planned, orders: pl.DataFrame) -> int:
    with ThreadPoolExecutor(1) as beside, store.begin() as tx:
        pegs = beside.submit(_store_pegs, folder, planned, orders)
        replace_orders(tx, orders)
        return pegs.result()


def _store_pegs(folder: Path, planned: Planned, orders: pl.DataFrame) -> int:
    frames, pegs = FrameStore(folder), peg_frame(planned)
    frames.write("plan/key", key_frame(planned, orders), "bench")
    frames.write("plan/peg", pegs, "bench")
    return pegs.height


# -- the plant in SQL -------------------------------------------------------------------------------------------------


def _columns(row: type) -> list[str]:
    return [each.name for each in fields(row) if each.name not in LEFT_OUT]


def _write(store: Store, snapshot: PlanningSnapshot) -> dict[str, Table]:
    metadata, tables = MetaData(), {}
    for name, row in ROWS.items():
        kinds = {each.name: str(each.type).split(" ")[0] for each in fields(row)}
        columns = [Column(each, _KINDS.get(kinds[each], Text)) for each in _columns(row)]
        tables[name] = Table(f"plant_{name}", metadata, *columns)
    metadata.create_all(store.engine)
    for name, table in tables.items():
        names = _columns(ROWS[name])
        rows = getattr(snapshot, name)
        with store.begin() as tx:
            plain = {each: [_plain(each, getattr(row, each)) for row in rows] for each in names}
            fill(tx, table, pl.DataFrame(plain))
    return tables


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - a field
    if name not in NESTED:
        return value
    plain = [asdict(each) for each in value] if isinstance(value, tuple) else asdict(value)
    return json.dumps(plain, default=str)


class _Dates(dict[Any, date | None]):
    """Dates by their text; PostgreSQL gives dates."""

    def __missing__(self, said: Any) -> date | None:  # noqa: ANN401 - what a driver gives
        found = self[said] = date.fromisoformat(said) if isinstance(said, str) else said
        return found


_TYPED: dict[str, Callable[[_Dates], Callable[[Any], Any]]] = {
    **dict.fromkeys(("due", "available", "effective_from", "effective_until"), lambda days: days.__getitem__),
    "before_own": lambda _: bool,
}
"""What makes a field of what a driver gives."""


def _load(store: Store, tables: dict[str, Table]) -> PlanningSnapshot:
    days = _Dates()
    found: dict[str, Any] = {}
    with store.read() as tx:
        for name, table in tables.items():
            if name == "bom":
                found[name] = BomLines(whole(tx, table))
                continue
            cursor: Any = tx.connection.cursor()
            names = ", ".join(tx.dialect.identifier_preparer.quote(column.name) for column in table.columns)
            cursor.execute(f"SELECT {names} FROM {table.name}")
            found[name] = tuple(_rows(name, cursor.fetchall(), days))
            cursor.close()
    return PlanningSnapshot(TODAY, calendars=CALENDARS, policies=policies(WEEK), **found)


def _rows(name: str, rows: list[tuple[Any, ...]], days: _Dates) -> Iterator[Any]:
    if name == "items":
        return _items(rows)
    row, names = ROWS[name], _columns(ROWS[name])
    held = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    columns = [map(_TYPED[each](days), held[each]) if each in _TYPED else held[each] for each in names]
    if names == [each.name for each in fields(row)]:
        return map(row, *columns)
    return (row(**dict(zip(names, each, strict=True))) for each in zip(*columns, strict=True))


def _items(rows: list[tuple[Any, ...]]) -> Iterator[PlanItem]:
    known: dict[str, Any] = {}

    def read(said: str, make: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what is nested
        if said not in known:
            known[said] = make(json.loads(said))
        return known[said]

    for code, sourcing, lead, safety, lot, scale, suppliers, calendar, early, frozen, scrap, apart in rows:
        yield PlanItem(
            code, sourcing, lead, safety, read(lot, lambda one: LotPolicy(**one)), scale,
            read(suppliers, lambda all_of: tuple(PlanSupplier(**one) for one in all_of)) if suppliers != "[]" else (),
            calendar, early, frozen, read(scrap, _scrap) if scrap != "[]" else (), bool(apart),
        )  # fmt: skip


def _scrap(rates: list[dict[str, Any]]) -> tuple[ScrapRate, ...]:
    return tuple(
        ScrapRate(one["ppm"], date.fromisoformat(one["effective_from"]) if one["effective_from"] else None)
        for one in rates
    )
