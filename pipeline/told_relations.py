"""How golden records hang together by what systems tell: re-keyed relations, below what stewards decided.

A relation a system tells is a golden record of its own, so its versions say since when we believe it. Where a steward
said otherwise it does not show, nor where it leads from a record to itself or in a circle, which nobody could follow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import cast

import polars as pl

from canonical.relations import HIERARCHIES, Relation, RelationKind, exclude
from pipeline.hub import Hub
from store import golden
from store.golden import GoldenVersion
from store.unit_of_work import Transaction

TOLD: Mapping[str, str] = {"partner": "partner_relation", "item": "item_relation"}
"""Entity → the entity in which systems tell how its records hang together."""
FROM_THE_OTHER_END: Mapping[str, RelationKind] = {"superseded_by": "supersedes", "replaced_by": "replaces"}
"""What a system tells of the one record → what it is called of the other."""
MOST_LEVELS = 50
Above = Callable[[str], Sequence[Relation]]


def told(
    hub: Hub, tx: Transaction, entity: str, place: str, *, decided: Collection[Relation], at: datetime | None = None
) -> list[Relation]:
    """What systems tell of a golden record, or told `at` a moment, as far as `decided` leaves it standing."""
    if entity not in TOLD:
        return []
    known = _Told(hub, tx, entity, decided=decided, at=at)
    return [one for one in known.around(place) if not _leads_back(one, known.above)]


class _Told:
    """Relations by the golden records they touch; each is asked for once."""

    def __init__(
        self, hub: Hub, tx: Transaction, entity: str, *, decided: Collection[Relation], at: datetime | None
    ) -> None:
        self._hub, self._tx, self._entity, self._at = hub, tx, entity, at
        self._decided: defaultdict[str, list[Relation]] = defaultdict(list)
        for one in decided:
            self._decided[one.of].append(one)
        self._redirects = golden.redirects(tx, entity)
        self._precedence = hub.configuration.policies[TOLD[entity]].precedence
        self._above: dict[str, list[Relation]] = {}

    def around(self, place: str) -> list[Relation]:
        """Those of a golden record and those to it, none of which anything of a higher rank speaks against."""
        touching = [one for one in self._relations({place}) if place in {one.of, one.to}]
        rivals = self._relations({one.of for one in touching})
        return [one for one in self._standing(rivals) if place in {one.of, one.to}]

    def above(self, place: str) -> list[Relation]:
        """Those of a golden record, decided ones among them."""
        if place not in self._above:
            told = self._standing(self._relations({place}))
            self._above[place] = [one for one in (*self._decided[place], *told) if one.of == place]
        return self._above[place]

    def _standing(self, ranked: Iterable[Relation]) -> list[Relation]:
        stand: defaultdict[str, list[Relation]] = defaultdict(list)
        for one in ranked:
            of_higher_rank = (*self._decided[one.of], *stand[one.of])
            if one.of != one.to and not any(_settles(said, one) for said in of_higher_rank):
                stand[one.of].append(one)
        return [one for each in stand.values() for one in each]

    def _relations(self, places: Collection[str]) -> list[Relation]:
        """All that name one of some golden records, those of the highest rank first."""
        found = sorted(self._versions(places), key=self._rank)
        return [self._relation(one) for one in found]

    def _rank(self, version: GoldenVersion) -> tuple[int, str]:
        system = _system_of(version)
        known = self._precedence.index(system) if system in self._precedence else len(self._precedence)
        return known, version.golden_id

    def _versions(self, places: Collection[str]) -> Iterator[GoldenVersion]:
        entity = TOLD[self._entity]
        names = {*places, *(old for old, now in self._redirects.items() if now in places)}
        ids = self._in_force(entity, names) if self._at is None else golden.mentioning(self._tx, entity, names)
        for versions in golden.histories(self._tx, entity, ids).values():
            known = [one for one in versions if self._at is None or one.valid_from <= self._at]
            if known and not known[-1].content.get("retired"):
                yield known[-1]

    def _in_force(self, entity: str, names: Collection[str]) -> list[str]:
        frame = self._hub.frames.read(f"golden/{entity}")
        if frame is None:
            return []
        wanted = pl.Series(sorted(names), dtype=pl.String).implode()
        return frame.filter(pl.any_horizontal(pl.col("of", "to").is_in(wanted)))["golden_id"].to_list()

    def _relation(self, version: GoldenVersion) -> Relation:
        said = version.content
        of, to = (self._redirects.get(said[name], said[name]) for name in ("of", "to"))
        begins, ends = (_day(said[name]) for name in ("valid_from", "valid_to"))
        origin = f"system:{_system_of(version)}"
        if said["kind"] in FROM_THE_OTHER_END:
            of, to = to, of
        kind = FROM_THE_OTHER_END.get(said["kind"], cast("RelationKind", said["kind"]))
        return Relation(self._entity, kind, of, to, None, begins, ends, origin, version.valid_from, None)


def _system_of(version: GoldenVersion) -> str:
    return str(version.content["sources"][0]).partition(":")[0]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _settles(said: Relation, one: Relation) -> bool:
    """Whether a word of a higher rank on the same record says the same, or what cannot be at the same time."""
    if not said.overlaps(one.valid_from, one.valid_to):
        return False
    if said.denies and said.kind == one.kind:
        return True
    return exclude(said.kind, one.kind) or (said.kind, said.to) == (one.kind, one.to)


def _leads_back(one: Relation, above_of: Above) -> bool:
    """Whether a hierarchy leads from where a relation leads to back to where it began."""
    kinds = next((kinds for kinds in HIERARCHIES if one.kind in kinds), None)
    if kinds is None:
        return False
    above, seen = {str(one.to)}, set[str]()
    for _ in range(MOST_LEVELS):
        seen |= above
        above = {
            str(each.to)
            for name in above
            for each in above_of(name)
            if each.kind in kinds and each.to is not None and each.overlaps(one.valid_from, one.valid_to)
        } - seen
    return one.of in seen
