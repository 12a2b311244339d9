"""Re-keying: a reference in a source record becomes the golden id of what it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter

import polars as pl

from canonical.base import references
from canonical.entities import ENTITIES
from mdm.handful import HANDFUL

CROSSWALK_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "native_id": pl.String(),
    "golden_id": pl.String(),
}

Bound = tuple[str, str, str | None, str]
"""A row of `CROSSWALK_SCHEMA`."""
REMEMBERED = 10_000
"""Names whose meaning is remembered; of more, all are forgotten."""
_PIECES = 64
_NAMES = ("source_key", "native_id", "golden_id")


class Crosswalk:
    """The bindings of an entity. What was once looked up by name is remembered, for the same names come again."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """`rows` of `CROSSWALK_SCHEMA`, by system and source key."""
        self._rows = rows
        self._is_sorted = True
        self._meant: dict[str, tuple[Bound, ...]] = {}
        self._are_own: bool | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """All bindings, by system and source key."""
        if not self._is_sorted:
            self._rows, self._is_sorted = self._rows.sort("system", "source_key"), True
        return self._rows

    @property
    def are_own_keys(self) -> bool:
        """Whether every golden id is the record's own key."""
        if self._are_own is None:
            self._are_own = bool((self._rows["golden_id"] == self._rows["source_key"]).all())
        return self._are_own

    def naming(self, names: Iterable[str]) -> list[Bound]:
        """The bindings that any of these names may mean, by system and source key."""
        if self._rows.is_empty():
            return []
        wanted = set(names)
        meant = self._meant if len(self._meant) <= REMEMBERED else {}
        if unknown := wanted - meant.keys():
            meant = self._meant = {**meant, **self._looked_for(unknown)}
        return sorted({row for name in wanted for row in meant[name]}, key=itemgetter(0, 1))

    def _looked_for(self, names: set[str]) -> dict[str, tuple[Bound, ...]]:
        listed = pl.Series([sorted(names)], dtype=pl.List(pl.String))
        found = self._rows.filter(pl.any_horizontal(pl.col(*_NAMES).is_in(listed)))[[*CROSSWALK_SCHEMA]].rows()
        return {name: tuple(row for row in found if name in row[1:]) for name in names}

    def of_keys(self, keys: Collection[str]) -> pl.DataFrame:
        """The bindings of records with these source keys, by system and source key."""
        if len(keys) > HANDFUL:
            return self.frame.filter(pl.col("source_key").is_in(list(keys)))
        rows = [row for row in self.naming(keys) if row[1] in keys]
        return pl.DataFrame(rows, schema=CROSSWALK_SCHEMA, orient="row") if rows else _NOTHING_BOUND

    def with_bound(self, rows: pl.DataFrame) -> Crosswalk:
        """With bindings of records that had none."""
        rows = rows[[*CROSSWALK_SCHEMA]]
        added: list[Bound] = rows.rows()
        made = Crosswalk(pl.concat([self._rows, rows]))
        if made._rows.n_chunks() > _PIECES:
            made._rows = made._rows.rechunk()
        made._is_sorted = not added and self._is_sorted
        if self._are_own is not None:
            made._are_own = self._are_own and all(row[1] == row[3] for row in added)
        made._meant = dict(self._meant)
        for row in added:
            for name in made._meant.keys() & {*row[1:]}:
                made._meant[name] = (*made._meant[name], row)
        return made


_NOTHING_BOUND = pl.DataFrame(schema=CROSSWALK_SCHEMA)


def _by_key(walk: pl.DataFrame) -> pl.DataFrame:
    """One row for every key a reference may use: the source key, else the technical id."""
    keys = pl.concat(
        walk.select("system", pl.col(name).alias("key"), "golden_id") for name in ("source_key", "native_id")
    )
    return keys.drop_nulls("key").unique(["system", "key"], keep="first", maintain_order=True)


def _joined(frame: pl.DataFrame, field: str, walk: Crosswalk, *, shared: bool) -> pl.Series:
    """The golden id of what each row names in a field, found by a join."""
    lookup = _by_key(walk.frame).rename({"key": field})
    found = frame.select("system", field).join(lookup, on=["system", field], how="left", maintain_order="left")
    if shared:
        same = pl.when(pl.col(field).is_in(walk.frame["golden_id"].unique().implode())).then(pl.col(field))
        found = found.select(pl.coalesce("golden_id", same).alias("golden_id"))
    return found["golden_id"]


def _looked_up(frame: pl.DataFrame, field: str, walk: Crosswalk, *, shared: bool) -> pl.Series:
    """As `_joined`, row by row."""
    known: dict[tuple[str, str], str] = {}
    names = frame[field].to_list()
    bound = walk.naming(name for name in names if name is not None)
    for place in (1, 2):  # the source key, else the technical id
        for row in bound:
            if (name := row[place]) is not None:
                known.setdefault((row[0], name), row[3])
    themselves = {row[3]: row[3] for row in bound} if shared else {}
    pairs = zip(frame["system"].to_list(), names, strict=True)
    return pl.Series([known.get(pair, themselves.get(pair[1])) for pair in pairs], dtype=pl.String)


def rekey(
    entity: str, frame: pl.DataFrame, crosswalks: Mapping[str, Crosswalk], shared: Collection[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace every reference by a golden id.

    Entities in `shared` are also known by their golden id. Returns the rows whose references all resolve, and the
    others with a column `unresolved` naming the first field that does not.
    """
    found: dict[str, pl.Series] = {}
    for field, referred in references(ENTITIES[entity]).items():
        walk = crosswalks.get(referred) or Crosswalk(_NOTHING_BOUND)
        look = _looked_up if frame.height <= HANDFUL else _joined
        found[field] = look(frame, field, walk, shared=referred in shared).alias(field)
    # What is not named is not found either: as many nulls, and every name was found.
    if all(golden.null_count() == frame[field].null_count() for field, golden in found.items()):
        resolved = frame.with_columns(*found.values()) if found else frame
        return resolved, frame.clear().hstack([pl.Series("unresolved", [], dtype=pl.String)])
    missing = {field: frame[field].is_not_null() & golden.is_null() for field, golden in found.items()}
    bad = pl.any_horizontal(*missing.values())
    marked = frame.with_columns(_first_of(missing))
    return frame.with_columns(*found.values()).filter(~bad), marked.filter(bad)


def _first_of(missing: Mapping[str, pl.Series]) -> pl.Expr:
    named = (pl.when(lost).then(pl.lit(field)) for field, lost in missing.items())
    return pl.coalesce(*named, pl.lit(None, dtype=pl.String)).alias("unresolved")
