"""Configured items as they were first made: a code keeps its BOM and routing when the option model moves on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from store.statements import select_in
from store.tables import configured_items


@dataclass(frozen=True, slots=True)
class ConfiguredItem:
    """One item: the template it comes from, the model that gave it, and its content as JSON values."""

    code: str
    template: str
    model: str
    content: Any


def keep(tx: Connection, items: Iterable[ConfiguredItem], now: datetime) -> int:
    """Write down those that are not known yet; returns how many."""
    given = {item.code: item for item in items}
    known = {row.code for row in select_in(tx, select(configured_items.c.code), configured_items.c.code, [*given])}
    rows = [
        {"code": one.code, "template": one.template, "model": one.model, "content": one.content, "made_at": now}
        for one in given.values()
        if one.code not in known
    ]
    if rows:
        tx.execute(insert(configured_items), rows)
    return len(rows)


def named(tx: Connection, codes: Collection[str]) -> dict[str, ConfiguredItem]:
    """The items with these codes; codes nobody made are not there."""
    rows = select_in(tx, select(configured_items), configured_items.c.code, sorted(codes))
    return {row.code: ConfiguredItem(row.code, row.template, row.model, row.content) for row in rows}
