"""The stewards' queue: what waits, what matters most first, narrowed, handed out, and settled many at a time."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from console.web.stewards.asked import KINDS, PAGE, asked
from console.web.stewards.worklist import title_of, worklist
from console.web.visit import Visit
from pipeline.mastering import STEWARDED
from store import people


def show(visit: Visit) -> Response:
    """One page of the queue."""
    given = asked(visit)
    found = worklist(visit, given)
    last = max(1, -(-len(found.items) // PAGE))
    number = min(max(1, visit.number("page", 1)), last)
    entities = sorted({*STEWARDED, *(one.entity for one in found.items), *([given.entity] if given.entity else [])})
    return visit.page(
        "stewards/queue.html", asked=given, found=found, items=found.items[(number - 1) * PAGE : number * PAGE],
        number=number, last=last, kinds=KINDS, entities=entities, names=names(visit),
        title_of=partial(title_of, visit.words),
    )  # fmt: skip


def names(visit: Visit) -> list[str]:
    """Who items can be given to."""
    with visit.hub.store.read() as tx:
        return [one.name for one in people.listed(tx)]
