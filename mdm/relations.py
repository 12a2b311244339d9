"""Relations between golden records, computed from decisions between source records and from where those stand.

A relation is decided of records, not of golden ids: what a merge joins has the relations of both, and once the merge
is taken back each has its own again, to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

from canonical.relations import HIERARCHIES, Relation, RelationKind
from canonical.stewardship import Decision, SourceRef
from mdm.structure import closing_cycle

RELATE = "relate"


def written(text: str | None, valid_from: date | None, valid_to: date | None) -> dict[str, str | None]:
    """What a decision keeps of a relation beside its kind and its records."""
    days = (None if day is None else day.isoformat() for day in (valid_from, valid_to))
    return dict(zip(("text", "valid_from", "valid_to"), (text, *days), strict=True))


def relations_of(decisions: Iterable[Decision], golden_of: Mapping[SourceRef, str]) -> list[Relation]:
    """The relations of decisions in force, as the records stand; of records that stand nowhere, none."""
    found = (_relation(one, golden_of) for one in decisions if one.kind == RELATE)
    return [one for one in found if one is not None]


def _relation(one: Decision, golden_of: Mapping[SourceRef, str]) -> Relation | None:
    of, to = (next((golden_of[ref] for ref in refs if ref in golden_of), None) for refs in (one.members, one.others))
    if of is None or (to is None and one.others):
        return None
    said = one.value
    begins, ends = (
        None if said[name] is None else date.fromisoformat(said[name]) for name in ("valid_from", "valid_to")
    )
    kind = cast("RelationKind", one.attribute)
    return Relation(one.entity, kind, of, to, said["text"], begins, ends, one.actor, one.at, one.number, one.reason)


def cycle_of(relations: Sequence[Relation], touched: Iterable[str]) -> tuple[str, ...] | None:
    """The first way along one hierarchy from a golden record back to itself; None where there is none.

    Relations that follow each other in time do not meet: each is looked at with those it overlaps.
    """
    wanted = set(touched)
    for kinds in HIERARCHIES:
        mine = [one for one in relations if one.kind in kinds and one.to is not None]
        for each in mine:
            if each.of in wanted or each.to in wanted:
                along = [(one.of, str(one.to)) for one in mine if one.overlaps(each.valid_from, each.valid_to)]
                found = closing_cycle(along, {}, {each.of})
                if found is not None:
                    return found
    return None
