"""What sales expect instead of a forecast: who said it, when and why. The newest word about an item and month holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, insert, select

from store import audit
from store.tables import forecast_overrides


@dataclass(frozen=True, slots=True)
class Override:
    """`quantity` stocking units of an item in a month (`2026-11`); None takes an earlier word back."""

    item: str
    month: str
    quantity: Decimal | None
    actor: str
    reason: str
    at: datetime


def say(tx: Connection, word: Override) -> None:
    """Write down what is expected, in the books and in the audit trail."""
    shown = None if word.quantity is None else str(word.quantity)
    row = {"item": word.item, "month": word.month, "quantity": shown, "actor": word.actor, "reason": word.reason}
    tx.execute(insert(forecast_overrides).values(**row, at=word.at))
    action = "forecast override taken back" if word.quantity is None else "forecast overridden"
    detail = {"quantity": shown, "reason": word.reason}
    audit.append(tx, word.at, word.actor, action, f"forecast/{word.item}/{word.month}", detail=detail)


def history(tx: Connection, item: str | None = None) -> list[Override]:
    """Everything that was ever said, in that order."""
    query = select(forecast_overrides).order_by(forecast_overrides.c.position)
    if item is not None:
        query = query.where(forecast_overrides.c.item == item)
    return [
        Override(
            row.item, row.month, None if row.quantity is None else Decimal(row.quantity), row.actor, row.reason, row.at
        )
        for row in tx.execute(query)
    ]


def standing(tx: Connection) -> dict[tuple[str, str], Override]:
    """(Item, month) → the word that holds now."""
    newest = {(row.item, row.month): row for row in history(tx)}
    return {place: row for place, row in newest.items() if row.quantity is not None}
