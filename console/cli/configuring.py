"""`millstream plan configure|configured`: what may be chosen of a product, and what became of a line's choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.failures import NotKnown
from console.cli.planner import _desk, _table
from console.cli.state import hub_of
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.configured import ConfiguredLine
    from planning.configuration import OptionModel, Value, Violation
    from planning.configuration_variants import Variant

Caller = Annotated[Terminal, Parameter(parse=False)]
Row = dict[str, Any]


def configure(model: str, /, *choices: str, terminal: Caller) -> Exit:
    """Choose a product's options: whether the choice stands, and the one BOM and routing it gives.

    Parameters
    ----------
    model
        A model of planning/option_models, or a YAML file. Without choices its options are listed.
    choices
        What is chosen, as option=value.
    """
    from pipeline.option_models import load_option_model, model_file
    from planning.configuration import NotConfigurable
    from planning.configuration import configure as chosen
    from planning.configuration_variants import Variants

    of = load_option_model(*model_file(model, Path()))
    if not choices:
        rows = _options(of)
        terminal.answer(rows, lambda: _table(terminal, rows, ("option", "values", "default", "offered")))
        return Exit.OK
    given = _given(terminal, of, choices)
    try:
        found = chosen(of, given)
        variants = Variants(of)
        code = variants.build(found.values)
    except NotConfigurable as error:
        return _refused(terminal, error.violations)
    items = [_item(one) for one in variants.below(code)]
    answer = {"item": code, "values": dict(found.values), "items": items, "violations": []}
    terminal.answer(answer, lambda: _draw(terminal, found.values, items))
    return Exit.OK


def _options(of: OptionModel) -> list[Row]:
    from planning.configuration import listed, written

    return [
        {
            "option": option.name,
            "values": listed(option.domain),
            "default": "" if option.default is None else written(option.default),
            "offered": ", ".join(sorted(option.reads)),
        }
        for option in of.options.values()
    ]


def _given(terminal: Terminal, of: OptionModel, choices: Iterable[str]) -> dict[str, Value]:
    from pipeline.configured import choice

    found: dict[str, Value] = {}
    for text in choices:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(terminal.say("mdm.attribute.wanted", given=text))
        found[name] = choice(of, name, value)
    return found


def _refused(terminal: Terminal, violations: Iterable[Violation]) -> Exit:
    rows = _violations(terminal, violations)
    terminal.answer({"item": None, "violations": rows}, lambda: _draw_violations(terminal, rows))
    return Exit.FINDINGS


def _violations(terminal: Terminal, violations: Iterable[Violation]) -> list[Row]:
    return [
        {
            "kind": one.kind,
            "name": one.name,
            "text": one.text,
            "why": one.why.get(terminal.words.language) or "",
            "conflict": dict(one.conflict),
            "remedies": [{"option": name, "value": value} for name, value in one.remedies],
        }
        for one in violations
    ]


def _draw_violations(terminal: Terminal, rows: Iterable[Row]) -> None:
    from planning.configuration import written

    for row in rows:
        kind = terminal.term(row["kind"], "violation")
        terminal.text(f"{kind} {row['name']}: {row['why'] or row['text']}", "bold")
        if row["conflict"]:
            said = ", ".join(f"{name} = {written(value)}" for name, value in row["conflict"].items())
            terminal.line("plan.conflict", choices=said)
        if row["remedies"]:
            said = ", ".join(f"{one['option']} = {written(one['value'])}" for one in row["remedies"])
            terminal.line("plan.remedies", choices=said)


def _item(of: Variant) -> Row:
    return {
        "item": of.code,
        "choices": dict(of.choices),
        "lead_time_days": of.lead_time_days,
        "bom": [
            {"item": line.item, "quantity": line.quantity, "scrap_rate": line.scrap_rate, "operation": line.operation}
            for line in of.lines
        ],
        "routing": [
            {
                "sequence": step.sequence,
                "work_centre": step.work_centre,
                "name": step.name,
                "setup_minutes": step.setup_minutes,
                "run_minutes": step.run_minutes,
            }
            for step in of.operations
        ],
    }


def _draw(terminal: Terminal, values: Mapping[str, Value], items: Iterable[Row]) -> None:
    from planning.configuration import written

    rows = [{"option": name, "value": written(value)} for name, value in values.items() if value is not None]
    _table(terminal, rows, ("option", "value"))
    for item in items:
        terminal.line()
        terminal.text(item["item"], "bold")
        _table(terminal, item["bom"], ("item", "quantity", "scrap_rate", "operation"))
        if item["routing"]:
            _table(terminal, item["routing"], ("sequence", "work_centre", "name", "setup_minutes", "run_minutes"))


def configured(line: str, /, *, terminal: Caller) -> Exit:
    """Show what became of an order line's configuration: its item, serial numbers, kit, dates and orders.

    Parameters
    ----------
    line
        The sales order line, as ORDER|LINE.
    """
    from pipeline.plan import configured_lines
    from pipeline.planning_frames import serial_numbers

    with hub_of(terminal) as hub:
        found = configured_lines(hub)
        known = found.lines.get(line)
        with hub.store.read() as tx:
            serials = serial_numbers(tx, line)
    if known is None:
        hint = ", ".join(sorted(found.lines)[:5]) or terminal.say("plan.no_configuration.hint")
        raise NotKnown(terminal.say("plan.no_configuration", line=line), hint=hint)
    if known.item is None:
        return _refused(terminal, known.violations)
    return _planned(terminal, known, found.items[known.item], serials)


def _planned(terminal: Terminal, line: ConfiguredLine, item: Variant, serials: list[str]) -> Exit:
    from pipeline.snapshot import unscaled
    from planning.feasible import Feasible
    from planning.pegging import trace_down

    with _desk(terminal) as desk:
        day = Feasible(desk.standing, desk.picture).covered(line.key)
        feeding = {row.peg.supply for row in trace_down(desk.standing, line.key)}
        orders = [one for one in desk.standing.planned_orders if one.key in feeding]
        made = [one for one in orders if one.item == item.code]
        kit = [row for one in made for row in desk.standing.kit(one.key)]
        names = desk.names
    answer = {
        "line": line.key,
        **_item(item),
        "serial_numbers": serials,
        "ready": day,
        "orders": [
            {
                "key": one.key,
                "item": one.item,
                "quantity": _number(unscaled(one.started)),
                "start": one.start,
                "due": one.due,
            }
            for one in orders
        ],
        "kit": [
            {
                "item": row.component,
                "name": names.get(row.component, ""),
                "required": _number(unscaled(row.required)),
                "on_hand": _number(unscaled(row.on_hand)),
                "short": _number(unscaled(row.short)),
                "complete_by": row.complete_by,
            }
            for row in kit
        ],
    }

    def draw() -> None:
        terminal.line("plan.configured", item=item.code, day=day or "–", choices=item.description)
        if serials:
            terminal.line("plan.serials", serials=", ".join(serials))
        _table(terminal, answer["kit"], ("item", "name", "required", "on_hand", "short", "complete_by"))
        terminal.line()
        _table(terminal, answer["orders"], ("key", "item", "quantity", "start", "due"))

    terminal.answer(answer, draw)
    return Exit.OK


def _number(value: Decimal) -> Decimal:
    return value.normalize() + 0
