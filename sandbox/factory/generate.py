"""One call makes the whole plant from a seed: the same in every process, on every machine."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from sandbox.factory.model import Plant
from sandbox.factory.partners import CUSTOMERS, SUPPLIERS, agreements, partners
from sandbox.factory.structure import Structure, build, engineering_changes
from sandbox.factory.trade import trade


def generate(seed: int, scale: int = 1, today: date = date(2026, 11, 2)) -> Plant:
    """The plant of this seed: about 2,100 materials and 500 sales orders times `scale`."""
    products = structure(seed, scale)
    customers = partners(seed, "customer", CUSTOMERS * scale)
    suppliers = partners(seed, "supplier", SUPPLIERS * scale)
    agreed = agreements(seed, products.materials, suppliers)
    traded = trade(seed, scale, today, structure=products, customers=customers, agreements=agreed)
    return Plant(
        seed=seed,
        scale=scale,
        today=today,
        materials=products.materials,
        bom=engineering_changes(seed, products, today),
        operations=products.operations,
        work_centres=products.work_centres,
        customers=customers,
        suppliers=suppliers,
        agreements=agreed,
        stock=traded.stock,
        purchases=traded.purchases,
        work=traded.work,
        orders=traded.orders,
    )


@lru_cache(maxsize=2)
def structure(seed: int, scale: int) -> Structure:
    """The product structure alone; kept, because the views ask for it again."""
    return build(seed, scale)
