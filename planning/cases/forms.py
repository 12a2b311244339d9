"""What a file of the `mrp-case/1` form may say, kind by kind; the answers are in the modules beside this one.

Quantities are decimals. Buckets are numbers from 1, `past_due` (needed or there before bucket 1, so in it), or dates
where `start` says which day bucket 1 is. Unknown keys are kept, for `unread` to name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from canonical.strict_yaml import Path_

MOST = 10**15
ABOUT = frozenset(
    {"id", "schema", "kind", "title", "source", "tags", "verified", "note", "notes", "oracle", "conventions", "comment"}
)
"""What a file may say about itself; nothing is planned by it."""
PAST_DUE = "past_due"
_RULES = {
    "": "L4L", "NONE": "L4L", "LFL": "L4L", "LOT_FOR_LOT": "L4L", "FIXED": "FOQ", "PERIOD": "POQ",
    "MIN_MAX": "MINMAX", "MIN": "MINMAX", "MAX": "MINMAX",
}  # fmt: skip


def _rule(given: object) -> object:
    name = str(given or "").upper().replace("-", "_").replace(" ", "_")
    return _RULES.get(name, name)


def _nothing(given: object) -> object:
    return 0 if given is None else given


def _day(given: object) -> object:
    """ISO dates, with a time or without."""
    try:
        return datetime.fromisoformat(given).date() if isinstance(given, str) else given
    except ValueError:
        return given


def _by_bucket(given: object) -> object:
    """A list says the buckets from 1 on."""
    return {str(n): value for n, value in enumerate(given, start=1)} if isinstance(given, list) else given


Amount = Annotated[Decimal, BeforeValidator(_nothing), Field(ge=0, le=MOST)]
Count = Annotated[int, BeforeValidator(_nothing), Field(ge=0, le=36_500)]
Percent = Annotated[Decimal, BeforeValidator(_nothing), Field(ge=0, lt=100)]
Day = Annotated[date, BeforeValidator(_day)]
Bucket = int | str
Row = Annotated[dict[str, Amount], BeforeValidator(_by_bucket)]
ScrapRule = Literal["multiply", "divide", "add_percent_round_up", "sqrt"]


class Form(BaseModel):
    """Part of a case."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class Lot(Form):
    """A lot rule: lot for lot, a fixed quantity or the EOQ (whole multiples), so many periods, minimum and maximum."""

    rule: Annotated[Literal["L4L", "FOQ", "EOQ", "MULTIPLE", "POQ", "MINMAX"], BeforeValidator(_rule)] = "L4L"
    qty: Amount = Field(default=Decimal(0), validation_alias=AliasChoices("qty", "quantity"))
    min: Amount = Decimal(0)
    max: Amount = Decimal(0)
    multiple: Amount = Decimal(0)
    periods: Count = Field(default=0, validation_alias=AliasChoices("periods", "period", "n"))

    @model_validator(mode="after")
    def _whole(self) -> Lot:
        if self.rule == "FOQ" and not self.qty:
            raise ValueError("a fixed lot needs its `qty`, above zero")
        if self.rule == "POQ" and not (self.periods or self.qty):
            raise ValueError("a lot by period needs its `periods`, from one")
        if self.rule in {"EOQ", "MULTIPLE"} and not (self.qty or self.multiple):
            raise ValueError("needs the `multiple` (or `qty`) that orders come in, above zero")
        return self


def _lot(given: object) -> object:
    return {} if given is None else {"rule": given} if isinstance(given, str) else given


LotRow = Annotated[Lot, BeforeValidator(_lot)]


class Item(Form):
    """One item of a table; `allocated` is what of its stock is promised to orders that run already."""

    on_hand: Annotated[Decimal, BeforeValidator(_nothing), Field(ge=-MOST, le=MOST)] = Decimal(0)
    allocated: Amount = Field(default=Decimal(0), validation_alias=AliasChoices("allocated", "reserved"))
    safety_stock: Amount = Decimal(0)
    lead_time: Count = 0
    safety_time: Count = 0
    frozen: Count = 0
    lot: LotRow = Lot()
    scrap_pct: Percent = Decimal(0)
    yield_pct: Annotated[Decimal, Field(gt=0, le=100)] | None = None
    phantom: bool = False


class Alternate(Form):
    """What may stand in for a component, from stock and receipts."""

    item: str
    qty: Annotated[Decimal, Field(gt=0, le=MOST)] = Decimal(1)
    priority: int = 0
    use_first: bool = False
    parent: str | None = None


class Substitute(Alternate):
    """The same, named beside the item it stands in for."""

    substitute: str


class BomLine(Form):
    """So much of a component for one of its parent; the dates are those of the parent's start, the last excluded."""

    parent: str
    component: str
    qty: Annotated[Decimal, Field(gt=0, le=MOST)] = Decimal(1)
    scrap_pct: Percent = Decimal(0)
    effective_start: Bucket | None = None
    effective_end: Bucket | None = None
    substitutes: tuple[Alternate, ...] = ()


class ByProduct(Form):
    """What an order of `parent` yields beside its own item, for one unit started."""

    parent: str
    item: str
    qty: Annotated[Decimal, Field(gt=0, le=MOST)]


class Component(Form):
    """What a running order still has to draw."""

    item: str
    qty: Amount


class Receipt(Form):
    """A scheduled receipt; where it is an order that runs, `components` says what it has still to draw."""

    item: str
    bucket: Bucket = 1
    qty: Amount
    components: tuple[Component, ...] = ()


class Reservation(Form):
    """Stock promised to somebody else, in a bucket."""

    item: str
    qty: Amount
    bucket: Bucket = 1


class Table(Form):
    """Kind `mrp_table`: items, what they are made of, and gross requirements by bucket."""

    items: dict[str, Item]
    buckets: Count | list[Any] = 0
    bucket_unit: str = ""
    start: Day | None = None
    bom: tuple[BomLine, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    by_products: tuple[ByProduct, ...] = ()
    gross: dict[str, Row] = {}
    scrap_rule: ScrapRule | None = None
    expected: dict[str, dict[str, Any]] | None = None


class LotCase(Form):
    """A net requirement (or a gross one, or stock below its safety stock) and the one order planned for it."""

    net: Amount = Decimal(0)
    gross: Amount = Decimal(0)
    on_hand: Amount = Decimal(0)
    safety_stock: Amount = Decimal(0)
    order_up_to: Amount = Decimal(0)
    scrap_pct: Percent | None = None
    a: Amount | None = None
    lot: LotRow = Lot()
    scrap_rule: ScrapRule | None = None


class LotSizing(Form):
    """Kind `lot_sizing`."""

    cases: tuple[LotCase, ...]
    scrap_rule: ScrapRule | None = None


class MinimumCase(Form):
    """Rows of demand, one after the other, and the least that is ordered."""

    rows: tuple[Amount, ...]
    moq: Amount = Decimal(0)
    multiple: Amount = Decimal(0)
    on_hand: Amount = Decimal(0)


class MinimumAllocation(Form):
    """Kind `moq_allocation`."""

    cases: tuple[MinimumCase, ...]


class Atp(Form):
    """Kind `atp`: what is on hand, made and ordered by bucket."""

    on_hand: Annotated[Decimal, BeforeValidator(_nothing), Field(ge=-MOST, le=MOST)] = Decimal(0)
    mps: tuple[Amount, ...] = ()
    orders: tuple[Amount, ...] = ()
    expected: dict[str, Any] | None = None


class Supplier(Form):
    """Who delivers an item, and how fast."""

    name: str
    priority: int = 0
    lead_time_days: Count = 0
    min: Amount = Decimal(0)
    multiple: Amount = Decimal(0)
    max: Amount = Decimal(0)


class DatedDemand(Form):
    """So much of an item by a day; a lower `priority` is served first."""

    id: str | int | None = None
    item: str = ""
    qty: Annotated[Decimal, Field(ge=0, le=MOST)]
    due: Day
    priority: int = 0


class DatedReceipt(Form):
    """What is on order, and the day it is there."""

    item: str
    qty: Amount
    date: Day


class Ctp(Form):
    """Kind `ctp`: what to buy from whom, where several suppliers deliver an item."""

    today: Day
    suppliers: dict[str, tuple[Supplier, ...]]
    on_hand: dict[str, Amount] = {}
    receipts: tuple[DatedReceipt, ...] = ()
    demands: tuple[DatedDemand, ...] = ()
    expected: dict[str, Any] | None = None


class Effective(Form):
    """A component, from one day until before another."""

    item: str
    effective_start: Day | None = None
    effective_end: Day | None = None


class Effectivity(Form):
    """Kind `effectivity`: which component an order takes by the day it starts."""

    rule: tuple[Effective, ...]
    lead_time_days: Count = 0
    demands: tuple[DatedDemand, ...] = ()


KINDS: dict[str, type[Form]] = {
    "mrp_table": Table,
    "lot_sizing": LotSizing,
    "moq_allocation": MinimumAllocation,
    "atp": Atp,
    "ctp": Ctp,
    "effectivity": Effectivity,
}


def unread(form: Form, path: Path_ = ()) -> Iterator[Path_]:
    """The places of all keys that nothing is planned by, apart from what a file says about itself."""
    for name in form.model_extra or ():
        if name not in ABOUT and not name.startswith("expected"):
            yield (*path, name)
    for name in type(form).model_fields:
        yield from _unread_in(getattr(form, name), (*path, name))


def _unread_in(value: object, path: Path_) -> Iterator[Path_]:
    if isinstance(value, Form):
        yield from unread(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _unread_in(inner, (*path, key))
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _unread_in(inner, (*path, number))
