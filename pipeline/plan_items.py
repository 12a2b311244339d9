"""Items as the planner sees them: how they are sourced and sized, how long they take, who delivers, what is lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

from canonical.plan import DEFAULT_SCALE, LotPolicy, PlanItem, PlanProblem, PlanSupplier, ScrapRate, Sourcing
from pipeline.golden_rows import ZERO, Frames, Row, in_force, ppm, rows, scaled
from pipeline.plan_calendars import calendar_of, centre_calendars
from pipeline.plan_structure import Version
from pipeline.planning_settings import Planning

LAST = 99
"""The rank of a supplier without one."""
COUNTED = frozenset({"pcs", "pair", "box"})
"""Units of which there are only whole ones."""
MINUTES = 60
BOUGHT = frozenset({"buy", "subcontract"})


@dataclass(slots=True)
class ItemRows:
    """What golden records say about items, gathered once for all of them."""

    frames: Frames
    planning: Planning
    as_of: date
    versions: Mapping[str, list[Version]]
    routes: Mapping[str, list[Row]]
    problems: list[PlanProblem] = field(default_factory=list)
    agreements: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    bought: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Item and supplier → what was ordered of him, which his quota counts."""
    hours: Mapping[str, Decimal] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)

    def items(self) -> Iterator[PlanItem]:
        """Every item; what had to be supposed is in `problems`."""
        self._gather()
        return (self._item(row) for row in rows(self.frames, "item"))

    def _gather(self) -> None:
        for row in rows(self.frames, "supplier_agreement"):
            if in_force(row, self.as_of):
                self.agreements[row["item"]].append(row)
        for found in self.agreements.values():
            found.sort(key=lambda row: (_rank(row), row["supplier"]))
        if self.planning.policies.supplier_choice == "quota":
            for row in rows(self.frames, "purchase_order"):
                if row["supplier"] and row["status"] in {"open", "closed"}:
                    self.bought[row["item"], row["supplier"]] += row["quantity"]
        self.hours = {
            row["golden_id"]: row["hours_per_day"] for row in rows(self.frames, "work_centre") if row["hours_per_day"]
        }
        self.calendars = centre_calendars(self.frames)

    def _item(self, row: Row) -> PlanItem:
        code = row["golden_id"]
        sourcing: Sourcing = row["sourcing"] or "buy"
        offers = self.agreements.get(code, []) if sourcing in BOUGHT else []
        steps = self.routes.get(code, [])
        nameless = self.planning.identity_needed and row["drawing_number"] is None
        scrap = self._scrap(row, sourcing)
        lead = self._lead_time(row, sourcing, steps, offers)
        return PlanItem(
            code=code,
            sourcing=sourcing,
            lead_time_days=lead,
            # What is obsolete is used up, not replenished.
            safety_stock=0 if row["obsolete"] or nameless else scaled(row["safety_stock"] or ZERO),
            lot=_lot(row, offers if self.planning.policies.supplier_lots == "preferred" else [], whole=bool(scrap)),
            suppliers=tuple(self._suppliers(code, offers, lead)),
            calendar=None if sourcing == "phantom" else self._calendar(sourcing, steps),
            safety_time_days=row["safety_time_days"] or 0,
            frozen_days=row["frozen_days"] or 0,
            scrap=scrap,
            kept_apart=bool(row["kept_apart"]),
        )

    def _calendar(self, sourcing: str, steps: list[Row]) -> str | None:
        company = self.planning.calendar
        return company if sourcing in BOUGHT else calendar_of(steps, self.calendars, company)

    def _lead_time(self, row: Row, sourcing: str, steps: list[Row], offers: list[Row]) -> int:
        lead: int | None = row["lead_time_days"]
        if lead is not None:
            return lead
        if sourcing == "buy" and offers and all(offer["lead_time_days"] is not None for offer in offers):
            return min(int(offer["lead_time_days"]) for offer in offers)
        if steps and self.planning.policies.missing_lead_time == "routing":
            return self._routing_days(row, steps)
        default = self.planning.default_lead_time_days
        if sourcing != "phantom":
            detail = f"lead time missing, planned with {default} days"
            self.problems.append(PlanProblem("bad_lead_time", row["golden_id"], row["golden_id"], detail))
        return default

    def _routing_days(self, row: Row, steps: list[Row]) -> int:
        """Working days of a smallest lot in the routing: waiting, and minutes by the hours of each work centre."""
        units = Fraction(row["lot_fixed"] or row["lot_minimum"] or 1) or Fraction(1)
        days = Fraction(0)
        for step in steps:
            setup, run = (Fraction(step[name] or 0) for name in ("setup_minutes", "run_minutes"))
            hours = self.hours.get(step["work_centre"])
            days += Fraction(step["days"] or 0)
            if hours:
                days += (setup + run * units) / (Fraction(hours) * MINUTES)
        return max(1, ceil(days))

    def _scrap(self, row: Row, sourcing: str) -> tuple[ScrapRate, ...]:
        """What is lost of an order: as the item says, else what its BOM in force does not yield."""
        if row["scrap_rate"]:
            return (ScrapRate(ppm(row["scrap_rate"])),)
        if sourcing == "buy" or not any(one.scrap_ppm for one in self.versions.get(row["golden_id"], ())):
            return ()
        return tuple(ScrapRate(one.scrap_ppm, one.first) for one in self.versions[row["golden_id"]])

    def _suppliers(self, code: str, offers: list[Row], lead: int) -> Iterator[PlanSupplier]:
        priced = self._prices(code, offers)
        for offer in offers:
            days = offer["lead_time_days"]
            yield PlanSupplier(
                offer["supplier"],
                lead if days is None else days,
                priority=_rank(offer),
                quota=scaled(offer["quota"] or ZERO),
                allocated=scaled(self.bought.get((code, offer["supplier"]), ZERO)),
                price=scaled(offer["price"] or ZERO) if priced else 0,
            )

    def _prices(self, code: str, offers: list[Row]) -> bool:
        """Whether prices can be compared; where they cannot, priority decides."""
        if self.planning.policies.supplier_choice != "price" or not offers:
            return False
        currencies = {offer["currency"] for offer in offers}
        missing = [offer["supplier"] for offer in offers if offer["price"] is None]
        if len(currencies) == 1 and not missing:
            return True
        why = f"no price of {', '.join(missing)}" if missing else "prices in several currencies"
        self.problems.append(PlanProblem("bad_price", code, code, f"{why}; suppliers chosen by priority"))
        return False


def _rank(offer: Row) -> int:
    return LAST if offer["priority"] is None else int(offer["priority"])


def _lot(row: Row, offers: list[Row], *, whole: bool) -> LotPolicy:
    """The item's lots; what it does not say, or says is 0, the supplier tried first does.

    What is lost leaves `whole` pieces.
    """
    least, step = row["lot_minimum"], row["lot_multiple"]
    if offers:
        least, step = least or offers[0]["minimum"], step or offers[0]["multiple"]
    multiple = scaled(step or ZERO)
    if whole and not multiple and row["unit"] in COUNTED:
        multiple = DEFAULT_SCALE
    return LotPolicy(
        rule=row["lot_rule"] or "lot_for_lot",
        minimum=scaled(least or ZERO),
        multiple=multiple,
        maximum=scaled(row["lot_maximum"] or ZERO),
        fixed=scaled(row["lot_fixed"] or ZERO),
        period_days=row["lot_period_days"] or 0,
        order_up_to=scaled(row["order_up_to"] or ZERO),
    )
