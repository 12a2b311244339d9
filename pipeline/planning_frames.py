"""The frames that planning, facts and commands look at: what was judged, with forecasts and configurations resolved.

Configured items, once planned, are kept under their code, so that an order under way has its BOM whatever becomes of
the option model; lines whose configuration does not stand wait in quarantine with the constraint they break.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline import demand
from pipeline.configured import Configurator, Configured, ConfiguredLine
from pipeline.hub import Hub
from pipeline.snapshot import Frames, rows
from planning.configuration import Violation, written
from planning.configuration_variants import Variant, VariantLine, VariantOperation
from store import configured_items, golden_codes, quarantine
from store.configured_items import ConfiguredItem
from store.quarantine import Rejection
from store.unit_of_work import Transaction

SERIAL = "serial_number"
FORM = ("SN", 8)
"""Prefix and digits of a serial number."""


@dataclass(frozen=True, slots=True)
class _Kept:
    made_of: object
    configured: Configured


def resolved(hub: Hub, judged: Frames, versions: Mapping[str, str | None]) -> Configured:
    """The judged frames (of these versions) with forecasts in them and every configuration resolved.

    Worked out once for each version.
    """
    forecasts = demand.version(hub)
    made_of = (dict(versions), forecasts)
    kept: _Kept | None = hub.kept.get("configured")
    if kept is None or kept.made_of != made_of:
        frames = judged if forecasts is None else demand.with_forecasts(hub, judged, hub.as_of())
        found = configurator(hub).configured(frames, lambda codes: _earlier(hub, codes))
        kept = hub.kept["configured"] = _Kept(made_of, found)
    return kept.configured


def configurator(hub: Hub) -> Configurator:
    """The option models of the hub's deployment; what they gave is shared for the life of the process."""
    found: Configurator = hub.kept.setdefault("configurator", Configurator(hub.configuration.option_models))
    return found


def _earlier(hub: Hub, codes: Collection[str]) -> dict[str, Variant]:
    if not codes:
        return {}
    with hub.store.read() as tx:
        return {code: of_content(item) for code, item in configured_items.named(tx, codes).items()}


def note(hub: Hub, configured: Configured) -> None:
    """Keep the items, name the serial numbers, and let the lines that do not stand wait in quarantine."""
    if not configured.lines and not hub.kept.get("configured_noted"):
        return
    hub.kept["configured_noted"] = bool(configured.lines)
    payloads = {row["golden_id"]: row for row in _order_lines(hub)} if configured.refused else {}
    waiting = [row for line in configured.refused for row in _rejections(line, payloads.get(line.key))]
    with hub.store.begin() as tx:
        now = hub.now()
        items = (
            _as_kept(item, configured.models[code])
            for code, item in configured.items.items()
            if code in configured.models
        )
        configured_items.keep(tx, items, now)
        golden_codes.allocate(tx, SERIAL, _pieces(configured), FORM, now)
        quarantine.replace(tx, "plan", "golden", "sales_order_line", waiting, now=now)


def serial_numbers(tx: Transaction, line: str) -> list[str]:
    """The serial numbers of an order line, one a piece."""
    found = golden_codes.codes(tx, SERIAL)
    numbered = ((name.rpartition("|"), code) for name, code in found.items())
    return [code for (_, n, code) in sorted((of, int(n), code) for (of, _, n), code in numbered if of == line)]


def _order_lines(hub: Hub) -> Iterable[Mapping[str, Any]]:
    frame = hub.frames.read("judged/sales_order_line")
    return [] if frame is None else frame.filter(pl.col("configuration").is_not_null()).iter_rows(named=True)


def _pieces(configured: Configured) -> list[str]:
    """One name for each whole piece that a line orders."""
    asked = [row for row in rows(configured.frames, "sales_order_line") if row["golden_id"] in configured.lines]
    return [
        f"{row['golden_id']}|{n}"
        for row in asked
        if row["quantity"] == row["quantity"].to_integral_value()
        for n in range(1, int(row["quantity"]) + 1)
    ]


def _rejections(line: ConfiguredLine, payload: Mapping[str, Any] | None) -> list[Rejection]:
    known = (
        {name: payload[name] for name in ("order", "line", "item", "quantity", "configuration")} if payload else None
    )
    return [
        Rejection(line.key, f"configuration: {one.name}", said(one), "configuration", known) for one in line.violations
    ]


def said(violation: Violation, language: str = "en") -> str:
    """A violation in one sentence: why, which choices cannot go together, and what would mend it."""
    parts = [violation.why.get(language) or violation.text]
    if violation.conflict:
        parts.append(" + ".join(f"{name} {written(value)}" for name, value in violation.conflict))
    if violation.remedies:
        parts.append("→ " + " / ".join(f"{name} {written(value)}" for name, value in violation.remedies))
    return "; ".join(parts)


# -- kept items ------------------------------------------------------------------------------------------------------


def _as_kept(item: Variant, model: str) -> ConfiguredItem:
    content = {
        "lines": [[one.item, str(one.quantity), str(one.scrap_rate), one.operation] for one in item.lines],
        "operations": [
            [one.sequence, one.work_centre, str(one.setup_minutes), str(one.run_minutes), one.name]
            for one in item.operations
        ],
        "lead_time_days": item.lead_time_days,
        "choices": {name: str(value) if isinstance(value, Decimal) else value for name, value in item.choices},
    }
    return ConfiguredItem(item.code, item.template, model, content)


def of_content(item: ConfiguredItem) -> Variant:
    """A configured item as it was kept."""
    content = item.content
    lines = (
        VariantLine(code, Decimal(quantity), Decimal(scrap), operation)
        for code, quantity, scrap, operation in content["lines"]
    )
    operations = (
        VariantOperation(sequence, centre, Decimal(setup), Decimal(run), name)
        for sequence, centre, setup, run, name in content["operations"]
    )
    choices = tuple(content["choices"].items())
    return Variant(item.code, item.template, tuple(lines), tuple(operations), content["lead_time_days"], choices)
