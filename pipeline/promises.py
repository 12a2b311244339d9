"""Accepted promises: kept in the store, honoured by every plan, given up when they are released or run out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from canonical.actors import Actor
from canonical.errors import MillstreamError
from canonical.plan import Peg
from pipeline.golden_rows import rows
from planning.mrp import plan as plan_again
from planning.promise.accepting import Held, with_promises
from planning.promise.accepting import accept as accepting
from planning.promise.asking import Asked, Promise, Slot
from planning.promise.opening import opening
from planning.promise.plain import PlainBook
from store import plan_pegs, promises
from store.promises import AcceptedPromise

if TYPE_CHECKING:
    from canonical.plan import Plan, PlanningSnapshot
    from pipeline.golden_rows import Frames
    from pipeline.hub import Hub
    from pipeline.plan_desk import Desk
    from planning.feasible import Moved

NAME = "promise|"


class WouldMove(MillstreamError):
    """Others would be later for it."""


class Overtaken(MillstreamError):
    """Somebody planned or promised meanwhile."""


def held_promises(hub: Hub) -> tuple[Held, ...]:
    """What is promised now."""
    with hub.store.read() as tx:
        found = promises.standing(tx, hub.now())
    return tuple(_held(one) for one in found)


def promises_version(hub: Hub) -> str:
    """Another one whenever a promise was accepted, released or has run out."""
    with hub.store.read() as tx:
        return ",".join(str(one.number) for one in promises.standing(tx, hub.now()))


def honoured(picture: PlanningSnapshot, held: Sequence[Held], frames: Frames) -> PlanningSnapshot:
    """The picture with promises in it; those for lines that are shipped, closed or cancelled hold nothing any more."""
    return with_promises(picture, held, _settled(picture, held, frames)) if held else picture


def _settled(picture: PlanningSnapshot, held: Sequence[Held], frames: Frames) -> set[str]:
    open_lines = {row.key for row in picture.demands}
    asked = {one.key for one in held} - open_lines
    drafts = {row["golden_id"] for row in rows(frames, "sales_order") if row["status"] == "draft"}
    lines = (row for row in rows(frames, "sales_order_line") if row["golden_id"] in asked) if asked else ()
    return {row["golden_id"] for row in lines if row["order"] not in drafts}


def of_orders(held: Iterable[Held], frames: Frames, orders: frozenset[str]) -> bool:
    """Whether one of these sales orders has a promise."""
    keys = {one.key for one in held}
    lines = rows(frames, "sales_order_line") if keys else ()
    return any(row["golden_id"] in keys and row["order"] in orders for row in lines)


def expire(hub: Hub) -> None:
    """End the promises whose time has run out."""
    with hub.store.read() as tx:
        late = len(promises.listed(tx)) > len(promises.standing(tx, hub.now()))
    if late:
        with hub.store.begin() as tx:
            promises.expire(tx, hub.now())


# -- promising -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line that is asked for; `key` is the sales order line it is for, or None."""

    asked: Asked
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """What the desk promises from: the plan of now without the lines that are asked for."""

    plan: Plan
    picture: PlanningSnapshot
    held: tuple[Held, ...]


def counter(desk: Desk, keys: Iterable[str | None] = ()) -> Counter:
    """The plan without the demands of these keys, everybody else's pegs kept."""
    left_out = {key for key in keys if key is not None}
    held = tuple(one for one in desk.held if one.key not in left_out)
    if not left_out & {row.key for row in desk.picture.demands}:
        return Counter(desk.now, desk.picture, held)
    picture = replace(
        desk.picture,
        demands=tuple(row for row in desk.picture.demands if row.key not in left_out),
        prior_pegs=tuple(peg for peg in desk.now.pegs if peg.root not in left_out),
        reservations=tuple(peg for peg in desk.picture.reservations if peg.root not in left_out),
    )
    return Counter(plan_again(picture), picture, held)


def promise_all(desk: Desk, wanted: Sequence[Wanted], *, together: bool = False) -> tuple[Promise, ...]:
    """Each line's day, one after the other; `together` asks for one day for all of them."""
    at = counter(desk, [one.key for one in wanted])
    asked = [one.asked for one in wanted]
    found = _promised(desk, at, asked)
    while together and len({one.promised for one in found}) > 1:
        days = [one.promised for one in found]
        if None in days:
            break
        last = max(day for day in days if day is not None)
        asked = [replace(one, wanted=last) for one in asked]
        found = _promised(desk, at, asked)
    return tuple(replace(one, wanted=each.asked.wanted) for one, each in zip(found, wanted, strict=True))


def _promised(desk: Desk, at: Counter, asked: Iterable[Asked]) -> list[Promise]:
    book = PlainBook(opening(at.plan, at.picture, at.picture.operations, desk.capacity, at.held))
    return [book.promise(one) for one in asked]


def accept(hub: Hub, desk: Desk, wanted: Wanted, actor: Actor, days: int | None = None) -> AcceptedPromise:
    """Promise it and hold what it needs, for `days` where given, in one audited transaction.

    Raises `WouldMove` where others would be later for it, `Overtaken` where somebody planned or promised meanwhile, and
    `MillstreamError` where it can never be there, is promised already, or no day was found that the plan keeps.
    """
    key = wanted.key or _free_name(hub)
    if any(one.key == key for one in desk.held):
        raise MillstreamError(f"{key} is promised already", hint=f"millstream plan release '{key}'")
    at = counter(desk, [wanted.key])
    (promise,) = _promised(desk, at, [wanted.asked])
    if promise.promised is None:
        raise MillstreamError(f"{key} can never be there: nothing covers {', '.join(promise.missing)}")
    found = accepting((at.plan, at.picture), wanted.asked, key, promise)
    if found.held is None and not found.hurt:
        raise MillstreamError(f"{key} cannot be promised: the plan of everything keeps no day for it")
    if found.held is None:
        raise WouldMove(f"{key} would make others later: {_named(found.hurt)}", hint="millstream plan impact")
    held = found.held
    now = hub.now()
    record = AcceptedPromise(
        key, held.item, held.quantity, wanted.asked.wanted, held.promised, held.customer, _content(held),
        expires_at=None if days is None else now + timedelta(days),
    )  # fmt: skip
    with hub.store.begin() as tx:
        last = plan_pegs.last_summary(tx)
        standing = {one.key for one in promises.standing(tx, now)}
        if (last.run_id if last else None) != desk.run_id or standing != {one.key for one in desk.held}:
            raise Overtaken("somebody planned or promised meanwhile", hint="ask again")
        promises.accept(tx, record, actor, now)
        return promises.find(tx, key) or record


def _named(hurt: Sequence[Moved]) -> str:
    return ", ".join(f"{row.key} ({row.days if row.days is not None else '∞'})" for row in hurt[:5])


def _free_name(hub: Hub) -> str:
    with hub.store.read() as tx:
        number = len(promises.listed(tx, ended=True)) + 1
    return f"{NAME}{number}"


# -- what is held, as it is written --------------------------------------------------------------------------------


def _content(held: Held) -> dict[str, Any]:
    pegs = [[peg.supply, peg.kind, peg.consumer, peg.root, peg.item, peg.quantity] for peg in held.pegs]
    slots = [[slot.item, slot.work_centre, slot.day.isoformat(), slot.time] for slot in held.slots]
    return {"priority": held.priority, "pegs": pegs, "slots": slots}


def _held(one: AcceptedPromise) -> Held:
    held: Mapping[str, Any] = one.held
    return Held(
        one.key, one.item, one.quantity, one.promised, one.customer, int(held["priority"]),
        tuple(Peg(*row) for row in held["pegs"]),
        tuple(Slot(item, centre, date.fromisoformat(day), int(time)) for item, centre, day, time in held["slots"]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """An open promise beside the plan that stands: on which day the plan has it, None for never."""

    promise: AcceptedPromise
    planned: date | None

    @property
    def broken(self) -> bool:
        """Whether the plan has it later than promised."""
        return self.planned is None or self.planned > self.promise.promised


def beside_the_plan(hub: Hub, desk: Desk) -> list[Standing]:
    """Every open promise, and whether planning now still keeps it."""
    from planning.feasible import Feasible  # noqa: PLC0415 - only this asks

    feasible = Feasible(desk.now, desk.picture)
    known = {row.key for row in desk.picture.demands}
    with hub.store.read() as tx:
        found = promises.standing(tx, hub.now())
    return [Standing(one, feasible.covered(one.key)) for one in found if one.key in known]


def release(hub: Hub, key: str, actor: Actor, note: str | None = None) -> AcceptedPromise | None:
    """Give a promise up; None where none of this key is open."""
    with hub.store.begin() as tx:
        return promises.end(tx, key, "released", actor, hub.now(), note=note)


def said(one: AcceptedPromise) -> dict[str, Any]:
    """A promise as it is shown: without what it holds, but how much of it."""
    row = {name: value for name, value in asdict(one).items() if name != "held"}
    return {**row, "pegs": len(one.held["pegs"]), "slots": len(one.held["slots"])}
