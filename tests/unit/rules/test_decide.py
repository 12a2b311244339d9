"""From changes to decisions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from rules.decide import CommandDraft, Notice, decide
from rules.diff import Change
from rules.loading import load_rulebooks
from rules.ruleset import RuleSet

RULES = RuleSet(load_rulebooks(("fulfilment", "feedback", "urgent", "quality")))
ORDER: dict[str, Any] = {
    "reference": "M|A|SO-1|1|1", "item": "A", "sourcing": "make", "quantity": Decimal("60.000"),
    "start": date(2026, 11, 2), "due": date(2026, 11, 5), "supplier": None, "sales_order": "SO-1", "priority": 5,
    "kit": '[{"item":"B","quantity":"120"}]',
}  # fmt: skip


def change(fact: str, kind: Any, row: dict[str, Any], key: str = "reference") -> Change:
    old, new = (row, None) if kind == "deleted" else (None, row)
    return Change(fact, row[key], kind, old, new, tuple(row))


def drafts(*changes: Change) -> list[CommandDraft]:
    return [decision for decision in decide(changes, RULES) if isinstance(decision, CommandDraft)]


def test_make__orders_production_and_the_work_that_waits_for_it() -> None:
    production, work = drafts(change("planned_order", "created", ORDER))
    assert (production.kind, production.role, production.business_key) == (
        "order_production",
        "erp",
        ORDER["reference"],
    )
    assert (work.kind, work.role, work.after) == ("order_work", "mes", (f"erp/work_order/{ORDER['reference']}",))
    assert work.body["kit"] == [{"item": "B", "quantity": "120"}]
    assert production.body["quantity"] == "60"
    assert production.sales_orders == ("SO-1",)


def test_buy_and_subcontract__go_to_the_erp_only() -> None:
    bought, outside = (
        drafts(change("planned_order", "created", {**ORDER, "sourcing": sourcing}))
        for sourcing in ("buy", "subcontract")
    )
    assert [(draft.kind, draft.role) for draft in bought] == [("request_purchase", "erp")]
    assert [(draft.kind, draft.role) for draft in outside] == [("order_subcontract", "erp")]


def test_what_is_no_longer_needed__is_cancelled_at_the_shop_floor_first() -> None:
    work, production = drafts(change("planned_order", "deleted", ORDER))
    assert (work.kind, work.cancelled) == ("order_work", True)
    assert (production.kind, production.cancelled) == ("order_production", True)
    assert production.after == (f"mes/work_order/{ORDER['reference']}",)


def test_report_of_nothing__is_ignored() -> None:
    row = {
        "report": "r1", "work_order": "MO1", "item": "A", "good": Decimal(0), "scrapped": Decimal(1),
        "reported_at": None, "warehouse": "WH1", "sales_order": None,
    }  # fmt: skip
    assert drafts(change("production_feedback", "created", row, "report")) == []
    assert len(drafts(change("production_feedback", "created", {**row, "good": Decimal(2)}, "report"))) == 2


def test_urgent_order__tells_the_supervisor_in_both_languages() -> None:
    row = {"sales_order": "SO-1", "customer": "C", "due": date(2026, 11, 9), "shipping": False}
    (notice,) = decide([change("urgent_order", "created", row, "sales_order")], RULES)
    assert isinstance(notice, Notice)
    assert (notice.audience, notice.key) == ("production_supervisor", "urgent|SO-1")
    assert notice.text["en"] == "Order SO-1 is urgent, wanted on 2026-11-09."
    assert "SO-1" in notice.text["zh"]
