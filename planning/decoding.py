"""Turns what the compiled planner found back into a `Plan`, in the order and with the words of the plain planner."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from canonical.plan import Peg, Plan, PlanMessage, PlannedOrder, Shortage
from planning.kernels.solving import single_pegs
from planning.messages import SupplyUse, late_order, unused_stock, use_messages
from planning.preparation import order_prefix, sorted_plan
from planning.sourcing import Sourcing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canonical.plan import SupplyKind
    from planning.columns import Columns, Result
    from planning.encoding import Names
    from planning.preparation import Prepared


def decode(prepared: Prepared, columns: Columns, names: Names, result: Result) -> Plan:
    """The plan behind the columns."""
    return _Decoding(prepared, columns, names, result).plan()


class _Decoding:
    """One decoding; the lists run along the numbers of the columns."""

    def __init__(self, prepared: Prepared, columns: Columns, names: Names, result: Result) -> None:
        self.prepared = prepared
        self.items = [prepared.admitted.items[code] for code in names.codes]
        self.columns = columns
        self.names = names
        self.pages, self.shelf = result.pages, result.shelf
        self.pegs, self.peg_from = single_pegs(columns, result)
        supplies = self.shelf.rows[: self.shelf.used[0]]
        self.on_hand = supplies["on_hand"].tolist()
        self.makers = supplies["made"].tolist()
        self.supply_items = [names.codes[item] for item in supplies["item"].tolist()]
        filled = self.pages.filled
        self.order_rows, self.draw_rows = self.pages.orders[: filled[0]], self.pages.draws[: filled[0]]
        self.short_rows = self.pages.shorts[: filled[2]]
        self.sourcing = Sourcing(
            prepared.snapshot.as_of.toordinal(), prepared.snapshot.policies, prepared.admitted.rules.work_days
        )
        self.today = prepared.snapshot.as_of.toordinal()
        self.firm = {row.key for row in prepared.admitted.firm_orders}
        self.promised = {row.key: row.available for row in prepared.admitted.receipts}
        self.supply_keys = list(names.supply_keys)
        self.dates: dict[int, date] = {}
        self.orders: list[PlannedOrder] = []
        # By consumer number: planned orders count from the front, fixed consumers, which are negative, from the back.
        self.keys: list[str] = []
        self.roots: list[str | None] = []

    def plan(self) -> Plan:
        """Everything, in the plain planner's order."""
        self.orders = self._orders()
        self.supply_keys += [self.orders[made].key for made in self.makers[len(self.supply_keys) :]]
        self.keys += [order.key for order in self.orders] + self.names.fixed_keys[::-1]
        self.roots += [order.root for order in self.orders] + self.names.fixed_roots[::-1]
        messages = [*self._shortage_messages(), *self._late_messages(), *self._supply_messages()]
        self._name_missing_boms()
        return sorted_plan(
            self.prepared,
            orders=self.orders,
            pegs=self._pegs(),
            shortages=list(self._shortages()),
            messages=messages,
            availability=self._availability(),
        )

    def _date(self, day: int) -> date:
        found = self.dates.get(day)
        if found is None:
            found = self.dates[day] = date.fromordinal(self.today + day)
        return found

    def _orders(self) -> list[PlannedOrder]:
        """Twin of `PlanningRun._planned_order`, over all orders."""
        table, dates = self.order_rows, self._date
        stock, roots = self.columns.rules.stock_root, self.names.roots
        prefixes = [order_prefix(code) for code in self.names.codes]
        levels = [self.prepared.explosion.levels.get(code, 0) for code in self.names.codes]
        days_of = [self.prepared.admitted.rules.days_of(code) for code in self.names.codes]
        today, source = self.today, self.sourcing.source
        orders = []
        for number, root, owner, part, day, quantity, surplus, started in zip(
            table["item"].tolist(), table["root"].tolist(), table["owner"].tolist(), table["number"].tolist(),
            table["due"].tolist(), table["quantity"].tolist(), table["surplus"].tolist(),
            self.draw_rows["quantity"].tolist(), strict=True,
        ):  # fmt: skip
            item, work_days = self.items[number], days_of[number]
            aim = today + max(day, item.frozen_days)
            supplier, lead = source(item, aim, started)
            release = work_days.start(aim, lead) - today
            start = max(release, 0)
            expected = (aim if release == start else work_days.end(today, lead)) - today
            orders.append(
                PlannedOrder(
                    f"{prefixes[number]}{roots[owner]}|{part}", item.code, item.sourcing, quantity, surplus,
                    dates(day), dates(release), dates(start), dates(expected), expected > day,
                    None if root == stock else roots[root], levels[number], supplier, started - quantity,
                )
            )  # fmt: skip
        return orders

    def _kind(self, supply: int) -> SupplyKind:
        if self.on_hand[supply]:
            return "on_hand"
        if self.makers[supply] >= 0:
            return "by_product"
        return "firm" if self.names.supply_keys[supply] in self.firm else "receipt"

    def _pegs(self) -> list[Peg]:
        """All pegs; those on existing supply of one item sorted by keys, as text sorts them."""
        rows, start = self.pegs, self.peg_from.tolist()
        supplies, quantities = rows["supply"].tolist(), rows["quantity"].tolist()
        consumers = rows["consumer"].tolist()
        pegs: list[Peg] = []
        for number, item in enumerate(self.items):
            low, high = start[number], start[number + 1]
            at = low
            while at < high and supplies[at] < 0:
                at += 1
            for low_at, high_at, make in ((low, at, self._existing), (at, high, self._planned)):
                if low_at < high_at:
                    part = slice(low_at, high_at)
                    pegs += make(item.code, supplies[part], consumers[part], quantities[part])
        return pegs

    def _existing(self, _: str, supplies: list[int], consumers: list[int], quantities: list[int]) -> list[Peg]:
        pegs = [
            Peg(
                self.supply_keys[-1 - supply], self._kind(-1 - supply),
                self.keys[who], self.roots[who], self.supply_items[-1 - supply], quantity,
            )
            for supply, who, quantity in zip(supplies, consumers, quantities, strict=True)
        ]  # fmt: skip
        return sorted(pegs, key=lambda peg: (peg.supply, peg.consumer, peg.item))

    def _planned(self, code: str, supplies: list[int], consumers: list[int], quantities: list[int]) -> list[Peg]:
        keys, roots = self.keys, self.roots
        return [
            Peg(keys[supply], "planned", keys[who], roots[who], code, quantity)
            for supply, who, quantity in zip(supplies, consumers, quantities, strict=True)
        ]

    def _shortages(self) -> Iterator[Shortage]:
        table = self.short_rows
        for item, who, quantity in zip(
            table["item"].tolist(), table["consumer"].tolist(), table["quantity"].tolist(), strict=True
        ):
            code = self.names.codes[item]
            yield Shortage(self.keys[who], self.roots[who], code, quantity, self.prepared.blocked[code])

    def _shortage_messages(self) -> Iterator[PlanMessage]:
        days = self.short_rows["day"].tolist()
        for row, day in zip(self._shortages(), days, strict=True):
            yield PlanMessage("shortage", row.item, row.consumer, row.quantity, None, self._date(day))

    def _late_messages(self) -> Iterator[PlanMessage]:
        plain = [urgency is not None and urgency[0] == 0 for urgency in self.names.urgencies]
        for order, urgency in zip(self.orders, self.draw_rows["urgency"].tolist(), strict=True):
            if order.late and plain[urgency] and order.quantity > order.surplus:
                yield late_order(order)

    def _supply_messages(self) -> Iterator[PlanMessage]:
        """Twin of `messages.supply_messages`, over the supplies of all items."""
        table, spans = self.columns.supplies, self.pages.spans
        start, ends = self.columns.items["supply_from"].tolist(), self.columns.items["supply_to"].tolist()
        order_start, order_end = spans.order_from.tolist(), spans.order_to.tolist()
        free, wanted, days = self.shelf.free.tolist(), self.shelf.wanted.tolist(), table["day"].tolist()
        quantities = table["quantity"].tolist()
        tolerance = self.prepared.snapshot.policies.message_tolerance_days
        for number, item in enumerate(self.items):
            idle = 0
            made = self.orders[order_start[number] : order_end[number]] if start[number] < ends[number] else []
            first = made[0].due.toordinal() if made else None
            for supply in range(start[number], ends[number]):
                kind = self._kind(supply)
                if kind == "on_hand":
                    idle += free[supply]
                    continue
                key = self.supply_keys[supply]
                use = SupplyUse(
                    key, kind, self.today + days[supply], self.promised.get(key),
                    quantities[supply] - free[supply], free[supply], self.today + wanted[supply],
                )  # fmt: skip
                yield from use_messages(item.code, use, first, tolerance)
            yield from unused_stock(item.code, idle, made)

    def _name_missing_boms(self) -> None:
        components, spans = self.prepared.explosion.components, self.pages.spans
        for number, item in enumerate(self.items):
            if (
                item.sourcing == "make"
                and item.code not in components
                and spans.order_from[number] < spans.order_to[number]
            ):
                self.prepared.admitted.name("no_bom", item.code, item.code, "planned without components")

    def _availability(self) -> dict[str, date]:
        table = self.columns.supplies
        rows = zip(
            self.names.supply_keys, table["on_hand"].tolist(), table["day"].tolist(),
            table["quantity"].tolist(), self.shelf.free[: len(table)].tolist(), strict=True,
        )  # fmt: skip
        return {key: self._date(day) for key, on_hand, day, quantity, free in rows if not on_hand and free < quantity}
