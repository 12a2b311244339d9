"""What a production report does to its production order once it is audited, and once it is not."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from sandbox.erp.envelope import INVALID, NO_RECORD, NOT_OPERABLE, Refused
from sandbox.erp.forms import FORMS
from sandbox.erp.tables import Document, Row, document_by_number, store_document

RELEASED, STARTED, COMPLETED = "3", "4", "5"
_ORDER = FORMS["PRD_MO"]
_TOLERANCE = Decimal("1.1")


def reported_order(db: sqlite3.Connection, report: Document) -> tuple[Document, Row]:
    """The production order a report is about and its row for the material. Raises Refused."""
    number = report.text("FMoBillNo")
    order = document_by_number(db, _ORDER, number)
    if order is None:
        raise Refused(f"生产订单[{number}]不存在", NO_RECORD, "FMoBillNo")
    for row in order.rows:
        if row.values["FMaterialId"] == report.head["FMaterialId"]:
            return order, row
    message = f"生产订单[{number}]中没有物料[{report.text('FMaterialId')}]"
    raise Refused(message, NO_RECORD, "FMaterialId")


def check_report(db: sqlite3.Connection, report: Document) -> None:
    """Refuse a report on an order that is not released, of nothing, or of more than 10 % too much."""
    order, row = reported_order(db, report)
    released = row.values["FStatus"] in (RELEASED, STARTED, COMPLETED)
    if order.text("FCancelStatus") == "B" or order.text("FDocumentStatus") != "C" or not released:
        raise Refused(f"生产订单[{order.number}]未下达或已作废，不允许汇报", NOT_OPERABLE, "FMoBillNo")
    finished, scrapped = _number(report.head["FFinishQty"]), _number(report.head["FScrapQty"])
    if finished < 0 or scrapped < 0 or finished + scrapped == 0:
        raise Refused("字段[完成数量]和[报废数量]不能为负，也不能都为0", INVALID, "FFinishQty")
    if _number(row.values["FFinishQty"]) + finished > _number(row.values["FQty"]) * _TOLERANCE:
        message = f"生产订单[{order.number}]的累计完成数量超过订单数量的110%"
        raise Refused(message, INVALID, "FFinishQty")


def apply_report(db: sqlite3.Connection, report: Document, at: str, sign: int) -> Document:
    """Add the report's quantity to its order (`sign` 1) or take it back (`sign` -1)."""
    if sign > 0:
        check_report(db, report)
    order, row = reported_order(db, report)
    finished = _number(row.values["FFinishQty"]) + sign * _number(report.head["FFinishQty"])
    row.values["FFinishQty"] = format(max(Decimal(0), finished), "f")
    row.values["FStatus"] = _status(finished, _number(row.values["FQty"]))
    order.head["FModifyDate"] = at
    store_document(db, _ORDER, order)
    return order


def _status(finished: Decimal, ordered: Decimal) -> str:
    if finished >= ordered:
        return COMPLETED
    return STARTED if finished > 0 else RELEASED


def has_started(order: Document) -> bool:
    """Whether any row of the production order was reported on."""
    return any(str(row.values["FStatus"]) >= STARTED for row in order.rows)


def _number(value: object) -> Decimal:
    return Decimal(str(value or 0))
