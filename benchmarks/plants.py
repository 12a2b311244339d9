"""The plants that planning is measured on: as large as each other, and shared in unlike ways.

Both have items on eight levels, ten BOM lines an item, two demands an item and half as many receipts as items; each
rule of the planner is in use on at least a tenth of the items that can have it. Items come in whole packs, larger ones
further down, as bolts do; one in ten is a material measured exactly.

- **Model A**: an item draws a dozen components out of all on the next level. So everything shares everything, and a
  product is made of a third of all items: the hardest plant for whoever plans only what changed.
- **Families**: products of about 300 BOM lines. A tenth of the items are products, in families of twenty; a family has
  sixty assemblies on six levels, of which some go into other families too; six of ten items are bought, half of what
  an assembly takes of its own family, half of what all families share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanByProduct,
    PlanCalendar,
    PlanDemand,
    PlanForecast,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanPolicies,
    PlanStock,
    PlanSubstitute,
    PlanSupplier,
    ScheduledReceipt,
    ScrapRate,
)

TODAY = date(2026, 11, 2)
UNIT = 1_000_000
WEEK = 7
OF_PHANTOM = 2
"""Lines of a phantom."""
LINES = 27
"""Lines of what is made, in families."""
VARIANTS = 20
"""Products of a family."""
OF_PRODUCT, OF_ASSEMBLY = 2, (0, 1, 1, 2)
"""How many of the lines are assemblies of the next level."""
PLATFORM = 0.2
"""The share of assemblies that are taken from any family's."""
PACKS = (1, 1, 1, 2, 5, 10, 20, 50)
"""By level: what an item is counted and bought by. Bolts come by the hundred, machines one by one."""
CALENDARS = (PlanCalendar("plant", exceptions=((TODAY + timedelta(30), False),)),)
SCRAP = (ScrapRate(30_000), ScrapRate(20_000, TODAY + timedelta(90)))


def _lots(pack: int) -> tuple[LotPolicy, ...]:
    """One item in ten is a material measured exactly; the others come in whole packs."""
    return (
        LotPolicy(),
        LotPolicy(multiple=pack),
        LotPolicy(multiple=10 * pack),
        LotPolicy(multiple=50 * pack),
        LotPolicy(minimum=40 * pack, multiple=pack),
        LotPolicy(rule="period", period_days=28, multiple=pack),
        LotPolicy(rule="period", period_days=56, multiple=pack),
        LotPolicy(rule="fixed", fixed=100 * pack),
        LotPolicy(minimum=20 * pack, multiple=5 * pack),
        LotPolicy(order_up_to=90 * pack, maximum=80 * pack, multiple=pack),
    )


LOTS = tuple(_lots(pack * UNIT) for pack in PACKS)


def policies(bucket_days: int) -> PlanPolicies:
    """The conventions of the model; `bucket_days` is 7 for 52 weeks, 1 for 365 days."""
    return PlanPolicies(
        order_grouping="need_date", forecast_backward_days=14, forecast_forward_days=14, bucket_days=bucket_days
    )


Levels = list[list[str]]


class Structure(NamedTuple):
    """How a plant's items are made of each other: `shares` of the items by level, in percent, and who draws what."""

    shares: tuple[int, ...]
    drawn: Callable[[random.Random, Levels, Collection[str]], Iterator[tuple[int, str, str]]]
    """Place of the parent on its level, parent, component; given the codes by level, and which of them are phantoms."""


def model_a(items: int, bucket_days: int = WEEK) -> PlanningSnapshot:
    """The plant where everything shares everything."""
    return _plant(items, bucket_days, Structure((4, 8, 12, 16, 16, 16, 16, 12), _out_of_all))


def families(items: int, bucket_days: int = WEEK) -> PlanningSnapshot:
    """The plant of products of about 300 BOM lines."""
    return _plant(items, bucket_days, Structure((10, 5, 5, 5, 5, 5, 5, 60), _out_of_families))


def _out_of_all(chance: random.Random, levels: Levels, phantoms: Collection[str]) -> Iterator[tuple[int, str, str]]:
    for upper, lower in pairwise(levels):
        for n, parent in enumerate(upper):
            for component in chance.sample(lower, OF_PHANTOM if parent in phantoms else (12, 13)[n % 2]):
                yield n, parent, component


def _out_of_families(
    chance: random.Random, levels: Levels, phantoms: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Products take two assemblies, and those none, one or two of the next level; the other lines are bought parts."""
    count = max(len(levels[0]) // VARIANTS, 1)
    bought = levels[-1]
    middle = len(bought) // 2
    own = [bought[number * middle // count : (number + 1) * middle // count] for number in range(count)]
    common = bought[middle:]
    for depth, upper in enumerate(levels[:-1]):
        below = levels[depth + 1] if depth + 2 < len(levels) else []
        for n, parent in enumerate(upper):
            family = n * count // len(upper)
            parts = own[family]
            wanted = chance.choice(OF_ASSEMBLY) if depth else OF_PRODUCT
            chosen = {_assembly(chance, below, family, count) for _ in range(wanted if below else 0)}
            lines = OF_PHANTOM if parent in phantoms else LINES - len(chosen)
            chosen.update(chance.sample(parts, min(lines // 2, len(parts))))
            chosen.update(chance.sample(common, lines - lines // 2))
            for component in sorted(chosen):
                yield n, parent, component


def _assembly(chance: random.Random, below: Sequence[str], family: int, count: int) -> str:
    """One of the family's, or one in five times, of any family's: a platform's."""
    of = chance.randrange(count) if chance.random() < PLATFORM else family
    return chance.choice(below[of * len(below) // count : (of + 1) * len(below) // count])


def _plant(items: int, bucket_days: int, structure: Structure) -> PlanningSnapshot:
    chance = random.Random(7)
    levels = [[f"L{n}-{i:06d}" for i in range(items * share // 100)] for n, share in enumerate(structure.shares)]
    codes = [code for level in levels for code in level]
    bought, phantoms = set(levels[-1]), set(codes[len(levels[0]) + 5 : -len(levels[-1]) : 10])
    planned = tuple(
        _item(chance, n, code, phantom=code in phantoms, bought=code in bought) for n, code in enumerate(codes)
    )
    real = [code for code in codes if code not in phantoms]
    bom = tuple(
        PlanBomLine(
            parent, component, chance.randrange(1, 4), 12, chance.choice((0, 0, 0, 20_000)),
            *_window(chance, dated=n % 10 == 6 and parent not in phantoms), chance.choice((10, 20)),  # noqa: PLR2004
        )
        for n, parent, component in structure.drawn(chance, levels, phantoms)
    )  # fmt: skip
    demands = tuple(
        PlanDemand(
            f"SO-{n:07d}",
            levels[0][n % len(levels[0])] if n % 2 else chance.choice(codes),
            chance.randrange(1, 20) * UNIT,
            TODAY + timedelta(days=bucket_days * chance.randrange(364 // bucket_days)),
            f"SO-{n:07d}",
            customer=f"C{n % 50}",
        )
        for n in range(2 * items)
    )
    wanted = {demand.item: demand.root for demand in demands}
    stock = tuple(
        PlanStock(f"on_hand|{code}", code, chance.randrange(1, 200) * UNIT, wanted.get(code) if n % 5 == 0 else None)
        for n, code in enumerate(real[::2])
    )
    receipts = tuple(
        ScheduledReceipt(
            f"PO-{n:06d}",
            chance.choice(real),
            chance.randrange(1, 100) * UNIT,
            TODAY + timedelta(days=chance.randrange(100)),
            "purchase_order",
        )
        for n in range(items // 2)
    )
    return PlanningSnapshot(
        TODAY, planned, bom, demands, stock, receipts, policies=policies(bucket_days),
        calendars=CALENDARS, **_others(chance, codes, real),
    )  # fmt: skip


def _item(chance: random.Random, n: int, code: str, *, phantom: bool, bought: bool) -> PlanItem:
    suppliers = (PlanSupplier("near", 7, 2, 1), PlanSupplier("far", 14, 1, 3)) if bought else ()
    return PlanItem(
        code,
        "phantom" if phantom else "buy" if bought else "make",
        chance.choice((5, 10)),
        0 if phantom else chance.choice((0, 0, 0, 0, 20 * PACKS[int(code[1])] * UNIT)),
        chance.choice(LOTS[int(code[1])]),
        suppliers=suppliers,
        calendar="plant" if n % 3 == 0 else None,
        safety_time_days=7 if n % 10 == 1 else 0,
        frozen_days=14 if n % 10 == 2 else 0,  # noqa: PLR2004 - a tenth of the items
        scrap=SCRAP if n % 10 == 3 else (),  # noqa: PLR2004
        kept_apart=n % 10 == 4,  # noqa: PLR2004
    )


def _window(chance: random.Random, *, dated: bool) -> tuple[date | None, date | None]:
    """Of an item with dated lines, one in five counts until a day of the first half year, or from one."""
    drawn = chance.randrange(10) if dated else -1
    change = TODAY + timedelta(chance.randrange(180))
    return (change, None) if drawn == 0 else (None, change) if drawn == 1 else (None, None)


def _others(chance: random.Random, codes: list[str], real: list[str]) -> dict[str, Any]:
    """Forecasts, steps with losses, substitutes and by-products, each on a tenth of the items."""
    forecasts = [
        PlanForecast(f"F{n}", code, 30 * UNIT, TODAY + timedelta(7 * chance.randrange(52)))
        for n, code in enumerate(real[::10])
    ]
    operations = [PlanOperation(code, 20, scrap_ppm=10_000) for code in codes[::10]]
    substitutes = [
        PlanSubstitute(code, other, priority=n % 2, customer=f"C{n % 50}" if n % 3 == 0 else None)
        for n, (code, other) in enumerate(zip(real[10::10], real[6::10], strict=False))
    ]
    made = [code for code in real if not code.startswith("L7")]
    by_products = [PlanByProduct(code, chance.choice(real[-len(real) // 10 :]), 1, 20) for code in made[::10]]
    return {
        "forecasts": tuple(forecasts), "operations": tuple(operations), "substitutes": tuple(substitutes),
        "by_products": tuple(by_products),
    }  # fmt: skip
