"""The ERP between two passes: nobody works in it on their own, it waits for the other systems; and edits for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.common.state import SystemState
from sandbox.erp.calls import local_now
from sandbox.erp.forms import FORMS
from sandbox.erp.tables import document_by_number, store_document

_PURCHASE = FORMS["PUR_PurchaseOrder"]


def work(state: SystemState, round_number: int) -> dict[str, Any]:
    """Nothing happens in the ERP by itself; what the shop floor finished reaches it only through a client."""
    del state, round_number
    return {}


def edit(state: SystemState, wanted: dict[str, Any]) -> dict[str, Any]:
    """Change a purchase order as its buyer would: `{purchase, due?: day, refused?: bool}`, refused by the supplier.

    No client wrote it, so the ledger is silent. ValueError names what cannot be done.
    """
    number = str(wanted["purchase"])
    with state.transaction() as db:
        order = document_by_number(db, _PURCHASE, number)
        if order is None:
            raise ValueError(f"no purchase order {number}")
        for row in order.rows if "due" in wanted else ():
            row.values["FDeliveryDate"] = f"{date.fromisoformat(wanted['due'])}T00:00:00"
        if "refused" in wanted:
            order.head["FCancelStatus"] = "B" if wanted["refused"] else "A"
        order.head["FModifyDate"] = local_now(state)
        store_document(db, _PURCHASE, order)
    return {"purchase": number, **{name: wanted[name] for name in ("due", "refused") if name in wanted}}
