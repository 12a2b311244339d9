"""What the plant's people did, as they say it themselves, and the writes that must follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from sandbox.factory.views import BOX
from tests.e2e.oracle import Expected
from tests.e2e.plant import Row

Report = tuple[str, Fraction, Fraction]
"""ERP order, good and scrapped pieces."""


def reported(worked: Mapping[str, Any]) -> Counter[Report]:
    """The MES reports that have to reach the ERP: those of at least one good piece."""
    return Counter((report["erp_order_no"], *_pieces(report)) for report in _finished(worked))


def _finished(worked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Reports of good pieces that are goods: those of the last operation."""
    return [report for report in worked["mes"]["reports"] if report["finishes"] and report["quantity_good"] > 0]


def _pieces(report: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    assert report["unit"] == "pcs", "what is made here is counted in pieces everywhere"
    return Fraction(str(report["quantity_good"])), Fraction(str(report["quantity_scrap"]))


def production_reports(rows: Iterable[Row]) -> Counter[Report]:
    """The production reports the ERP made, with their order and quantities."""
    made = [row["content"] for row in rows if (row["operation"], row["effect"]) == ("PRD_MORPT.Save", "created")]
    return Counter((bill["FMoBillNo"], Fraction(bill["FFinishQty"]), Fraction(bill["FScrapQty"])) for bill in made)


def audited_reports(rows: Iterable[Row]) -> set[str]:
    """Numbers of the production reports that went all the way."""
    return {row["document"] for row in rows if row["operation"] == "PRD_MORPT.Audit"}


def arrived(worked: Mapping[str, Any]) -> Counter[tuple[str, Fraction]]:
    """What the warehouse has to receive: MES work order and good pieces, one receipt a report."""
    return Counter((report["work_order_number"], _pieces(report)[0]) for report in _finished(worked))


def receipts(rows: Iterable[Row], expected: Expected) -> Counter[tuple[str, Fraction]]:
    """The receipts the warehouse made, in pieces."""
    per_box = {
        expected.views["wms"][material.serial].code: material.pieces_per_box or 1
        for material in expected.plant.materials
        if material.serial in expected.views["wms"]
    }
    found: Counter[tuple[str, Fraction]] = Counter()
    for row in rows:
        if row["operation"] == "CreateReceipt":
            content = row["content"]
            pieces = per_box[content["sku"]] if content["unitOfMeasure"] == BOX else 1
            found[content["lot"], Fraction(str(content["quantity"])) * pieces] += 1
    return found


def failed_work_orders(worked: Mapping[str, Any]) -> set[str]:
    """MES work orders of which an inspection failed."""
    of_report = {report["id"]: report["work_order_number"] for report in worked["mes"]["reports"]}
    return {of_report[failed.replace("ins_", "rep_")] for failed in worked["mes"]["failed_inspections"]}


def tasks(rows: Iterable[Row], kind: str) -> Counter[str]:
    """MES work order → tasks of a kind made for it."""
    made = [row["content"] for row in rows if row["operation"] == "POST tasks" and row["effect"] == "created"]
    return Counter(task["work_order_number"] for task in made if task["kind"] == kind)


def roots_written(rows: Mapping[str, Iterable[Row]]) -> Iterator[tuple[str, str]]:
    """(document, root) of every write to a planned document: `M|DW-000901|SO-26-00082|1|1` → item and root."""
    for system in ("erp", "mes"):
        for row in rows[system]:
            reference = row["reference"].removeprefix("urgent|")
            if reference[:2] in {"M|", "P|", "S|"}:
                _, item, *root, _ = reference.split("|")
                yield f"{item}|{'|'.join(root)}|1", "|".join(root)
