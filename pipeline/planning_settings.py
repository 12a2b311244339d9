"""How a plant plans: the `planning:` part of its deployment, with each convention vendors disagree about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cached_property, lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.calendars import WorkingCalendar
from canonical.errors import Fault
from canonical.plan_rules import PlanPolicies, ScrapRule
from canonical.strict_yaml import Document, suggest
from rules.calendars import CALENDARS, load_calendar


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Policies(_Closed):
    """Conventions that differ between vendors; what each value means stands in docs/reference/planning.md."""

    safety_stock: Literal["served_last", "served_first"] = "served_last"
    safety_time: Literal["due_earlier", "longer_lead"] = "due_earlier"
    supply_order: Literal["latest_first", "earliest_first"] = "earliest_first"
    """By default stock goes before receipts, so that what can ship from stock does."""
    late_receipts: Literal["never", "when_not_later_than_new"] = "when_not_later_than_new"
    order_grouping: Literal["root", "need_date"] = "root"
    assembly_scrap: ScrapRule = "divide"
    component_scrap: Literal["multiply", "divide"] = "multiply"
    reserved_surplus: Literal["free", "kept"] = "free"
    supplier_choice: Literal["priority", "price", "quota"] = "priority"
    message_tolerance_days: int = Field(default=0, ge=0)
    release_horizon_days: int | None = Field(default=None, ge=0)
    forecast_backward_days: int = Field(default=0, ge=0)
    forecast_forward_days: int = Field(default=0, ge=0)
    bucket_days: int = Field(default=1, ge=1)
    """Needs within so many days are due on the first of them."""
    missing_lead_time: Literal["default", "routing"] = "default"
    """What an item without a lead time gets: `default_lead_time_days`, or what its routing takes."""
    supplier_lots: Literal["preferred", "ignored"] = "preferred"
    """Whether the lots of the supplier tried first hold where the item itself names none."""
    open_orders: Literal["started", "good"] = "started"
    """Whether the quantity of a standing order is what was put in, or what will come out good."""

    def for_planner(self) -> PlanPolicies:
        """Those the planner itself applies."""
        return PlanPolicies(**{field.name: getattr(self, field.name) for field in fields(PlanPolicies)})


class Site(_Closed):
    """A place that keeps stock of its own and is supplied from another."""

    warehouses: tuple[str, ...]
    """Codes of its warehouses."""
    supplied_by: str | None = None
    """The site that sends what this one lacks; None: the home site."""
    transfer_days: int = Field(default=1, ge=0)


class Planning(_Closed):
    """How demand becomes orders."""

    release_fence_days: int = 10
    """Only planned orders to be released within so many days become commands."""
    release_fence_by_item: dict[str, int] = Field(default_factory=dict)
    default_lead_time_days: int = 5
    receiving_warehouse: str = "WH1"
    identity_needed: bool = True
    """An item without drawing number may lie in stock under another name, so it is not replenished for stock.
    False where one system names all items."""
    horizon_days: int = 365
    calendar: str | None = None
    """The working calendar whose days lead times count, as its file is named; None: every day."""
    policies: Policies = Policies()
    sites: dict[str, Site] = Field(default_factory=dict)
    """Sites beside the home site, where everything is made and delivered to. Without any, stock is one."""

    @cached_property
    def site_of_warehouse(self) -> Mapping[str, str]:
        """Warehouse code → the site beside home that it belongs to."""
        return {code: name for name, site in self.sites.items() for code in site.warehouses}

    def at_warehouse(self, item: str, warehouse: str | None) -> str:
        """The planner's code of an item at the site a warehouse belongs to."""
        site = self.site_of_warehouse.get(warehouse or "")
        return item if site is None else f"{item}{SITE_MARK}{site}"

    def item_of(self, code: str) -> str:
        """The item behind a planner's code, wherever it is."""
        item, mark, site = code.rpartition(SITE_MARK)
        return item if mark and site in self.sites else code

    def faults(self, document: Document) -> Iterator[Fault]:
        """Names that nothing stands behind, each at its place in the deployment file."""
        known = sorted(path.stem for path in CALENDARS.glob("*.yaml"))
        if self.calendar is not None and self.calendar not in known:
            message = f"no working calendar {self.calendar!r}; known: {', '.join(known)}"
            yield document.fault(("planning", "calendar"), message, suggest(self.calendar, known))
        taken: dict[str, str] = {}
        for name, site in self.sites.items():
            yield from self._faults_of(name, site, taken, document)

    def _faults_of(self, name: str, site: Site, taken: dict[str, str], document: Document) -> Iterator[Fault]:
        place = ("planning", "sites", name)
        if name == HOME or SITE_MARK in name:
            yield document.fault(place, f"a site cannot be called {name!r}", "choose another name")
        origin = site.supplied_by
        if origin is not None and origin != HOME and origin not in self.sites:
            known = [HOME, *self.sites]
            message = f"no site {origin!r}; known: {', '.join(known)}"
            yield document.fault((*place, "supplied_by"), message, suggest(origin, known))
        elif self._circular(name):
            yield document.fault((*place, "supplied_by"), f"site {name!r} is supplied by itself in the end")
        for number, code in enumerate(site.warehouses):
            if code in taken or code == self.receiving_warehouse:
                owner = taken.get(code, "the home site, which receives there")
                yield document.fault((*place, "warehouses", number), f"warehouse {code!r} belongs to {owner}")
            taken[code] = name

    def _circular(self, name: str) -> bool:
        seen, at = set(), name
        while at in self.sites:
            if at in seen:
                return True
            seen.add(at)
            at = self.sites[at].supplied_by or HOME
        return False


HOME = "home"
"""The site where everything is made, and all stock that no other site keeps."""
SITE_MARK = "@"
"""Stands between an item and the site, in the planner's codes of items away from home."""


@lru_cache(maxsize=32)
def working_calendar(name: str) -> WorkingCalendar | None:
    """A shipped working calendar by the name of its file; None where there is none. The files do not change."""
    path = CALENDARS / f"{name}.yaml"
    return load_calendar(path) if name and path.parent.joinpath(path.name).is_file() and "/" not in name else None
