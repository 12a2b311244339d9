"""A slow planner of another shape: one unit of supply choice at a time, Fractions, no shared code with the hub.

It plans from scratch (no prior pegs) and knows small sound models only.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import ceil
from typing import Any


def _leaves(code: str, per: Fraction, bom: Any, items: Any) -> list[tuple[str, Fraction]]:
    result = []
    for line in bom:
        if line.parent == code:
            share = per * Fraction(line.numerator, line.denominator) * (1 + Fraction(line.scrap_ppm, 10**6))
            if items[line.component].sourcing == "phantom":
                result += _leaves(line.component, share, bom, items)
            else:
                result.append((line.component, share))
    return result


def _draws(code: str, quantity: int, bom: Any, items: Any) -> dict[str, int]:
    per: dict[str, Fraction] = {}
    for component, share in _leaves(code, Fraction(1), bom, items):
        per[component] = per.get(component, Fraction(0)) + share
    return {component: ceil(quantity * share) for component, share in per.items()}


def _lots(net: int, lot: Any) -> list[int]:
    step = lot.fixed if lot.rule == "fixed" else max(lot.multiple, 1)
    lots: list[int] = []
    while sum(lots) < net:
        size = step
        while size < lot.minimum or (size < net - sum(lots) and not (lot.maximum and size + step > lot.maximum)):
            size += step
        lots.append(size)
    return lots


def _spare(order: dict[str, Any], lot: Any) -> int:
    used = sum(quantity for _, quantity in order["for"])
    return sum(_lots(used, lot)) - used


def oracle(  # noqa: C901, PLR0912, PLR0915 - one story on purpose, of another shape than the planner
    snapshot: Any,
) -> tuple[dict[str, tuple[Any, ...]], dict[tuple[str, str], int]]:
    """Planned orders as key -> (item, quantity, due, release), pegs as (supply, consumer) -> quantity."""
    items = {item.code: item for item in snapshot.items}
    orders: dict[str, tuple[Any, ...]] = {}
    pegs: dict[tuple[str, str], int] = {}
    needs: dict[str, list[dict[str, Any]]] = {code: [] for code in items}
    today = snapshot.as_of

    def need(code: str, urgency: tuple[int, int], day: Any, who: tuple[str | None, str], quantity: int) -> None:
        root, consumer = who
        rank = (*urgency, max(day, today), root or "", consumer)
        needs[code].append({"rank": rank, "day": max(day, today), "root": root, "consumer": consumer, "open": quantity})

    for row in snapshot.demands:
        if items[row.item].sourcing == "phantom":
            for code, quantity in _draws(row.item, row.quantity, snapshot.bom, items).items():
                need(code, (0, row.priority), row.due, (row.root, row.key), quantity)
        else:
            need(row.item, (0, row.priority), row.due, (row.root, row.key), row.quantity)
    tier = 1 if snapshot.policies.safety_stock == "served_last" else -1
    for item in snapshot.items:
        if item.safety_stock and item.sourcing != "phantom":
            need(item.code, (tier, 0), today, (None, f"safety_stock|{item.code}"), item.safety_stock)

    done: set[str] = set()
    while len(done) < len(items):
        code = min(
            c
            for c in items
            if c not in done and all(line.parent in done for line in snapshot.bom if line.component == c)
        )
        done.add(code)
        item = items[code]
        if item.sourcing == "phantom":
            continue
        pool = [[today, 0, row.key, max(row.quantity, 0), None] for row in snapshot.stock if row.item == code]
        pool += [
            [max(row.available, today), 1, row.key, row.quantity, row.reserved_for]
            for row in snapshot.receipts
            if row.item == code
        ]
        wanted = sorted(needs[code], key=lambda n: n["rank"])

        def take(n: dict[str, Any], source: list[Any]) -> None:
            quantity = min(n["open"], source[3])
            if quantity:
                n["open"] -= quantity
                source[3] -= quantity
                pegs[source[2], n["consumer"]] = pegs.get((source[2], n["consumer"]), 0) + quantity

        for n in wanted:
            for source in sorted(pool, key=lambda s: (s[0], s[2])):
                if source[4] is not None and source[4] == n["root"]:
                    take(n, source)
        latest = snapshot.policies.supply_order == "latest_first"
        for n in wanted:
            while n["open"]:
                usable = [s for s in pool if s[3] and s[0] <= n["day"]]
                if not usable:
                    break
                take(n, min(usable, key=lambda s: ((today - s[0]) if latest else (s[0] - today), s[1], s[2])))
        made: dict[str, dict[str, Any]] = {}
        short = [n for n in wanted if n["open"]]
        owners = list(dict.fromkeys(n["root"] for n in short))
        for root in owners:
            for n in [n for n in short if n["root"] == root]:
                key = f"{code}|{root or 'stock'}"

                others = sorted(made, key=lambda k: (made[k]["due"], k), reverse=True)
                for source in [key, *others]:
                    lot = made.get(source)
                    if lot and n["open"] and (source == key or lot["due"] <= n["day"]):
                        quantity = min(_spare(lot, item.lot), n["open"])
                        n["open"] -= quantity
                        if quantity:
                            lot["for"].append((n, quantity))
                            lot["due"] = min(lot["due"], n["day"])
                if n["open"]:
                    lot = made.setdefault(key, {"root": root, "due": n["day"], "for": []})
                    lot["due"] = min(lot["due"], n["day"])
                    lot["for"].append((n, n["open"]))
                    n["open"] = 0
                    if item.lot.rule == "period":
                        for other in short:
                            if lot["due"] <= other["day"] < lot["due"] + timedelta(item.lot.period_days):
                                lot["for"].append((other, other["open"]))
                                other["open"] = 0
        for base, lot in made.items():
            total = sum(quantity for _, quantity in lot["for"])
            units = [
                n
                for n, quantity in sorted(lot["for"], key=lambda s: (s[0]["root"] != lot["root"], s[0]["rank"]))
                for _ in range(quantity)
            ]
            urgency = min(n["rank"][:2] for n, quantity in lot["for"] if quantity)
            for number, quantity in enumerate(_lots(total, item.lot), start=1):
                key, release = f"{base}|{number}", lot["due"] - timedelta(item.lead_time_days)
                orders[key] = (code, quantity, lot["due"], release)
                for n in units[:quantity]:
                    pegs[key, n["consumer"]] = pegs.get((key, n["consumer"]), 0) + 1
                units = units[quantity:]
                if item.sourcing != "buy":
                    for component, drawn in _draws(code, quantity, snapshot.bom, items).items():
                        need(component, urgency, release, (lot["root"], key), drawn)
    return orders, pegs
