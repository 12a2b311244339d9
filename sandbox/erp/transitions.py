"""Submit, Audit, UnAudit, Delete, Cancel: which state of a document allows which step.

FDocumentStatus is Z draft, A created, B in approval, C audited, D to be audited again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.erp import production
from sandbox.erp.envelope import NOT_OPERABLE, Refused
from sandbox.erp.forms import Form
from sandbox.erp.tables import Document, remove_document, store_document

Consequence = Callable[[sqlite3.Connection, Document, str], None]


@dataclass(frozen=True, slots=True)
class _Step:
    allowed: str
    result: str
    refusal: str


_STEPS = {
    "Submit": _Step("ZAD", "B", "只能提交创建，暂存，重新审核状态的数据"),
    "Audit": _Step("B", "C", "只能审核审核中状态的数据"),
    "UnAudit": _Step("C", "D", "只能反审核已审核状态的数据"),
    "Delete": _Step("ZAD", "", "只能删除创建，暂存，重新审核状态的数据"),
}


def step(db: sqlite3.Connection, form: Form, name: str, document: Document, at: str) -> None:
    """Take `document` through Submit, Audit, UnAudit or Delete, or raise Refused."""
    rule = _STEPS[name]
    where = f"编号为[{document.number}]的{form.title}"
    if document.text("FCancelStatus") == "B" and name != "Delete":
        raise Refused(f"{where}已作废，不允许操作", NOT_OPERABLE)
    if document.text("FDocumentStatus") not in rule.allowed:
        raise Refused(f"{where}：{rule.refusal}", NOT_OPERABLE, "FDocumentStatus")
    if name == "Delete":
        remove_document(db, form, document.id)
        return
    document.head.update({"FDocumentStatus": rule.result, "FModifyDate": at})
    consequence = _CONSEQUENCES.get((form.form_id, name))
    if consequence:
        consequence(db, document, at)
    store_document(db, form, document)


def cancel(db: sqlite3.Connection, form: Form, name: str, document: Document, at: str) -> None:
    """Cancel or Uncancel (`name`) a document of a form that can be cancelled, or raise Refused."""
    where = f"编号为[{document.number}]的{form.title}"
    if not form.cancellable:
        raise Refused(f"{form.title}不支持操作[{name}]", NOT_OPERABLE, "opNumber")
    before, after = ("A", "B") if name == "Cancel" else ("B", "A")
    if document.text("FCancelStatus") != before:
        raise Refused(f"{where}{'已作废' if name == 'Cancel' else '未作废'}，不允许操作", NOT_OPERABLE)
    if form.form_id == "PRD_MO" and production.has_started(document):
        raise Refused(f"{where}已开工，不允许作废", NOT_OPERABLE, "FStatus")
    document.head.update({"FCancelStatus": after, "FModifyDate": at})
    store_document(db, form, document)


def _release(_db: sqlite3.Connection, document: Document, _at: str) -> None:
    """Release at once: this site releases a production order when it is audited (a parameter of the product)."""
    for row in document.rows:
        row.values["FStatus"] = production.RELEASED


def _recall(_db: sqlite3.Connection, document: Document, _at: str) -> None:
    if production.has_started(document):
        raise Refused(f"编号为[{document.number}]的生产订单已开工，不允许反审核", NOT_OPERABLE)
    for row in document.rows:
        row.values["FStatus"] = "1"


def _report(db: sqlite3.Connection, document: Document, at: str) -> None:
    production.apply_report(db, document, at, 1)


def _take_back(db: sqlite3.Connection, document: Document, at: str) -> None:
    production.apply_report(db, document, at, -1)


_CONSEQUENCES: Mapping[tuple[str, str], Consequence] = {
    ("PRD_MO", "Audit"): _release,
    ("PRD_MO", "UnAudit"): _recall,
    ("PRD_MORPT", "Audit"): _report,
    ("PRD_MORPT", "UnAudit"): _take_back,
}
