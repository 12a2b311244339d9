"""The crosswalk in memory, an entity at a time, with what changed in it: a counter in the store says if it holds.

Reading thousands of bindings anew for one new order would cost more than all its other stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from mdm.references import CROSSWALK_SCHEMA, Crosswalk
from store import crosswalk, ticks
from store.unit_of_work import Store, Transaction

_REMEMBERED_STEPS = 256
_NOTHING = pl.DataFrame(schema=CROSSWALK_SCHEMA)


@dataclass(frozen=True, slots=True)
class _Step:
    before: int
    after: int
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Held:
    tick: int
    walk: Crosswalk
    steps: tuple[_Step, ...] = ()


class Bindings:
    """Bindings by entity, as they stand now. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, _Held] = {}
        self._seen: dict[str, int] | None = None

    @contextmanager
    def glance(self) -> Iterator[None]:
        """Ask for the counters once: meanwhile what others bind goes unnoticed, and what is bound here is `noticed`."""
        with self._store.read() as tx:
            self._seen = ticks.under(tx, crosswalk.tick_of(""))
        try:
            yield
        finally:
            self._seen = None

    def noticed(self, entity: str, tick: int) -> None:
        """Something was bound by us: so the counter stands now."""
        if self._seen is not None:
            self._seen[entity] = tick

    def frame(self, entity: str) -> pl.DataFrame:
        """`system`, `source_key`, `native_id`, `golden_id` of every record of an entity."""
        return self.walk(entity).frame

    def walk(self, entity: str) -> Crosswalk:
        """The bindings of an entity, to be looked up by name."""
        return self._current(entity).walk

    def tick(self, entity: str) -> int:
        """A number for exactly these bindings."""
        return self._current(entity).tick

    def changed_since(self, entity: str, tick: int) -> pl.DataFrame | None:
        """The bindings made, moved or given up since; None where that is not known any more."""
        held = self._current(entity)
        wanted, found = held.tick, [_NOTHING]
        for step in reversed(held.steps):
            if wanted == tick:
                break
            wanted, found = step.before, [*found, step.rows]
        if wanted != tick:
            return None
        return pl.concat(found) if len(found) > 1 else _NOTHING

    def _current(self, entity: str) -> _Held:
        held = self._held.get(entity)
        if held is not None and self._seen is not None and self._seen.get(entity, 0) == held.tick:
            return held
        with self._store.read() as tx:
            tick = ticks.value(tx, crosswalk.tick_of(entity)) or 0
            self.noticed(entity, tick)
            held = self._held.get(entity)
            if held is not None and held.tick == tick:
                return held
            frame = _bindings(tx, entity)
        if held is not None:
            keys, before = list(CROSSWALK_SCHEMA), held.walk.frame
            gone = before.join(frame, on=keys, how="anti", nulls_equal=True)
            come = frame.join(before, on=keys, how="anti", nulls_equal=True)
            steps = (*held.steps, _Step(held.tick, tick, pl.concat([gone, come])))
            held = _Held(tick, Crosswalk(frame), steps[-_REMEMBERED_STEPS:])
        else:
            held = _Held(tick, Crosswalk(frame))
        self._held[entity] = held
        return held

    def bound(self, entity: str, rows: pl.DataFrame, before: int, after: int) -> None:
        """Between the two ticks we have bound these rows, and nothing else happened: no need to read them back.

        Rows that were bound before, to something else perhaps, are read back all the same.
        """
        held = self._held.get(entity)
        if held is None or held.tick != before or before == after:
            return
        rows = rows[[*CROSSWALK_SCHEMA]]
        places = {row[:2] for row in rows.rows()}
        standing = held.walk.of_keys({key for _, key in places})
        if places.isdisjoint(row[:2] for row in standing.iter_rows()):
            steps = (*held.steps, _Step(before, after, rows))
            self._held[entity] = _Held(after, held.walk.with_bound(rows), steps[-_REMEMBERED_STEPS:])


def _bindings(tx: Transaction, entity: str) -> pl.DataFrame:
    return crosswalk.crosswalk_frame(tx, entity).select(*CROSSWALK_SCHEMA).sort("system", "source_key")
