"""The stewards' queue: what waits, what matters most first, narrowed, handed out, and settled many at a time."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from canonical.actors import Role
from console.web.stewards.asked import KINDS, PAGE, Asked, asked, wanted
from console.web.stewards.worklist import title_of, worklist
from console.web.visit import Visit
from pipeline import stewardship
from pipeline.mastering import STEWARDED
from store import people
from store import queue as kept


def show(visit: Visit) -> Response:
    """One page of the queue."""
    given = asked(visit)
    number = max(1, visit.number("page", 1))
    found = worklist(visit, given, PAGE, (number - 1) * PAGE)
    last = max(1, -(-found.total // PAGE))
    if number > last:
        number, found = last, worklist(visit, given, PAGE, (last - 1) * PAGE)
    entities = sorted({*STEWARDED, *told_of(visit), *([given.entity] if given.entity else [])})
    return visit.page(
        "stewards/queue.html", asked=given, found=found, items=found.items, total=found.total,
        first=first(visit, given) if found.total else "", number=number, last=last, kinds=KINDS, entities=entities,
        names=names(visit), able=able(visit), title_of=partial(title_of, visit.words),
    )  # fmt: skip


def first(visit: Visit, given: Asked) -> str:
    """The item that matters most."""
    return stewardship.queue_after(visit.hub, wanted(visit, given), None).following or ""


def told_of(visit: Visit) -> set[str]:
    """Entities of which something waits."""
    with visit.hub.store.read() as tx:
        return kept.entities(tx)


def names(visit: Visit) -> list[str]:
    """Whose items can be asked for: whoever is on the roll."""
    with visit.hub.store.read() as tx:
        return [one.name for one in people.listed(tx)]


def able(visit: Visit) -> list[str]:
    """Who items can be given to: whoever may settle them."""
    with visit.hub.store.read() as tx:
        return [one.name for one in people.listed(tx) if one.may(Role.STEWARD)]
