"""The ERP between two passes: nobody works in it on their own, it waits for the other systems; and edits for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.common.state import SystemState
from sandbox.erp import transitions, workflow
from sandbox.erp.calls import local_now
from sandbox.erp.envelope import Refused
from sandbox.erp.forms import FORMS, Form
from sandbox.erp.tables import document_by_number, store_document

_PURCHASE = FORMS["PUR_PurchaseOrder"]


def work(state: SystemState, round_number: int) -> dict[str, Any]:
    """Nothing happens in the ERP by itself; what the shop floor finished reaches it only through a client."""
    del state, round_number
    return {}


def edit(state: SystemState, wanted: dict[str, Any]) -> dict[str, Any]:
    """What people do in the ERP; no client wrote it, so the ledger is silent. ValueError names what cannot be done.

    `{purchase: number, due?: day, refused?: bool}` changes a purchase order as its buyer would;
    `{workflow: form, on: bool}` lets people approve a form's documents; `{approve: number, form: form}` approves one.
    """
    if "workflow" in wanted:
        workflow.give(state, FORMS[wanted["workflow"]], on=bool(wanted["on"]))
    elif "approve" in wanted:
        _approve(state, FORMS[wanted["form"]], str(wanted["approve"]))
    else:
        return _edit_purchase(state, wanted)
    return wanted


def _approve(state: SystemState, form: Form, number: str) -> None:
    with state.transaction() as db:
        document = document_by_number(db, form, number)
        if document is None:
            raise ValueError(f"no {form.form_id} {number}")
        try:
            transitions.step(db, form, "Audit", document, local_now(state))
        except Refused as error:
            raise ValueError(error.message) from None


def _edit_purchase(state: SystemState, wanted: dict[str, Any]) -> dict[str, Any]:
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
