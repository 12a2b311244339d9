"""One attempt at a promise: what an order due on a day would take, whether its parts and its work come in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from planning.columns import LIMIT
from planning.lot_sizing import MAX_LOTS
from planning.promise.asking import Link, Slot
from planning.promise.opening import Free, Over
from planning.promise.tables import BEYOND, ENDLESS, HORIZON, MOST_TRIES, SOON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canonical.plan import PlanItem, PlanSubstitute
    from planning.load import Step
    from planning.promise.asking import Asked, LinkKind
    from planning.promise.opening import Opening

    Room = Mapping[str, Sequence[int]]


@dataclass(slots=True)
class Need:
    """What one order, or the customer (`parent` None), needs of an item; `last` is the supply that comes last."""

    item: str
    parent: str | None
    day: int
    quantity: int
    open: int
    there: int = 0
    last: tuple[str, Free | Over] | None = None
    own: bool = False
    """Whether a new order serves it."""


@dataclass(slots=True)
class Group:
    """The new order of one item; `ready` is the earliest day it can be there, as its parts are on `startable`."""

    due: int
    need: Need
    total: int = 0
    sized: int = 0
    start: int = 0
    lots: tuple[int, ...] = ()
    draws: list[Need] = field(default_factory=list)
    startable: int = 0
    ready: int = 0
    decides: Need | None = None


class Take(NamedTuple):
    """What a need takes: `quantity` of a supply covers `covered` of it."""

    item: str
    source: Free | Over
    quantity: int
    need: Need
    covered: int


class Misfit(NamedTuple):
    """A step of an order that finds no room between two days; `slides` says that the first moves with the last."""

    item: str
    centre: str
    time: int
    first: int
    last: int
    slides: bool


class Attempt:
    """Takes from the opening while it goes; `give_back` undoes that."""

    def __init__(self, opening: Opening, asked: Asked) -> None:
        self.opening = opening
        self.asked = asked
        admitted = opening.prepared.admitted
        self.items, self.rules = admitted.items, admitted.rules
        self.policies = opening.prepared.snapshot.policies
        self.codes = opening.below(asked.item)
        self.needs: dict[str, list[Need]] = {}
        self.groups: dict[str, Group] = {}
        self.taken: list[Take] = []
        self.booked: list[tuple[str, str, int, int]] = []
        self.missing: set[str] = set()

    # -- back ------------------------------------------------------------------------------------------------------

    def net(self, day: int) -> None:
        """Take and order what an order due on this day needs."""
        self._need(self.asked.item, None, day, self.asked.quantity)
        for code in self.codes:
            needs = sorted(self.needs.get(code, ()), key=lambda need: need.day)
            if needs and self._is_phantom(code):
                self.groups[code] = Group(needs[0].day, needs[0], self.asked.quantity, self.asked.quantity)
                needs[0].own = True
                self._draw(code, self.groups[code])
            elif needs:
                self._serve(self.items[code], needs)

    def _is_phantom(self, code: str) -> bool:
        return self.items[code].sourcing == "phantom" and code not in self.opening.prepared.blocked

    def _need(self, code: str, parent: str | None, day: int, quantity: int) -> Need:
        safety = 0 if self._is_phantom(code) else self.items[code].safety_time_days
        need = Need(code, parent, max(day - safety, 0), quantity, quantity)
        self.needs.setdefault(code, []).append(need)
        return need

    def _serve(self, item: PlanItem, needs: list[Need]) -> None:
        self._substitute(item, needs, before_own=True)
        for need in needs:
            self._take_free(item, need)
        self._substitute(item, needs, before_own=False)
        if item.code in self.opening.prepared.blocked:
            self.missing |= {item.code} if any(need.open for need in needs) else set()
            return
        for need in needs:
            if need.open:
                self._order(item, need)
        if item.code in self.groups:
            self._size(item, self.groups[item.code])
            self._draw(item.code, self.groups[item.code])

    def _take(self, source: Free | Over, need: Need, quantity: int, covered: int, item: str = "") -> None:
        if covered <= 0:
            return
        source.quantity -= quantity
        need.open -= covered
        there = source.there if isinstance(source, Over) else source.day
        if there > need.there:
            need.there, need.last = there, (item or need.item, source)
        self.taken.append(Take(item or need.item, source, quantity, need, covered))

    def _take_free(self, item: PlanItem, need: Need) -> None:
        supplies = self.opening.supplies.get(item.code, ())
        for free in supplies:
            if free.day <= need.day:
                quantity = min(need.open, free.quantity)
                self._take(free, need, quantity, quantity)
        if self.policies.late_receipts == "never":
            return
        until = max(need.day, self.opening.end(item, 0), self.opening.frozen(item))
        for free in sorted(supplies, key=lambda one: (one.day, one.key)):
            if need.day < free.day <= until:
                quantity = min(need.open, free.quantity)
                self._take(free, need, quantity, quantity)

    def _substitute(self, item: PlanItem, needs: list[Need], *, before_own: bool) -> None:
        rows = [row for row in self.rules.substitutes.get(item.code, ()) if row.before_own == before_own]
        for need in needs if not item.kept_apart else ():
            for row in rows:
                if self._allows(row, need):
                    self._stand_in(row, need)

    def _stand_in(self, row: PlanSubstitute, need: Need) -> None:
        for free in self.opening.supplies.get(row.substitute, ()):
            covered = min(need.open, free.quantity * row.denominator // row.numerator)
            if free.day <= need.day and covered > 0:
                self._take(free, need, -(-covered * row.numerator // row.denominator), covered, row.substitute)

    def _allows(self, row: PlanSubstitute, need: Need) -> bool:
        first, until = row.effective_from, row.effective_until
        day = self._date(need.day)
        parent = None if need.parent is None or self._is_phantom(need.parent) else need.parent
        return (
            (row.parent is None or row.parent == parent)
            and (row.product is None or row.product == self.asked.item)
            and (row.customer is None or row.customer == self.asked.customer)
            and (first is None or first <= day)
            and (until is None or day < until)
        )

    def _order(self, item: PlanItem, need: Need) -> None:
        """From what the own lot has over, then from others', the latest in time first, then from a larger own lot."""
        group = self.groups.get(item.code)
        if group is not None:
            self._give(group, need, min(need.open, group.sized - group.total))
        for lot in self.opening.over.get(item.code, ()):
            if lot.due <= need.day:
                quantity = min(need.open, lot.quantity)
                self._take(lot, need, quantity, quantity)
        if need.open:
            group = self.groups.setdefault(item.code, Group(need.day, need))
            self._give(group, need, need.open)
            group.sized = self.rules.sizing_of(item).total(group.total, self.opening.today + group.due)

    def _give(self, group: Group, need: Need, quantity: int) -> None:
        group.total += quantity
        need.open -= quantity
        need.own = need.own or quantity > 0

    def _size(self, item: PlanItem, group: Group) -> None:
        sizing, due = self.rules.sizing_of(item), self.opening.today + group.due
        lots = [] if group.sized > LIMIT else sizing.lots(group.sized, due)
        if not lots or group.sized > MAX_LOTS * lots[0] or sizing.started(lots[0], due) > LIMIT:
            self.missing.add(item.code)
            return
        group.lots = tuple(sizing.started(lot, due) if sizing.rates else lot for lot in lots)
        group.start = max(self.opening.start(item, max(group.due, self.opening.frozen(item))), 0)

    def _draw(self, code: str, group: Group) -> None:
        if self._is_phantom(code):
            group.lots, group.start = (group.total,), group.due
        if self.items[code].sourcing == "buy" or code in self.missing:
            return
        on = self.opening.today + group.start
        for component, numerator, denominator in self.opening.prepared.explosion.components_on(code, on):
            quantity = sum(-(-lot * numerator // denominator) for lot in group.lots)
            if quantity > LIMIT:
                self.missing.add(component)
            else:
                group.draws.append(self._need(component, code, group.start, quantity))

    # -- forward ---------------------------------------------------------------------------------------------------

    def forward(self) -> int:
        """The day all parts and lead times let the customer have it, by what has been taken and ordered."""
        for code in reversed(self.codes):
            group = self.groups.get(code)
            if group is None:
                continue
            for need in group.draws:
                if self._from(need) > group.startable:
                    group.startable, group.decides = self._from(need), need
            done = group.startable
            if not self._is_phantom(code):
                done = max(self.opening.end(self.items[code], done), self.opening.frozen(self.items[code]))
            group.ready = done
        return self._from(self._top)

    @property
    def _top(self) -> Need:
        return self.needs[self.asked.item][0]

    def _from(self, need: Need) -> int:
        """The first day the need can be on, by when what it has been given is there."""
        there = max(need.there, self.groups[need.item].ready if need.own else 0)
        safety = 0 if self._is_phantom(need.item) else self.items[need.item].safety_time_days
        return min(there + safety, BEYOND) if there else 0

    # -- work ------------------------------------------------------------------------------------------------------

    def room_after(self, day: int) -> tuple[int, Misfit | None]:
        """In how many days all work finds room, were every order that much later, and the last step to hold it up.

        The time is taken where that is today.
        """
        days, held_up = 0, None
        for _ in range(MOST_TRIES):
            misfits = self.lay(days)
            if misfits or days:
                self._unbook()
            if not misfits:
                break
            held_up, wait = self._longest_wait(misfits)
            days += wait
            if day + days > HORIZON:
                break
        return days, held_up

    def lay(self, later: int) -> list[Misfit]:
        """Take the time all orders need so much later; of each order the last step that finds no room."""
        found = []
        for code in self.codes:
            group, steps = self.groups.get(code), self.opening.steps.get(code, ())
            if group is None or not steps:
                continue
            first, last = group.start + later, max(self._due(code) - 1, group.start) + later
            misfit = self._fit(code, steps, self.opening.free, (first, last))
            if misfit is not None and self._is_too_long(code, steps, first, last):
                misfit = self._fit(code, steps, self.opening.free, (min(group.startable, group.start), last))
                misfit = misfit and misfit._replace(slides=False)
            if misfit is not None:
                found.append(misfit)
        return found

    def _is_too_long(self, code: str, steps: Sequence[Step], first: int, last: int) -> bool:
        """Whether a lead time is too short for the work even at empty work centres, on this day and all soon after."""
        latest = min(last + SOON, HORIZON)
        spans = ((first + day - last, day) for day in range(last, latest + 1))
        return all(self._fit(code, steps, self.opening.capacity, span) is not None for span in spans)

    def _fit(self, code: str, steps: Sequence[Step], room: Room, span: tuple[int, int]) -> Misfit | None:
        """Lay an order's steps backwards into room, between two days; they are booked where that is free time."""
        group, slots = self.groups[code], list[tuple[str, str, int, int]]()
        taken: dict[tuple[str, int], int] = {}
        first, day = span
        for step in reversed(steps):
            if step.centre not in room:
                continue
            time, last = min(step.time(group.lots), ENDLESS), day
            left = time
            while left and day >= first:
                most = min(room[step.centre][day] - taken.get((step.centre, day), 0), left)
                if most:
                    slots.append((code, step.centre, day, most))
                    taken[step.centre, day] = taken.get((step.centre, day), 0) + most
                left -= most
                day -= left > 0
            if left:
                return Misfit(code, step.centre, time, first, last, slides=True)
        if room is self.opening.free:
            self._book(slots)
        return None

    def _book(self, slots: list[tuple[str, str, int, int]]) -> None:
        for _, centre, day, time in slots:
            self.opening.free[centre][day] -= time
        self.booked += slots

    def _due(self, code: str) -> int:
        """The day the order of an item is there."""
        return max(self.groups[code].due, self.opening.frozen(self.items[code]))

    def _longest_wait(self, misfits: list[Misfit]) -> tuple[Misfit, int]:
        """The misfit that waits longest, and how many days."""
        waits = [self._wait(misfit) for misfit in misfits]
        return misfits[waits.index(max(waits))], max(waits)

    def _wait(self, misfit: Misfit) -> int:
        """How many days later that step finds room."""
        free = self.opening.free[misfit.centre]
        for days in range(1, HORIZON + 1):
            first, last = misfit.first + days * misfit.slides, misfit.last + days
            if last > HORIZON or sum(free[first : last + 1]) >= misfit.time:
                return days
        return HORIZON + 1

    # -- what came of it -------------------------------------------------------------------------------------------

    def give_back(self) -> None:
        """Undo what was taken."""
        for take in self.taken:
            take.source.quantity += take.quantity
        self._unbook()

    def _unbook(self) -> None:
        for _, centre, day, time in self.booked:
            self.opening.free[centre][day] += time
        self.booked.clear()

    def leave_over(self) -> None:
        """What the new lots have over is there for those who come later."""
        for code, group in self.groups.items():
            over = group.sized - group.total
            if over > 0 and not self.items[code].kept_apart:
                lots = self.opening.over.setdefault(code, [])
                place = sum(lot.due > group.due for lot in lots)
                lots.insert(place, Over("", group.due, self._due(code), over))

    def parts(self) -> tuple[tuple[int, int, bool], ...]:
        """What the customer gets of what exists already: the day, how much, and whether it lies in stock."""
        return tuple(
            (take.source.there, take.covered, False)
            if isinstance(take.source, Over)
            else (take.source.day, take.covered, take.source.kind == "on_hand")
            for take in self.taken
            if take.need.parent is None
        )

    def slots(self) -> tuple[Slot, ...]:
        """The time it takes of work centres."""
        return tuple(Slot(code, centre, self._date(day), time) for code, centre, day, time in self.booked)

    def chain(self) -> tuple[Link, ...]:
        """What decides the day, from the product downwards."""
        need = self._top
        links: list[Link] = []
        while True:
            group = self.groups[need.item] if need.own else None
            if group is None or need.there > group.ready:
                return (*links, *self._supply(need))
            if not self._is_phantom(need.item):
                links.append(self._link("order", need.item, self.opening.fastest_supplier(need.item), group.ready))
            if group.decides is None:
                return tuple(links)
            need = group.decides

    def _supply(self, need: Need) -> tuple[Link, ...]:
        if need.last is None:
            return ()
        item, source = need.last
        if isinstance(source, Over):
            return (self._link("planned", item, source.key, source.there),)
        return (self._link("firm" if source.kind == "firm" else "receipt", item, source.key, source.day),)

    def way_to(self, misfit: Misfit) -> tuple[Link, ...]:
        """The orders from the product to the one that finds no room, and the work centre."""
        links, code = [self._link("work_centre", misfit.item, misfit.centre, misfit.last)], misfit.item
        while True:
            group = self.groups[code]
            if not self._is_phantom(code):
                links.append(self._link("order", code, self.opening.fastest_supplier(code), group.due))
            if group.need.parent is None:
                return tuple(reversed(links))
            code = group.need.parent

    def _link(self, kind: LinkKind, item: str, by: str, day: int) -> Link:
        return Link(kind, item, by, self._date(day))

    def _date(self, day: int) -> date:
        return date.fromordinal(self.opening.today + day)
