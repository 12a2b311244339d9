"""Forms whose documents people approve: a client may submit such a document, but not audit it.

No form has a workflow until a test gives it one.
"""

from __future__ import annotations

from sandbox.common.state import SystemState
from sandbox.erp.envelope import NOT_OPERABLE, Refused
from sandbox.erp.forms import Form
from sandbox.erp.tables import Document


def approves(state: SystemState, form: Form) -> bool:
    """Whether people approve the documents of `form`."""
    return state.meta(_name(form)) == "on"


def give(state: SystemState, form: Form, *, on: bool) -> None:
    """Give `form` a workflow, or take it away."""
    state.set_meta(_name(form), "on" if on else "off")


def check_audit(state: SystemState, form: Form, document: Document) -> None:
    """Raise Refused where auditing is for people."""
    if approves(state, form):
        message = f"编号为[{document.number}]的{form.title}在审批流程中，不允许直接审核"
        raise Refused(message, NOT_OPERABLE, "FDocumentStatus")


def _name(form: Form) -> str:
    return f"workflow {form.form_id}"
