"""Configured order lines resolved: frames in, frames out, in which every configured product is an item like any other.

An order line that carries a configuration asks for a *configured item*: its own BOM, its own routing, one code for the
same content. Here that item is put beside the golden ones, the line asks for it, and what other systems say of its
template (they know no other) is told apart by our references. So planning, facts and commands need not know how an item
came about. One configured item has as many serial numbers as pieces of it are ordered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, golden_schema
from canonical.keys import CONFIGURED
from canonical.strict_json import loads
from pipeline.configured_stock import shared_out
from pipeline.open_documents import is_rework, planned_origin
from pipeline.option_models import option_value
from pipeline.planning_settings import SITE_MARK
from pipeline.snapshot import Frames, Row, plan_key, rows
from planning.configuration import NotConfigurable, OptionModel, Template, Value, Violation, configure
from planning.configuration_variants import Variant, VariantOperation, Variants

DOCUMENTS = ("work_order", "purchase_request", "subcontract_order", "transfer_order")
"""Documents of ours that name a configured item by its template."""
FOR_STOCK = {"safety_stock", "lot_minimum", "lot_multiple", "lot_fixed", "lot_maximum", "order_up_to", "sources"}
"""What a template's record says of stock, which does not hold for what is made to order."""
STEP = ("sequence", "work_centre", "name", "setup_minutes", "run_minutes")
Columns = dict[str, list[Any]]
Known = Callable[[Collection[str]], Mapping[str, Variant]]
"""Configured items that were made before, by code."""


@dataclass(frozen=True)
class ConfiguredLine:
    """One order line: the item it asks for, or what is wrong with its configuration."""

    key: str
    template: str
    values: Mapping[str, Value] = field(default_factory=dict)
    item: str | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class Configured:
    """Frames with the configured items in them, and what came of each line; refused lines are not in the frames."""

    frames: Frames
    lines: Mapping[str, ConfiguredLine] = field(default_factory=dict)
    items: Mapping[str, Variant] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    """Configured item → the option model that gave it."""

    @property
    def refused(self) -> tuple[ConfiguredLine, ...]:
        """Lines whose configuration does not stand."""
        return tuple(line for line in self.lines.values() if line.item is None)


class Configurator:
    """The option models of a deployment under golden ids; variants are kept from call to call.

    `models` are by the code of the item they configure.
    """

    def __init__(self, models: Mapping[str, OptionModel]) -> None:
        self.models = models
        self._variants: dict[tuple[str, str], Variants] = {}
        self._codes: dict[str, str] = {}

    def configured(self, frames: Frames, known: Known = lambda _: {}) -> Configured:
        """The frames with every configuration resolved."""
        if not any_configured(frames):
            return Configured(frames)
        self.know(frames)
        lines = {line.key: line for line in self._lines(frames)}
        items, models = self._items(lines.values())
        items |= known(_earlier(frames) - items.keys())
        return Configured(_expanded(frames, lines, items), lines, items, models)

    def know(self, frames: Frames) -> None:
        """Learn the golden ids behind the codes that models name."""
        codes = _golden_ids(frames)
        if codes != self._codes:
            self._codes, self._variants = codes, {}

    def variants(self, item: str) -> Variants | None:
        """The configurable product with this golden id; None where no model configures it."""
        code = next((code for code in self.models if self._codes.get(code, code) == item), None)
        if code is None:
            return None
        model = self.models[code]
        place = item, model.digest
        if place not in self._variants:
            self._variants[place] = Variants(_with_ids(model, self._codes))
        return self._variants[place]

    def _lines(self, frames: Frames) -> Iterator[ConfiguredLine]:
        found = frames["sales_order_line"].filter(pl.col("configuration").is_not_null())
        for key, item, text in found.select("golden_id", "item", "configuration").iter_rows():
            variants = self.variants(item)
            if variants is None:
                wrong = Violation("unknown_option", item, "no option model configures this item")
                yield ConfiguredLine(key, item, violations=(wrong,))
                continue
            try:
                configuration = configure(variants.model, choices(variants.model, text))
                code = variants.build(configuration.values)
            except NotConfigurable as error:
                yield ConfiguredLine(key, item, violations=error.violations)
            else:
                yield ConfiguredLine(key, item, configuration.values, code)

    def _items(self, lines: Iterable[ConfiguredLine]) -> tuple[dict[str, Variant], dict[str, str]]:
        items: dict[str, Variant] = {}
        models: dict[str, str] = {}
        codes: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for line in lines:
            if line.item is not None:
                codes[line.template][line.item] = None
        for template, found in codes.items():
            variants = self.variants(template)
            if variants is not None:
                below = {variant.code: variant for variant in variants.below(*found)}
                items |= below
                models |= dict.fromkeys(below, variants.model.name)
        return items, models


def choices(model: OptionModel, text: str) -> dict[str, Value]:
    """The choices an order line's JSON gives, as the options hold them. Raises NotConfigurable."""
    try:
        given = loads(text)
    except ValueError as error:
        raise NotConfigurable((Violation("not_allowed", model.name, f"no JSON: {error}"),)) from None
    if not isinstance(given, dict):
        raise NotConfigurable((Violation("not_allowed", model.name, "not a JSON object of options and values"),))
    return {name: choice(model, name, value) for name, value in given.items() if value is not None}


def choice(model: OptionModel, name: str, given: object) -> Value:
    """What is given for an option, as the option holds it; what it cannot hold stays text, which no option allows."""
    option = model.options.get(name)
    if option is None:
        return str(given)  # refused by name later
    first = option.domain[0]
    kind = "yes_no" if isinstance(first, bool) else "number" if isinstance(first, Decimal) else "text"
    found = option_value(kind, given)
    return str(given) if found is None else found


def any_configured(frames: Frames, orders: Collection[str] = (), lines: Collection[str] = ()) -> bool:
    """Whether any line carries a configuration; where orders or lines are named, one of them."""
    frame = frames.get("sales_order_line")
    if frame is None or "configuration" not in frame.columns or not frame["configuration"].count():
        return False
    if not orders and not lines:
        return True
    named = pl.col("order").is_in(list(orders)) | pl.col("golden_id").is_in(list(lines))
    return frame.filter(named & pl.col("configuration").is_not_null()).height > 0


def _golden_ids(frames: Frames) -> dict[str, str]:
    """Code → golden id, where they differ, of items and work centres."""
    found: dict[str, str] = {}
    for entity in ("work_centre", "item"):
        frame = frames.get(entity)
        if frame is not None:
            found |= {
                code: golden
                for golden, code in frame.select("golden_id", "code").iter_rows()
                if code not in {None, golden}
            }
    return found


def _with_ids(model: OptionModel, codes: Mapping[str, str]) -> OptionModel:
    def template(one: Template) -> Template:
        lines = tuple(replace(line, item=codes.get(line.item, line.item)) for line in one.lines)
        steps = tuple(
            replace(step, work_centre=codes.get(step.work_centre, step.work_centre)) for step in one.operations
        )
        return replace(one, item=codes.get(one.item, one.item), lines=lines, operations=steps)

    templates = {codes.get(code, code): template(one) for code, one in model.templates.items()}
    return replace(model, item=codes.get(model.item, model.item), templates=templates)


def _earlier(frames: Frames) -> set[str]:
    """Configured items that documents of ours are about."""
    references = (row["our_reference"] for entity in DOCUMENTS for row in rows(frames, entity) if row["our_reference"])
    return {item for reference in references if (item := _item_of(reference)) is not None}


def _item_of(reference: str) -> str | None:
    """The configured item behind our reference for a planned order, wherever it is; None for any other item."""
    template, mark, about = plan_key(reference).partition("|")[0].partition(CONFIGURED)
    return f"{template}{mark}{about.partition(SITE_MARK)[0]}" if mark else None


# -- frames ----------------------------------------------------------------------------------------------------------


def _expanded(frames: Frames, lines: Mapping[str, ConfiguredLine], items: Mapping[str, Variant]) -> Frames:
    refused = [line.key for line in lines.values() if line.item is None]
    asked = {line.key: line.item for line in lines.values() if line.item is not None}
    order_lines = frames["sales_order_line"].filter(~pl.col("golden_id").is_in(refused))
    found: dict[str, pl.DataFrame] = {**frames}
    found["sales_order_line"] = order_lines.with_columns(
        item=pl.col("golden_id").replace_strict(asked, default=pl.col("item"), return_dtype=pl.String())
    )
    for entity in DOCUMENTS:
        if entity in frames:
            found[entity] = _told_apart(frames, entity)
    for entity, more in _item_columns(frames, items).items():
        found[entity] = _with_rows(found.get(entity), entity, more)
    if "stock" in found:
        found["stock"] = shared_out(found, items, asked)
    return found


def _told_apart(frames: Frames, entity: str) -> pl.DataFrame:
    """Our own documents under the item they are about; they name its template. Rework is about what was rejected."""
    frame = frames[entity]
    about = {reference: _item_of(reference) for reference in frame["our_reference"].drop_nulls().unique().to_list()}
    rework = [reference for reference in about if is_rework(reference)]
    if rework:
        work, failed = ({row["golden_id"]: row for row in rows(frames, one)} for one in ("work_order", "inspection"))
        origins = {reference: planned_origin(reference, work, failed) for reference in rework}
        about |= {reference: _item_of(f"|{origin}") if origin else None for reference, origin in origins.items()}
    about = {reference: item for reference, item in about.items() if item is not None}
    if not about:
        return frame
    return frame.with_columns(
        item=pl.col("our_reference").replace_strict(about, default=pl.col("item"), return_dtype=pl.String())
    )


def _with_rows(frame: pl.DataFrame | None, entity: str, more: Columns) -> pl.DataFrame:
    """A frame with more rows of its entity; columns that are left out have the model's default."""
    schema = golden_schema(ENTITIES[entity]) if frame is None else dict(frame.schema)
    defaults, height = _defaults(entity), len(more["golden_id"])
    columns = {
        name: pl.Series(name, more[name], dtype=kind)
        if name in more
        else pl.Series(name, [defaults.get(name)], dtype=kind).new_from_index(0, height)
        for name, kind in schema.items()
    }
    added = pl.DataFrame(columns)
    return added if frame is None else pl.concat([frame, added])


def _defaults(entity: str) -> dict[str, Any]:
    fields = ENTITIES[entity].model_fields
    found: dict[str, Any] = {name: None if one.is_required() else one.default for name, one in fields.items()}
    return found | {"sources": ()}  # no system knows them


def _item_columns(frames: Frames, items: Mapping[str, Variant]) -> dict[str, Columns]:
    """Records of the configured items, by entity."""
    if not items:
        return {}
    steps = [(code, step) for code, variant in items.items() for step in variant.operations]
    routed = list(dict.fromkeys(code for code, _ in steps))
    codes = list(items)
    found: dict[str, Columns] = {
        "item": _items(frames, items),
        "bom": {"golden_id": codes, "code": codes, "item": codes, "in_force": [True] * len(codes)},
        "bom_line": _bom_lines(items),
        "routing": {"golden_id": routed, "code": routed, "item": routed},
        "operation": _operations(steps),
    }
    return {entity: columns for entity, columns in found.items() if columns["golden_id"]}


def _items(frames: Frames, items: Mapping[str, Variant]) -> Columns:
    wanted = {variant.template for variant in items.values()}
    templates = {row["golden_id"]: row for row in rows(frames, "item") if row["golden_id"] in wanted}
    found = [_item(variant, templates.get(variant.template, {})) for variant in items.values()]
    defaults = _defaults("item")
    names = {name for row in (*templates.values(), found[0]) for name in row} - FOR_STOCK
    return {name: [row.get(name, defaults.get(name)) for row in found] for name in names}


def _item(variant: Variant, template: Row) -> dict[str, Any]:
    """The template's record with another code; what is for stock does not hold for what is made to order."""
    sourcing = template.get("sourcing")
    lead = template.get("lead_time_days") if variant.lead_time_days is None else variant.lead_time_days
    return {
        **template,
        "golden_id": variant.code,
        "code": variant.code,
        "specification": variant.description or None,
        "sourcing": sourcing if sourcing in {"phantom", "subcontract"} else "make",
        "lead_time_days": lead,
        "lot_rule": None,
    }


def _bom_lines(items: Mapping[str, Variant]) -> Columns:
    found = [(code, n, line) for code, variant in items.items() for n, line in enumerate(variant.lines, start=1)]
    codes = [code for code, _, _ in found]
    return {
        "golden_id": [f"{code}|{n}" for code, n, _ in found],
        "bom": codes,
        "line": [str(n) for _, n, _ in found],
        "parent": codes,
        "component": [line.item for _, _, line in found],
        "quantity": [line.quantity for _, _, line in found],
        "scrap_rate": [line.scrap_rate for _, _, line in found],
        "operation": [line.operation for _, _, line in found],
    }


def _operations(found: Sequence[tuple[str, VariantOperation]]) -> Columns:
    codes = [code for code, _ in found]
    said = {name: [getattr(step, name) for _, step in found] for name in STEP}
    return {
        "golden_id": [f"{code}|{step.sequence}" for code, step in found],
        "routing": codes,
        "item": codes,
        "outside": [False] * len(codes),
        **said,
    }
