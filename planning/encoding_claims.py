"""Encodes what is pegged before planning: reservations and the pegs of the plan before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from planning.columns import LIMIT, NotCovered, unzip

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from canonical.plan import Peg
    from planning.columns import Ints
    from planning.preparation import Prepared

MAX_DIGITS = 8
PlannedKey = tuple[int, int, int]


def text_sub(number: str) -> int:
    """A number's place among others as text sorts them; twin of `kernels.sorting.number_sub`."""
    code = 0
    for digit in number.ljust(MAX_DIGITS, "/"):
        code = code * 11 + (ord(digit) - ord("/"))
    return code


class EncodedSupply(NamedTuple):
    """One existing supply on its way into the columns; they sort by item and key, which no two share."""

    item: int
    key: str
    day: int
    quantity: int
    reserved: int = -1
    traced: int = 0
    on_hand: int = 0
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Numbering:
    """How items, roots and known consumers are numbered; `prefixes` are what the keys of an item's orders begin with.

    `by_date` says that orders belong to days, except those of items kept apart.
    """

    items: dict[str, int]
    prefixes: dict[str, int]
    roots: dict[str, int]
    fixed: Sequence[str]
    by_date: bool
    most_roots: int

    def planned_key(self, key: str) -> PlannedKey | None:
        """(item, root, number) of a planned order key this run may use, else None."""
        base, _, number = key.rpartition("|")
        head, bar, owner = base.partition("|")
        item, root = self.prefixes.get(head + bar), self.roots.get(owner)
        if item is None or root is None or len(number) > MAX_DIGITS:
            return None
        return (item, root, int(number)) if number.isascii() and number.isdecimal() and number[0] != "0" else None

    def codes(self, keys: dict[str, PlannedKey | None], highest: int) -> dict[str, int]:
        """Planned order keys as the numbers the compiled planner knows them by."""
        return {
            text: (key[0] * self.most_roots + key[1]) * highest + key[2]
            for text, key in keys.items()
            if key is not None
        }


def claim_rows(
    prepared: Prepared, earlier: list[Peg], numbering: Numbering, supplies: list[EncodedSupply]
) -> tuple[list[Ints], list[int], int]:
    """Earlier pegs by item, the supplies they are on, and one more than their consumers' highest order number."""
    if not earlier:
        return unzip([], 8), [], 1
    by_key = _supplies_by_key(supplies)
    fixed = {key: -1 - n for n, key in enumerate(numbering.fixed)}
    consumers = {key: numbering.planned_key(key) for key in {peg.consumer for peg in earlier} - fixed.keys()}
    makers = {peg.supply: numbering.planned_key(peg.supply) for peg in earlier}
    highest = 1 + max((key[2] for key in (*consumers.values(), *makers.values()) if key is not None), default=0)
    codes, made_codes = numbering.codes(consumers, highest) | fixed, numbering.codes(makers, highest)
    rows: list[tuple[int, ...]] = []
    targets: list[int] = []
    for peg in earlier:
        item, consumer = numbering.items.get(peg.item), codes.get(peg.consumer)
        if item is None or consumer is None:
            continue
        if not 0 < peg.quantity <= LIMIT:
            raise NotCovered("an earlier peg of an absurd quantity")
        found = by_key.get((item, peg.supply), ())
        maker, owner = makers[peg.supply], -1
        made = made_codes[peg.supply] if maker is not None and maker[0] != item else -1
        unmade = peg.kind == "planned" and not found and peg.supply not in prepared.documents
        if unmade and made < 0:
            owner = _claimed_owner(prepared, numbering, item, peg)
            if owner < 0:
                continue
        first, stays = len(targets), int(unmade or peg.kind == "on_hand")
        targets.extend(found)
        rows.append((item, consumer, peg.quantity, owner, stays, first, len(targets), made))
    rows.sort(key=lambda row: row[:2])
    return unzip(rows, 8), targets, highest


def _supplies_by_key(supplies: list[EncodedSupply]) -> dict[tuple[int, str], list[int]]:
    by_key: dict[tuple[int, str], list[int]] = {}
    for n in sorted(range(len(supplies)), key=lambda n: (supplies[n].day, supplies[n].key)):
        supply = supplies[n]
        by_key.setdefault((supply.item, supply.key), []).append(n)
        if supply.origin is not None and supply.origin != supply.key:
            by_key.setdefault((supply.item, supply.origin), []).append(n)
    return by_key


def _claimed_owner(prepared: Prepared, numbering: Numbering, item: int, peg: Peg) -> int:
    """The root a planned order was for, where the key is one of this item's, else -1."""
    base, _, number = peg.supply.rpartition("|")
    head, bar, owner = base.partition("|")
    if numbering.prefixes.get(head + bar) != item or not bar or not number.isdecimal():
        return -1
    if owner == "":
        raise NotCovered("a root without a name, or named like stocking")
    if numbering.by_date and not prepared.admitted.items[peg.item].kept_apart and not is_day(owner):
        raise NotCovered("an earlier order that was not planned by need date")
    return numbering.roots[owner]


def claimed_owners(earlier: Collection[Peg]) -> set[str]:
    """Whom the planned orders were for that something was pegged to."""
    owners = {
        peg.supply.rpartition("|")[0].partition("|")[2] for peg in earlier if peg.kind in {"planned", "by_product"}
    }
    return owners - {""}


def is_day(owner: str) -> bool:
    """Whether an owner of planned orders is a day, as orders by need date have it."""
    try:
        return date.fromisoformat(owner).isoformat() == owner
    except ValueError:
        return False
