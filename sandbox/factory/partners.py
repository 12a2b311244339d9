"""Customers, suppliers and what the suppliers offer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Final, Literal

from sandbox.factory import catalogue
from sandbox.factory.model import Material, Partner, SupplierAgreement

CUSTOMERS: Final = 300
SUPPLIERS: Final = 80
QUOTAS: Final = {1: (Decimal(100),), 2: (Decimal(70), Decimal(30)), 3: (Decimal(50), Decimal(30), Decimal(20))}
_CODE: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def partners(seed: int, role: Literal["customer", "supplier"], count: int) -> tuple[Partner, ...]:
    """So many partners with valid unified social credit codes, no two alike."""
    rng = Random(f"{seed}:{role}")
    trades = catalogue.CUSTOMER_TRADES if role == "customer" else catalogue.SUPPLIER_TRADES
    return tuple(_partner(rng, role, serial, trades) for serial in range(1, count + 1))


def _partner(
    rng: Random, role: Literal["customer", "supplier"], serial: int, trades: tuple[tuple[str, str], ...]
) -> Partner:
    city_zh, city_en, dialling = rng.choice(catalogue.CITIES)
    names, rest = catalogue.NAMES, serial - 1
    first, second = names[rest % len(names)], names[(rest // len(names) + 7 * rest + 3) % len(names)]
    ordinal = rest // len(names) ** 2
    trade_zh, trade_en = trades[serial % len(trades)]
    number_zh, number_en = (f"第{ordinal}", f" No. {ordinal}") if ordinal else ("", "")
    return Partner(
        serial=serial,
        role=role,
        name_en=f"{city_en} {first[1]}{second[1].lower()}{number_en} {trade_en}",
        name_zh=f"{city_zh}{first[0]}{second[0]}{number_zh}{trade_zh}",
        tax_number=_credit_code(rng, role, serial),
        city=city_zh,
        phone=f"{dialling}-{rng.randint(20000000, 89999999)}",
    )


def _credit_code(rng: Random, role: str, serial: int) -> str:
    """18 characters after GB 32100-2015; unique because role and serial stand in it."""
    body = f"91{rng.randint(110000, 659999)}{'A' if role == 'customer' else 'B'}{serial:07d}"
    body += rng.choice(_CODE)
    total = sum(_CODE.index(character) * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CODE[(31 - total % 31) % 31]


def agreements(
    seed: int, materials: tuple[Material, ...], suppliers: tuple[Partner, ...]
) -> tuple[SupplierAgreement, ...]:
    """One to three suppliers for everything bought or subcontracted; priority 1 is tried first."""
    rng = Random(f"{seed}:agreements")
    usable = len(suppliers) - 2  # the last two have no business with us yet
    found: list[SupplierAgreement] = []
    for material in materials:
        if material.sourcing not in ("buy", "subcontract"):
            continue
        chosen = rng.sample(range(usable), rng.choice((1, 1, 2, 3)))
        shares = QUOTAS[len(chosen)]
        found += [
            replace(_agreement(rng, material, suppliers[at], place), quota=shares[place - 1])
            for place, at in enumerate(chosen, start=1)
        ]
    return tuple(found)


def _agreement(rng: Random, material: Material, supplier: Partner, priority: int) -> SupplierAgreement:
    factor = Decimal(rng.randint(90, 125)) / 100
    return SupplierAgreement(
        supplier=supplier.serial,
        material=material.serial,
        price=max(Decimal("0.01"), (material.standard_cost * factor).quantize(Decimal("0.01"))),
        currency="CNY",
        lead_time_days=material.lead_time_days + 2 * (priority - 1),
        minimum=material.lot_minimum,
        multiple=material.lot_multiple,
        priority=priority,
    )
