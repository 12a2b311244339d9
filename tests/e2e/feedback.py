"""What the plant's people did, as they say it themselves, and the writes that must follow from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from sandbox.factory.model import Operation
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


def to_inspect(worked: Mapping[str, Any]) -> Counter[str]:
    """MES reports an inspection is asked for: good pieces nobody inspected, and what was counted wrongly."""
    inspected = set(worked["mes"]["inspected"])
    missing = [one["id"] for one in worked["mes"]["reports"] if one["quantity_good"] > 0 and one["id"] not in inspected]
    refused = [one.replace("ins_", "rep_") for one in worked["mes"]["miscounted_inspections"]]
    return Counter([*missing, *refused])


def asked_to_inspect(rows: Iterable[Row]) -> Counter[str]:
    """MES reports for which an inspection task was made."""
    made = [row["content"] for row in rows if row["operation"] == "POST tasks" and row["effect"] == "created"]
    return Counter(task["report_id"] for task in made if task["kind"] == "inspection")


def to_hand_over(worked: Mapping[str, Any], expected: Expected) -> Counter[tuple[str, str]]:
    """MES work order and the work centre of its next operation, for each report that does not finish the item."""
    codes = {order["number"]: order["material_code"] for order in worked["mes"]["completed"]}
    serials = {view.code: serial for serial, view in expected.views["mes"].items()}
    found: Counter[tuple[str, str]] = Counter()
    for report in worked["mes"]["reports"]:
        if report["quantity_good"] > 0 and not report["finishes"]:
            steps = _steps(expected, serials[codes[report["work_order_number"]]])
            step = next(step for step in steps if step.sequence > report["operation_seq"])
            if not step.outside:
                found[report["work_order_number"], step.work_centre] += 1
    return found


def _steps(expected: Expected, serial: int) -> list[Operation]:
    return sorted((one for one in expected.plant.operations if one.material == serial), key=lambda one: one.sequence)


def handed_over(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    """MES work order and work centre of each task that tells the next station."""
    made = [row["content"] for row in rows if row["operation"] == "POST tasks" and row["effect"] == "created"]
    return Counter((task["work_order_number"], task["work_centre"]) for task in made if task["kind"] == "handover")


def to_rework(worked: Mapping[str, Any], expected: Expected) -> set[tuple[str, Fraction, str]]:
    """MES work order, failed pieces, and the work centre of the operation they were reported from."""
    codes = {order["number"]: order["material_code"] for order in worked["mes"]["completed"]}
    serials = {view.code: serial for serial, view in expected.views["mes"].items()}
    failed = {one.replace("ins_", "rep_") for one in worked["mes"]["failed_inspections"]}
    found = set()
    for report in (one for one in worked["mes"]["reports"] if one["id"] in failed):
        steps = _steps(expected, serials[codes[report["work_order_number"]]])
        owner = next(step.work_centre for step in steps if step.sequence == report["operation_seq"])
        found.add((report["work_order_number"], Fraction(str(report["quantity_scrap"])), owner))
    return found


def reworked(rows: Iterable[Row]) -> set[tuple[str, Fraction, str]]:
    """The same of each rework task that was made."""
    made = [row["content"] for row in rows if row["operation"] == "POST tasks" and row["effect"] == "created"]
    return {
        (task["work_order_number"], Fraction(str(task["quantity"])), task["work_centre"])
        for task in made
        if task["kind"] == "rework"
    }


ReworkOrder = tuple[str, str, Fraction, str]
"""Inspection that failed, the order its pieces come from, how many, and what else must hold: audited, of this item."""


def rework_to_order(worked: Mapping[str, Any]) -> dict[str, Counter[ReworkOrder]]:
    """The rework orders of the ERP and of the MES that must follow: one of each for what an inspection rejected.

    The shop floor books the rejected pieces as scrap of the report, so they are in nobody's stock.
    """
    orders = {order["number"]: order for order in worked["mes"]["completed"]}
    failed = {one.replace("ins_", "rep_"): one for one in worked["mes"]["failed_inspections"]}
    found: dict[str, Counter[ReworkOrder]] = {"erp": Counter(), "mes": Counter()}
    for report in (one for one in worked["mes"]["reports"] if one["id"] in failed):
        order, pieces = orders[report["work_order_number"]], Fraction(str(report["quantity_scrap"]))
        found["erp"][failed[report["id"]], order["erp_order_no"], pieces, "C"] += 1
        found["mes"][failed[report["id"]], order["number"], pieces, order["material_code"]] += 1
    return found


def rework_ordered(rows: Mapping[str, Iterable[Row]]) -> dict[str, Counter[ReworkOrder]]:
    """The same of each rework order that was made; those of the ERP as they stand in the end."""
    found: dict[str, Counter[ReworkOrder]] = {"erp": Counter(), "mes": Counter()}
    bills = [row for row in rows["erp"] if row["operation"].startswith("PRD_MO.") and _reworks(row)]
    states = {row["document"]: row["content"]["FDocumentStatus"] for row in bills}
    for row in (one for one in bills if one["effect"] == "created"):
        content = row["content"]
        [entry] = content["FTreeEntity"]
        pieces = Fraction(str(entry["FQty"]))
        found["erp"][_inspection(row), content["F_MS_ReworkOf"], pieces, states[row["document"]]] += 1
    for row in rows["mes"]:
        if row["operation"] == "POST work_orders" and row["content"]["kind"] == "rework":
            order = row["content"]
            pieces = Fraction(str(order["quantity"]))
            found["mes"][_inspection(row), order["rework_of"], pieces, order["material_code"]] += 1
    return found


def _reworks(row: Row) -> bool:
    return bool(row["content"]["FBillType"] == "SCDD02_SYS")


def _inspection(row: Row) -> str:
    """`rework|ins_4711` → `ins_4711`."""
    return str(row["reference"]).removeprefix("rework|")


def over_standard(worked: Mapping[str, Any], expected: Expected) -> set[str]:
    """ERP orders that took more than a fifth longer than their routings say, by the plant's own routings."""
    serials = {view.code: serial for serial, view in expected.views["mes"].items()}
    found = set()
    for order in worked["mes"]["completed"]:
        reports = [one for one in worked["mes"]["reports"] if one["work_order_number"] == order["number"]]
        steps = {step.sequence: step for step in _steps(expected, serials[order["material_code"]])}
        pieces: defaultdict[int, Fraction] = defaultdict(Fraction)
        for report in reports:
            pieces[report["operation_seq"]] += Fraction(str(report["quantity_good"] + report["quantity_scrap"]))
        minutes = sum(
            steps[sequence].setup_minutes + Fraction(steps[sequence].run_minutes) * made
            for sequence, made in pieces.items()
        )
        if sum(Fraction(str(report["hours"])) for report in reports) * 60 > minutes * Fraction(6, 5):
            found.add(order["erp_order_no"])
    return found


def roots_written(rows: Mapping[str, Iterable[Row]]) -> Iterator[tuple[str, str]]:
    """(document, root) of every write to a planned document: `M|DW-000901|SO-26-00082|1|1` → item and root."""
    for system in ("erp", "mes"):
        for row in rows[system]:
            reference = row["reference"].removeprefix("urgent|")
            if reference[:2] in {"M|", "P|", "S|"}:
                _, item, *root, _ = reference.split("|")
                yield f"{item}|{'|'.join(root)}|1", "|".join(root)
