"""`millstream plan run|diff|explain|peg|kit|…`: what a planner asks of the plan that stands, and what if."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.explaining_items import draw_orders, draw_rules, item_rules
from console.cli.failures import NotKnown
from console.cli.plan_keys import kit_of, plan_key
from console.cli.state import hub_of
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.hub import Hub
    from pipeline.plan_desk import Desk
    from planning.pegging import TraceLine

Caller = Annotated[Terminal, Parameter(parse=False)]
Row = Mapping[str, Any]
CAUSES = 3
"""Orders named beside a load, the longest first."""
QUANTITIES = frozenset(
    {
        "started", "good", "pegged", "minimum", "multiple", "maximum", "fixed", "order_up_to",
        "quantity", "surplus", "scrap", "balance", "from_stock", "from_receipts", "to_make", "required", "on_hand",
        "short", "in_time",
    }
)  # fmt: skip
NUMBERS = QUANTITIES | {
    "days", "needed", "available", "statistical", "told", "override", "wape", "mase", "demand", "feasible", "extra",
}  # fmt: skip


@contextmanager
def hub_and_desk(terminal: Terminal) -> Iterator[tuple[Hub, Desk]]:
    """A hub that has planned, and its planner's desk."""
    from pipeline.plan_desk import desk

    with hub_of(terminal) as hub:
        yield hub, desk(hub, hub.as_of())


@contextmanager
def _desk(terminal: Terminal) -> Iterator[Desk]:
    with hub_and_desk(terminal) as (_, desk):
        yield desk


def run(*, fresh: bool = False, terminal: Caller) -> Exit:
    """Plan the records as they are, beside the plan that stands; nothing is kept or sent.

    Parameters
    ----------
    fresh
        Keep no peg of the plan that stands.
    """
    from planning.answers import figures

    with _desk(terminal) as desk:
        now, picture = desk.fresh if fresh else (desk.now, desk.picture)
        was, will = asdict(figures(desk.standing, desk.picture)), asdict(figures(now, picture))
        problems = [_row(row) for row in now.problems]
    rows = [{"figure": name, "standing": was[name], "now": will[name]} for name in was]

    def draw() -> None:
        said = [{**row, "figure": terminal.say(f"plan.figure.{row['figure']}")} for row in rows]
        _table(terminal, said, ("figure", "standing", "now"))
        if problems:
            terminal.line()
            terminal.heading("plan.problems")
            _table(
                terminal,
                [{**row, "kind": terminal.term(row["kind"])} for row in problems],
                ("kind", "item", "key", "detail"),
            )

    terminal.answer({"standing": was, "now": will, "problems": problems}, draw)
    return Exit.FINDINGS if problems else Exit.OK


def diff(*, fresh: bool = False, terminal: Caller) -> Exit:
    """List the planned orders that planning now would add, drop or change.

    Parameters
    ----------
    fresh
        Keep no peg of the plan that stands.
    """
    from planning.answers import diff as differences

    with _desk(terminal) as desk:
        found = differences(desk.standing, desk.fresh[0] if fresh else desk.now)
        rows = [
            {
                "change": row.change,
                "key": row.key,
                "item": row.item,
                "name": desk.names.get(row.item, ""),
                "fields": [
                    {
                        "field": name,
                        "before": _value(name, getattr(row.before, name)),
                        "after": _value(name, getattr(row.after, name)),
                    }
                    for name in row.fields
                ],
                "quantity": _value("quantity", (row.after or row.before).quantity),  # type: ignore[union-attr]
            }
            for row in found
        ]
    said = [
        {
            **row,
            "change": terminal.say(f"plan.change.{row['change']}"),
            "difference": "; ".join(
                f"{terminal.term(one['field'], 'field')} {one['before']} → {one['after']}" for one in row["fields"]
            ),
        }
        for row in rows
    ]
    terminal.answer(rows, lambda: _table(terminal, said, ("change", "key", "name", "quantity", "difference")))
    return Exit.OK


def explain(item: str, /, *, terminal: Caller) -> Exit:
    """Show an item's account day by day, the rules that hold for it, and why each of its orders is as it is.

    Parameters
    ----------
    item
        The item's golden id or code.
    """
    from pipeline.plan_reasons import reasons, rule_of
    from planning.answers import account

    with _desk(terminal) as desk:
        code = _item(terminal, desk, item)
        rows = [_row(line) for line in account(desk.standing, desk.picture, code)]
        advice = [_row(row) for row in desk.standing.messages if row.item == code]
        rule = rule_of(desk.picture, desk.planning, code)
        orders = [] if rule is None else [_row(row) for row in reasons(desk.standing, desk.picture, rule)]
        partners = desk.partners
    answer = {"item": code, "rules": rule and item_rules(rule, _row), "orders": orders, "account": rows,
              "messages": advice}  # fmt: skip

    def draw() -> None:
        if rule is not None:
            draw_rules(terminal, rule, partners)
            draw_orders(terminal, orders, partners)
        said = [{**row, "kind": terminal.term(row["kind"], "supply"), "roots": ", ".join(row["roots"])} for row in rows]
        _table(terminal, said, ("day", "kind", "key", "quantity", "balance", "roots"))
        if advice:
            terminal.line()
            terminal.heading("plan.advice")
            _table(
                terminal,
                [{**row, "kind": terminal.term(row["kind"])} for row in advice],
                ("kind", "key", "quantity", "current", "wanted"),
            )

    terminal.answer(answer, draw)
    return Exit.OK


def peg(key: str, /, *, terminal: Caller) -> Exit:
    """Trace an order, supply or demand both ways: what feeds it, and whom it serves.

    Parameters
    ----------
    key
        A planned order, a receipt, a stock or a demand: as the plan, its command or its document is called.
    """
    from planning.pegging import trace_down, trace_up

    with _desk(terminal) as desk:
        plan = desk.standing
        key = plan_key(terminal, plan, key, lambda one: bool(plan.supplies_of(one) or plan.consumers_of(one)))
        down, up = list(trace_down(plan, key)), list(trace_up(plan, key))
        roots = sorted(plan.roots_of(key))
    fed_by, serves = _traced(down), _traced(up)

    def draw() -> None:
        for title, rows, end in (
            ("plan.fed_by", fed_by, "supply"),
            ("plan.serves", serves, "consumer"),
        ):
            if rows:
                terminal.heading(title)
                said = [
                    {**row, "key": "  " * row["depth"] + row[end], "kind": terminal.term(row["kind"], "supply")}
                    for row in rows
                ]
                _table(terminal, said, ("key", "kind", "item", "quantity"))
                terminal.line()
        terminal.line("plan.roots", roots=", ".join(roots))

    terminal.answer({"key": key, "fed_by": fed_by, "serves": serves, "roots": roots}, draw)
    return Exit.OK


def _traced(lines: Iterable[TraceLine]) -> list[dict[str, Any]]:
    return [{"depth": line.depth, **_row(line.peg)} for line in lines]


def kit(order: str, /, *, terminal: Caller) -> Exit:
    """Check an order's kit: what lies in stock for it, what is to come and when, what is short.

    Parameters
    ----------
    order
        A planned or firm order: as the plan, its command or its document is called.
    """
    with _desk(terminal) as desk:
        plan = desk.standing
        lines = kit_of(plan, plan_key(terminal, plan, order, lambda key: bool(kit_of(plan, key))))
        names = desk.names
    rows = [
        {
            "item": line.component,
            "name": names.get(line.component, ""),
            "required": _value("required", line.required),
            "on_hand": _value("on_hand", line.on_hand),
            "short": _value("short", line.short),
            "complete": line.complete,
            "complete_by": line.complete_by,
            "shares": [_row(share) for share in (*line.receipts, *line.planned)],
        }
        for line in lines
    ]
    terminal.answer(
        rows, lambda: _table(terminal, rows, ("item", "name", "required", "on_hand", "short", "complete_by"))
    )
    return Exit.OK if all(not line.short for line in lines) else Exit.FINDINGS


def scenario(file: Path, /, *, fresh: bool = False, terminal: Caller) -> Exit:
    """Plan the scenarios of a file beside the plan as it is, each for itself; nothing is kept.

    Parameters
    ----------
    file
        YAML: scenarios by name, each a list of changes.
    fresh
        Keep no peg of the plan that stands.
    """
    from pipeline.scenario_files import load_scenarios

    with _desk(terminal) as desk:
        found = desk.compare(load_scenarios(file, desk), keep=not fresh)
    rows = [
        {"name": one.name, **asdict(one.figures), "moved": [{**_row(row), "days": row.days} for row in one.moved]}
        for one in found
    ]

    def draw() -> None:
        figures = [name for name in rows[0] if name not in {"name", "moved"}]
        titles = ["", *(row["name"] or terminal.say("plan.base") for row in rows)]
        table = [[terminal.say(f"plan.figure.{name}"), *(row[name] for row in rows)] for name in figures]
        terminal.table(titles, table, right=range(1, len(titles)))

    terminal.answer(rows, draw)
    return Exit.OK


def shortages(*, terminal: Caller) -> Exit:
    """List what will be missing when it is needed, and the orders it hits."""
    from planning.answers import shortages as short

    with _desk(terminal) as desk:
        rows = [{**_row(row), "name": desk.names.get(row.item, "")} for row in short(desk.standing)]
    said = [{**row, "roots": ", ".join(row["roots"])} for row in rows]
    terminal.answer(rows, lambda: _table(terminal, said, ("item", "name", "quantity", "wanted", "expected", "roots")))
    return Exit.FINDINGS if rows else Exit.OK


def purchases(*, days: int | None = None, terminal: Caller) -> Exit:
    """List what to buy, by supplier and the day to order it.

    Parameters
    ----------
    days
        Only what has to be ordered within so many days.
    """
    from planning.answers import purchases as suggested

    with _desk(terminal) as desk:
        until = None if days is None else desk.picture.as_of + timedelta(days)
        rows = [{**_row(row), "name": desk.names.get(row.item, "")} for row in suggested(desk.standing, until)]
    columns = ("supplier", "order_by", "due", "item", "name", "quantity", "key")
    terminal.answer(rows, lambda: _table(terminal, rows, columns))
    return Exit.OK


def load(*, by: Literal["week", "day"] = "week", over: bool = False, terminal: Caller) -> Exit:
    """Show what orders need of each work centre beside what it has, and which orders need it.

    Parameters
    ----------
    by
        The days of a week together, or each day for itself.
    over
        Only where it is too much.
    """
    with _desk(terminal) as desk:
        loads = [row for row in desk.load(by) if row.over or not over]
    rows = [
        {
            **_row(row),
            "over": row.over,
            "orders": [{"key": key, "minutes": _value("needed", minutes)} for key, minutes in row.orders],
        }
        for row in loads
    ]

    def draw() -> None:
        said = [
            {
                **row,
                "over": terminal.say("plan.over") if row["over"] else "",
                "orders": ", ".join(one["key"] for one in row["orders"][:CAUSES]),
            }
            for row in rows
        ]
        _table(terminal, said, ("work_centre", "bucket", "needed", "available", "over", "orders"))

    terminal.answer(rows, draw)
    return Exit.FINDINGS if any(row.over for row in loads) else Exit.OK


def export(folder: Path, /, *, terminal: Caller) -> Exit:
    """Write the plan that stands as Parquet: orders, pegs, shortages, advice, problems, load.

    Parameters
    ----------
    folder
        Where the files go; files of these names there are replaced.
    """
    from pipeline.plan_export import export_plan

    with _desk(terminal) as desk:
        rows = [{"file": str(path), "rows": count} for path, count in export_plan(desk, folder).items()]
    terminal.answer(rows, lambda: _table(terminal, rows, ("file", "rows")))
    return Exit.OK


def _item(terminal: Terminal, desk: Desk, named: str) -> str:
    found = desk.item(named)
    if found is None:
        near = ", ".join(desk.items_like(named))
        hint = terminal.say("trace.similar", near=near) if near else terminal.say("plan.no_item.hint")
        raise NotKnown(terminal.say("plan.no_item", item=named), hint=hint)
    return found


def _scaled(terminal: Terminal, desk: Desk, item: str, quantity: str) -> int:
    """A quantity in scaled stocking units; whole ones of what is counted."""
    from pipeline.snapshot import scaled

    try:
        given = Decimal(quantity)
        found = scaled(given)
    except (ArithmeticError, ValueError):
        found = 0
    if found <= 0:
        raise ConfigurationError(terminal.say("plan.bad_quantity", given=quantity))
    if desk.is_counted(item) and given != given.to_integral_value():
        raise ConfigurationError(terminal.say("plan.not_whole", given=quantity, item=item))
    return found


def _day(terminal: Terminal, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(terminal.say("plan.bad_day", given=text)) from None


def _row(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any row of the planner
    """A row of the planner with quantities in stocking units."""
    assert is_dataclass(value)
    names = [field.name for field in fields(value) if not field.name.startswith("_")]
    return {name: _value(name, getattr(value, name)) for name in names}


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever stands in a row
    if name in QUANTITIES and isinstance(value, int):
        from pipeline.snapshot import unscaled

        return unscaled(value).normalize() + 0
    if isinstance(value, Fraction):
        return round(Decimal(value.numerator) / Decimal(value.denominator), 1)
    return value


def _table(terminal: Terminal, rows: Sequence[Row], columns: Sequence[str]) -> None:
    shown = [[_text(row.get(name)) for name in columns] for row in rows]
    terminal.table(
        [f"col.{name}" for name in columns], shown, right=[n for n, name in enumerate(columns) if name in NUMBERS]
    )


def _text(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value
