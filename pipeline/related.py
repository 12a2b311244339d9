"""Relations of golden records as decisions and crosswalk have them now; those that go in a circle are refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from canonical.errors import MillstreamError
from canonical.relations import KINDS, Relation
from canonical.stewardship import Decision, SourceRef, in_force
from mdm.relations import RELATE, cycle_of, relations_of
from store import crosswalk, decisions
from store.unit_of_work import Transaction


class RelationRefused(MillstreamError):
    """Such a relation cannot stand."""


def standing(tx: Transaction, entity: str, given: Sequence[Decision]) -> list[Relation]:
    """The relations of decisions in force, as their records stand now."""
    related = [one for one in given if one.kind == RELATE]
    if not related:
        return []
    refs = {(ref.system, ref.source_key) for one in related for ref in (*one.members, *one.others)}
    bound = crosswalk.bindings(tx, entity, refs)
    return relations_of(related, {SourceRef(*key): row.golden_id for key, row in bound.items()})


def refuse_circles(tx: Transaction, entity: str, now: datetime, touched: Collection[str]) -> None:
    """Raise `RelationRefused` where a hierarchy leads through one of these golden records back to itself."""
    if entity in KINDS:
        found = cycle_of(standing(tx, entity, in_force(decisions.listed(tx, entity), now)), touched)
        if found is not None:
            raise RelationRefused(
                f"the relations would lead in a circle: {' → '.join(found)}", entity=entity, key=found[0]
            )
