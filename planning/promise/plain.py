"""Capable-to-promise in plain Python: says exactly how a promise is found; the compiled one is held equal to it.

A promise is a day on which the plan itself would have it: an order due on that day, netted, sized and offset by the
rules of `planning.mrp`, in which no order starts before today, no part comes later than it is needed, and all work
fits into free time.

1. *Back.* From the day asked for, the product and its components are netted level by level against what is free:
   stock, receipts, substitutes, what planned lots have over; the rest is ordered by lot size, one order an item, due
   when its first need is, and starts a lead time of working days before, today at the earliest.
2. *Forward.* A part is there when the last of its supplies is; an order starts when the last of its parts is there and
   is done a lead time later, at the earliest after the item's frozen days. If that gives a later day for the product,
   step 1 begins again from there. Safety times are kept.
3. *Work.* Each order's steps are laid backwards from the day before it is due into time nobody has taken, within its
   lead time. Where the lead time is too short even for empty work centres, on that day and the two months after, they
   may reach back to the day its parts can be there. Where there is no room, all orders are thought later together, by
   as many days as the step needs that waits longest until its work centre has so much free time in all, again and again
   until there is room for all; and everything begins again with the product so much later.
4. What is found is taken: supplies, what lots have over, and time; what its own lots have over is there for others.

Beside what is here a plan gives by-products to needs; a promise does not count on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.promise.asking import Found, Link, answer
from planning.promise.attempt import Attempt
from planning.promise.tables import HORIZON, MOST_TRIES

if TYPE_CHECKING:
    from planning.promise.asking import Asked, Promise
    from planning.promise.opening import Opening


class PlainBook:
    """Promises one order after the other; each takes what it is given, so that no later one can have it."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening

    def promise(self, asked: Asked) -> Promise:
        """The first day found for it, which is taken; the item must be one of the snapshot's."""
        return answer(asked, self._found(asked), self.opening.prepared.snapshot.as_of)

    def _found(self, asked: Asked) -> Found:
        day, chain = max(asked.wanted.toordinal() - self.opening.today, 0), tuple[Link, ...]()
        for _ in range(MOST_TRIES):
            if day > HORIZON:
                break
            attempt = Attempt(self.opening, asked)
            attempt.net(day)
            if attempt.missing:
                attempt.give_back()
                return Found(None, missing=tuple(sorted(attempt.missing)))
            later = attempt.forward()
            wait, held_up = attempt.room_after(day) if later <= day else (0, None)
            if later <= day and not wait:
                attempt.leave_over()
                return Found(day, attempt.parts(), chain, slots=attempt.slots())
            chain = attempt.chain() if held_up is None else attempt.way_to(held_up)
            attempt.give_back()
            day = later if held_up is None else day + wait
        return Found(None, chain=chain)
