"""What a rush order costs the others, beside a plan that stands in tables: as `planning.rush`, without planning all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.rush import Rush, rush_rows, there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.coverage.days import Coverage
    from planning.promise.asking import Asked


def rush_beside(coverage: Coverage, asked: Sequence[Asked]) -> Rush:
    """Whom these orders move, by their priorities; raises NotCovered where only planning everything tells.

    `coverage` is that of a plan which owes nothing to the one before.
    """
    rows = rush_rows(asked, coverage.standing.item_of)
    with coverage.standing.changed(rows) as change:
        after = coverage.beside(change)
        days = tuple(there(after.on(change.number[row.key]), row) for row in rows)
        return Rush(days, coverage.moved(change, coverage.base, after))
