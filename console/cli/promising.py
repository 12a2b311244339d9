"""`millstream plan promise|promise-order|promises|release|impact`: when a customer can have it, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.actors import Role
from console.cli import planner
from console.cli.failures import NotAllowed, NotKnown
from console.cli.planner import _day, _item, _row, _scaled, _table, _value
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.hub import Hub
    from pipeline.plan_desk import Desk
    from pipeline.promises import Wanted
    from planning.promise.asking import Promise

Caller = Annotated[Terminal, Parameter(parse=False)]
MILLISECONDS = 60_000


def promise(
    item: str,
    quantity: str,
    wanted: str,
    /,
    *,
    key: Annotated[str | None, Parameter(name="--for")] = None,
    accept: bool = False,
    days: int | None = None,
    terminal: Caller,
) -> Exit:
    """Say when a customer can have it, by material and capacity; nobody else's order moves.

    Parameters
    ----------
    item
        The item's golden id or code.
    quantity
        How many stocking units.
    wanted
        The day it is wanted, as 2026-11-30.
    key
        The sales order line it is for, such as SO-26-00138|2; it may be one that is still to come.
    accept
        Promise it: hold its supply and its time at the work centres, so that no later promise takes them.
    days
        How long an accepted promise holds them; for good where it is not given.
    """
    from pipeline.promises import Wanted
    from planning.feasible import earliest_free
    from planning.promise.asking import Asked

    with planner.hub_and_desk(terminal) as (hub, desk):
        code = _item(terminal, desk, item)
        asked = Asked(code, _scaled(terminal, desk, code, quantity), _day(terminal, wanted), priority=ROUTINE)
        (answer,) = _answers(terminal, hub, desk, [Wanted(asked, key)], accept=accept, days=days, together=False)
        free = earliest_free(desk.now, desk.picture, code)
    answer["available_to_promise"] = [{"day": day, "quantity": _value("quantity", left)} for day, left in free.items()]
    terminal.answer(answer, lambda: _draw(terminal, [answer]))
    return Exit.OK if answer["kept"] else Exit.FINDINGS


ROUTINE = 1
"""Priority of what is promised: as that of an order that is not urgent."""


def promise_order(
    order: str,
    /,
    *,
    together: bool = False,
    accept: bool = False,
    days: int | None = None,
    terminal: Caller,
) -> Exit:
    """Say when each open line of a sales order can be there, and the whole of it.

    Parameters
    ----------
    order
        The sales order's golden id.
    together
        One day for all lines, for an order that ships complete.
    accept
        Promise every line.
    days
        How long accepted promises hold what they need; for good where it is not given.
    """
    from pipeline.promises import Wanted
    from planning.promise.asking import Asked

    with planner.hub_and_desk(terminal) as (hub, desk):
        lines = [row for row in desk.picture.demands if row.key.rpartition("|")[0] == order]
        if not lines:
            raise NotKnown(terminal.say("plan.no_key", key=order), hint=terminal.say("plan.no_order.hint"))
        wanted = [
            Wanted(Asked(row.item, row.quantity, row.due, row.customer, row.priority), row.key)
            for row in sorted(lines, key=lambda row: (row.due, row.key))
        ]
        answers = _answers(terminal, hub, desk, wanted, accept=accept, days=days, together=together)
    dates = [answer["promised"] for answer in answers]
    whole = None if None in dates else max(dates)
    terminal.answer(
        {"order": order, "promised": whole, "lines": answers}, lambda: _draw(terminal, answers, whole=whole)
    )
    return Exit.OK if all(answer["kept"] for answer in answers) else Exit.FINDINGS


def _may_promise(terminal: Terminal) -> None:
    """Anybody may ask; to promise is an approver's."""
    if not terminal.person.role.may(Role.APPROVER):
        raise NotAllowed(terminal.say("plan.accept_role"), hint=terminal.say("plan.accept_role.hint"))


def _answers(
    terminal: Terminal,
    hub: Hub,
    desk: Desk,
    wanted: Sequence[Wanted],
    *,
    accept: bool,
    days: int | None,
    together: bool,
) -> list[dict[str, Any]]:
    """What is said about each line; accepted one after the other, where that is asked for."""
    from pipeline import promises
    from pipeline.plan_desk import desk as new_desk

    if accept:
        _may_promise(terminal)
    found = promises.promise_all(desk, wanted, together=together)
    answers = [_answer(desk, one, line.key) for one, line in zip(found, wanted, strict=True)]
    for answer, one, line in zip(answers, found, wanted, strict=True) if accept else ():
        asked = replace(line.asked, wanted=one.promised) if together and one.promised else line.asked
        accepted = promises.accept(hub, desk, promises.Wanted(asked, line.key), terminal.person, days)
        answer |= {"key": accepted.key, "promised": accepted.promised, "accepted": True}
        answer["kept"] = accepted.promised <= line.asked.wanted
        desk = new_desk(hub, hub.as_of())
    return answers


def _answer(desk: Desk, one: Promise, key: str | None) -> dict[str, Any]:
    names = desk.names
    row = {name: value for name, value in _row(one).items() if name not in {"deliveries", "chain", "slots"}}
    return {
        "key": key,
        **row,
        "name": names.get(one.item, ""),
        "kept": one.kept,
        "in_time": _value("quantity", one.in_time),
        "accepted": False,
        "deliveries": [{"day": day, "quantity": _value("quantity", part)} for day, part in one.deliveries],
        "chain": [{**asdict(link), "name": names.get(link.item, "")} for link in one.chain],
        "work": [
            {"item": slot.item, "work_centre": slot.work_centre, "day": slot.day, "minutes": slot.time // MILLISECONDS}
            for slot in one.slots
        ],
    }


def _draw(terminal: Terminal, answers: Sequence[dict[str, Any]], whole: object = None) -> None:
    for row in answers:
        if row["promised"] is None and row["missing"]:
            terminal.line("plan.never", missing=", ".join(row["missing"]))
        elif row["promised"] is None:
            terminal.line("plan.never_in_time")
        else:
            terminal.line("plan.promised" if row["kept"] else "plan.promised_late", day=row["promised"])
        _table(terminal, [row], ("name", "quantity", "wanted", "in_time", "from_stock", "from_receipts", "to_make"))
        for link in row["chain"]:
            what = link["name"] or link["item"]
            kind = "anew" if link["kind"] == "order" and not link["by"] else link["kind"]
            terminal.line(f"plan.link.{kind}", item=what, by=link["by"] or "-", day=link["day"])
        if row["accepted"]:
            terminal.line("plan.accepted", key=row["key"], day=row["promised"])
        terminal.line()
    if whole is not None:
        terminal.line("plan.promised_whole", day=whole)


def promises(*, ended: bool = False, terminal: Caller) -> Exit:
    """List what is promised, and whether the plan still has it on the day promised.

    Parameters
    ----------
    ended
        Those that were released, that ran out or are done as well.
    """
    from pipeline import promises as promised
    from store import promises as kept

    with planner.hub_and_desk(terminal) as (hub, desk):
        planned = {one.promise.key: one for one in promised.beside_the_plan(hub, desk)}
        with hub.store.read() as tx:
            found = kept.listed(tx, ended=ended)
    rows = []
    for one in found:
        beside = planned.get(one.key) if one.state == "open" else None
        rows.append(
            {
                **promised.said(one),
                "quantity": _value("quantity", one.quantity),
                "planned": beside.planned if beside else None,
                "broken": beside.broken if beside else False,
            }
        )

    def draw() -> None:
        said = [
            {**row, "over": terminal.say("plan.broken") if row["broken"] else "", "state": terminal.term(row["state"])}
            for row in rows
        ]
        columns = ("key", "item", "quantity", "wanted", "promised", "planned", "state", "expires_at", "over")
        _table(terminal, said, columns)

    terminal.answer(rows, draw)
    return Exit.FINDINGS if any(row["broken"] for row in rows) else Exit.OK


def release(key: str, /, *, note: str | None = None, terminal: Caller) -> Exit:
    """Give a promise up: what it holds is free again from the next plan on.

    Parameters
    ----------
    key
        What it is promised for, as `millstream plan promises` shows it.
    note
        Why.
    """
    from pipeline import promises as promised

    with planner.hub_and_desk(terminal) as (hub, _):
        found = promised.release(hub, key, terminal.person, note)
    if found is None:
        raise NotKnown(terminal.say("plan.no_promise", key=key), hint="millstream plan promises")
    terminal.answer(promised.said(found), lambda: terminal.line("plan.released", key=key))
    return Exit.OK


def impact(item: str, quantity: str, wanted: str, /, *, terminal: Caller) -> Exit:
    """Show whom a rush order would hurt if it went first: which orders move, and by how many days.

    Parameters
    ----------
    item
        The item's golden id or code.
    quantity
        How many stocking units.
    wanted
        The day it is wanted, as 2026-11-30.
    """
    from planning.promise.asking import Asked

    with planner.hub_and_desk(terminal) as (_, desk):
        code = _item(terminal, desk, item)
        asked = Asked(code, _scaled(terminal, desk, code, quantity), _day(terminal, wanted), priority=-1)
        found = desk.rush([asked])
        rows = [{**_row(row), "days": row.days, "order": row.root} for row in found.moved]
    own = {"item": asked.item, "wanted": asked.wanted, "rushed": found.days[0]}

    def draw() -> None:
        if own["rushed"] is None:
            terminal.line("plan.rush.never")
        else:
            terminal.line("plan.rush.day", day=own["rushed"])
        if not rows:
            terminal.line("plan.nobody_moves")
            return
        terminal.line(
            "plan.rush.moves", count=len(rows), late=sum(row["days"] is None or row["days"] > 0 for row in rows)
        )
        said = [{**row, "standing": row["before"], "rushed": row["after"]} for row in rows]
        _table(terminal, said, ("key", "item", "due", "standing", "rushed", "days"))

    terminal.answer({"order": own, "moved": rows}, draw)
    return Exit.FINDINGS if rows else Exit.OK
