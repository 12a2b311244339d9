"""Which record of which system is which golden record: unique both ways.

A source key belongs to one golden id; a golden id has one primary source key in a system, and any
number of further ones when the system holds duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, bindparam, case, delete, func, insert, select, update

from store import ticks
from store.prepared import Prepared
from store.statements import Keyed, select_in
from store.tables import crosswalk

CROSSWALK_SCHEMA = pl.Schema(
    {
        "system": pl.String(), "source_key": pl.String(), "golden_id": pl.String(),
        "native_id": pl.String(), "is_primary": pl.Boolean(),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """One source record and its golden id."""

    system: str
    entity: str
    source_key: str
    golden_id: str
    native_id: str | None = None
    is_primary: bool = True
    home_id: str | None = None
    """The golden id it was first bound to, where decisions or links moved it since."""


@dataclass(frozen=True, slots=True)
class BindConflict:
    """A binding that was not made, and the one that stands in its way."""

    wanted: Binding
    standing: Binding


def bind(tx: Connection, rows: Iterable[Binding], now: datetime) -> list[BindConflict]:
    """Bind what is not bound yet; conflicts are returned, never raised, and change nothing.

    A row that stands already is left alone, except that a new native id replaces the old one (the
    record was made anew in its system). A conflict is a source key bound to another golden id, or a
    second primary source key for one golden id.
    """
    found: list[BindConflict] = []
    ordered = sorted(rows, key=attrgetter("system", "entity"))
    for (system, entity), group in groupby(ordered, key=attrgetter("system", "entity")):
        found += _bind_group(tx, system, entity, list(group), now)
    return found


_HERE = select(crosswalk).where(crosswalk.c.system == bindparam("of"), crosswalk.c.entity == bindparam("what"))
_BY_KEY = Keyed(_HERE, crosswalk.c.source_key)
_INSERT = Prepared(insert(crosswalk))
_PRIMARY = Keyed(_HERE.where(crosswalk.c.is_primary), crosswalk.c.golden_id)


def _bind_group(tx: Connection, system: str, entity: str, rows: Sequence[Binding], now: datetime) -> list[BindConflict]:
    here = {"of": system, "what": entity}
    by_key = {row.source_key: _binding(row) for row in _BY_KEY.rows(tx, (row.source_key for row in rows), **here)}
    primary = {row.golden_id: _binding(row) for row in _PRIMARY.rows(tx, (row.golden_id for row in rows), **here)}
    fresh: list[Binding] = []
    renamed: list[Binding] = []
    found: list[BindConflict] = []
    for row in rows:
        standing = by_key.get(row.source_key)
        if standing is None and row.is_primary and row.golden_id in primary:
            found.append(BindConflict(row, primary[row.golden_id]))
        elif standing is None:
            fresh.append(row)
            by_key[row.source_key] = row
            if row.is_primary:
                primary[row.golden_id] = row
        elif standing.golden_id != row.golden_id:
            found.append(BindConflict(row, standing))
        elif row.native_id not in {None, standing.native_id}:
            renamed.append(row)
    _insert(tx, fresh, now)
    _set_native_ids(tx, renamed)
    return found


def _insert(tx: Connection, rows: Sequence[Binding], now: datetime) -> None:
    if rows:
        _INSERT.write(tx, *({**_columns(row), "bound_at": now} for row in rows))
        _tick(tx, rows)


def _set_native_ids(tx: Connection, rows: Sequence[Binding]) -> None:
    if rows:
        tx.execute(
            _one(update(crosswalk)).values(native_id=bindparam("native")),
            [{**_place(row), "native": row.native_id} for row in rows],
        )
        _tick(tx, rows)


def _tick(tx: Connection, rows: Iterable[Binding]) -> None:
    for entity in sorted({row.entity for row in rows}):
        ticks.advance(tx, tick_of(entity))


def tick_of(entity: str) -> str:
    """The name of the counter that advances with every change of an entity's bindings."""
    return f"crosswalk/{entity}"


def _one(statement: Any) -> Any:  # noqa: ANN401 - an update or a delete, given back as such
    return statement.where(
        crosswalk.c.system == bindparam("at_system"),
        crosswalk.c.entity == bindparam("at_entity"),
        crosswalk.c.source_key == bindparam("at_key"),
    )


def _place(row: Binding) -> dict[str, str]:
    return {"at_system": row.system, "at_entity": row.entity, "at_key": row.source_key}


def _columns(row: Binding) -> dict[str, object]:
    return {
        "system": row.system, "entity": row.entity, "source_key": row.source_key,
        "golden_id": row.golden_id, "native_id": row.native_id, "is_primary": row.is_primary, "home_id": row.home_id,
    }  # fmt: skip


def _binding(row: Row[Any]) -> Binding:
    return Binding(row.system, row.entity, row.source_key, row.golden_id, row.native_id, row.is_primary, row.home_id)


def rebind(tx: Connection, rows: Sequence[Binding], now: datetime) -> list[BindConflict]:
    """Move source keys to other golden ids (after a merge or a split); what was not bound is bound."""
    if rows:
        tx.execute(_one(delete(crosswalk)), [_place(row) for row in rows])
        _tick(tx, rows)
    return bind(tx, rows, now)


def move(tx: Connection, rows: Sequence[Binding]) -> None:
    """Put bound records under the golden ids, homes and places the rows say; when they came stays as it was."""
    if not rows:
        return
    tx.execute(_one(update(crosswalk)).values(is_primary=False), [_place(row) for row in rows])
    moved: dict[str, Any] = {
        "golden_id": bindparam("to_golden"),
        "home_id": bindparam("to_home"),
        "is_primary": bindparam("first"),
    }
    tx.execute(
        _one(update(crosswalk)).values(**moved),
        [
            {**_place(row), "to_golden": row.golden_id, "to_home": row.home_id, "first": row.is_primary}
            for row in sorted(rows, key=attrgetter("is_primary"))
        ],
    )
    _tick(tx, rows)


def at_home(tx: Connection, entity: str, homes: Iterable[str], precedence: Sequence[str] = ()) -> list[Binding]:
    """Every record of these homes, wherever it is bound now, in order of arrival (as `homes_frame` has it)."""
    wanted = sorted(set(homes))
    rank = {system: place for place, system in enumerate(precedence)}

    def arrival(row: Row[Any]) -> tuple[datetime, int, str, str]:
        return (row.bound_at, rank.get(row.system, len(rank)), row.system, row.source_key)

    here = select(crosswalk).where(crosswalk.c.entity == entity)
    rows = [
        *select_in(tx, here.where(crosswalk.c.home_id.is_(None)), crosswalk.c.golden_id, wanted),
        *select_in(tx, here, crosswalk.c.home_id, wanted),
    ]
    return [_binding(row) for row in sorted(rows, key=arrival)]


def by_arrival(tx: Connection, entity: str, golden_id: str) -> list[Binding]:
    """Every source record of one golden record, in the order in which they came."""
    rows = tx.execute(
        select(crosswalk)
        .where(crosswalk.c.entity == entity, crosswalk.c.golden_id == golden_id)
        .order_by(crosswalk.c.bound_at, crosswalk.c.system, crosswalk.c.source_key)
    )
    return [_binding(row) for row in rows]


def of_golden(tx: Connection, entity: str, golden_ids: Iterable[str]) -> list[Binding]:
    """Every source record of some golden records."""
    here = select(crosswalk).where(crosswalk.c.entity == entity)
    return [_binding(row) for row in select_in(tx, here, crosswalk.c.golden_id, golden_ids)]


def sizes(tx: Connection, entity: str) -> list[int]:
    """How many source records each golden record has."""
    query = select(func.count()).where(crosswalk.c.entity == entity).group_by(crosswalk.c.golden_id)
    return list(tx.execute(query).scalars())


def moved_homes(tx: Connection, entity: str) -> set[str]:
    """Homes of which a record is bound elsewhere, and those it is bound to: its place among theirs goes with it."""
    query = select(crosswalk.c.home_id, crosswalk.c.golden_id)
    moved = query.where(crosswalk.c.entity == entity, crosswalk.c.home_id.is_not(None)).distinct()
    return {home for row in tx.execute(moved) for home in row}


def bindings(tx: Connection, entity: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Binding]:
    """(system, source key) → its binding, for those that are bound."""
    wanted = set(keys)
    query = select(crosswalk).where(crosswalk.c.entity == entity)
    found = select_in(tx, query, crosswalk.c.source_key, (key for _, key in wanted))
    return {(row.system, row.source_key): _binding(row) for row in found if (row.system, row.source_key) in wanted}


def homes_frame(tx: Connection, entity: str, precedence: Sequence[str] = ()) -> pl.DataFrame:
    """Every record's home as `golden_id` (columns of `CROSSWALK_SCHEMA`), in order of arrival.

    Of those that came together, systems come by `precedence`, then by name.
    """
    home = func.coalesce(crosswalk.c.home_id, crosswalk.c.golden_id).label("golden_id")
    columns = [home if name == "golden_id" else crosswalk.c[name] for name in CROSSWALK_SCHEMA]
    rank = {system: place for place, system in enumerate(precedence)}
    first = (case(rank, value=crosswalk.c.system, else_=len(rank)),) if rank else ()
    order = (crosswalk.c.bound_at, *first, crosswalk.c.system, crosswalk.c.source_key)
    rows = tx.execute(select(*columns).where(crosswalk.c.entity == entity).order_by(*order))
    return pl.DataFrame([tuple(row) for row in rows], schema=CROSSWALK_SCHEMA, orient="row")


def bindings_of(tx: Connection, entity: str, golden_id: str) -> list[Binding]:
    """Every source record of one golden record, primary ones first."""
    return [_binding(row) for row in tx.execute(_OF_GOLDEN, {"what": entity, "golden": golden_id})]


_OF_GOLDEN = (
    select(crosswalk)
    .where(crosswalk.c.entity == bindparam("what"), crosswalk.c.golden_id == bindparam("golden"))
    .order_by(crosswalk.c.is_primary.desc(), crosswalk.c.system, crosswalk.c.source_key)
)


def primary_keys(tx: Connection, entity: str) -> Sequence[Row[Any]]:
    """`system`, `golden_id`, `source_key` and `native_id` of the primary records of all golden records."""
    return _PRIMARY_KEYS.rows(tx, {"what": entity})


_PRIMARY_KEYS = Prepared(
    select(crosswalk.c.system, crosswalk.c.golden_id, crosswalk.c.source_key, crosswalk.c.native_id)
    .where(crosswalk.c.entity == bindparam("what"), crosswalk.c.is_primary)
    .order_by(crosswalk.c.system, crosswalk.c.source_key)
)


def keys_in(tx: Connection, system: str, entity: str, golden_ids: Iterable[str]) -> list[Binding]:
    """The records some golden records have in one system, primary ones first."""
    rows = _KEYS_IN.rows(tx, golden_ids, of=system, what=entity)
    return sorted(map(_binding, rows), key=lambda row: (not row.is_primary, row.source_key))


_KEYS_IN = Keyed(_HERE, crosswalk.c.golden_id)


def native_of(tx: Connection, system: str, entity: str, golden_id: str) -> list[str]:
    """The source keys a golden record has in one system, the primary one first; empty when it is not known there."""
    return [row.source_key for row in bindings_of(tx, entity, golden_id) if row.system == system]


def golden_of(tx: Connection, system: str, entity: str, source_key: str) -> str | None:
    """The golden id of a source record; None when it is not bound."""
    return tx.execute(
        select(crosswalk.c.golden_id).where(
            crosswalk.c.system == system, crosswalk.c.entity == entity, crosswalk.c.source_key == source_key
        )
    ).scalar_one_or_none()


def crosswalk_frame(tx: Connection, entity: str) -> pl.DataFrame:
    """All bindings of an entity: `system`, `source_key`, `golden_id`, `native_id`, `is_primary`."""
    columns = [crosswalk.c[name] for name in CROSSWALK_SCHEMA]
    rows = tx.execute(
        select(*columns).where(crosswalk.c.entity == entity).order_by(crosswalk.c.system, crosswalk.c.source_key)
    )
    return pl.DataFrame([tuple(row) for row in rows], schema=CROSSWALK_SCHEMA, orient="row")
