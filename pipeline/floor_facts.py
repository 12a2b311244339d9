"""Facts about the shop floor, from its reports and inspections and the routings they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.fact_sources import FactSources, sales_order_of
from pipeline.inspections import rejected, reported, reports_by_key, sound
from pipeline.open_documents import rework_reference
from pipeline.snapshot import Row, routings, rows

OPEN = frozenset({"planned", "released", "running"})
MINUTES = Decimal(60)
PLACES = Decimal("0.001")
"""Hours to the thousandth."""


def floor_facts(sources: FactSources) -> Mapping[str, Callable[[], Iterable[Row]]]:
    """Fact → how it is made."""
    return {
        "open_work": lambda: _open_work(sources),
        "operation_done": lambda: _operations_done(sources),
        "failed_inspection": lambda: _failed_inspections(sources),
        "refused_inspection": lambda: _refused_inspections(sources),
        "work_hours": lambda: _work_hours(sources),
        "defect_rate": lambda: _defect_rates(sources),
    }


def _open_work(sources: FactSources) -> Iterator[Row]:
    for row in rows(sources.frames, "work_order"):
        if row["our_reference"] and row["status"] in OPEN:
            yield {
                "reference": row["our_reference"],
                "item": row["item"],
                "due": row["due"],
                "status": row["status"],
                "sales_order": sales_order_of(row, sources.decided),
            }


def _operations_done(sources: FactSources) -> Iterator[Row]:
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    steps = routings(sources.frames)
    inspected = {row["report"] for row in rows(sources.frames, "inspection")}
    for report in rows(sources.frames, "operation_report"):
        order = work.get(report["work_order"])
        if order is None or report["sequence"] is None or report["good"] <= 0:
            continue
        after = [step for step in steps.get(order["item"], ()) if step["sequence"] > report["sequence"]]
        coming = after[0] if after else None
        yield {
            "report": report["golden_id"],
            "work_order": report["work_order"],
            "item": order["item"],
            "sequence": report["sequence"],
            "good": report["good"],
            "last": coming is None,
            "inspected": report["golden_id"] in inspected,
            "next_sequence": coming["sequence"] if coming else None,
            "next_name": coming["name"] if coming else None,
            "next_work_centre": coming["work_centre"] if coming and not coming["outside"] else None,
            "sales_order": sales_order_of(order, sources.decided),
        }


# -- inspections -------------------------------------------------------------------------------------------------


def _failed_inspections(sources: FactSources) -> Iterator[Row]:
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    reports, known = reports_by_key(sources.frames), sources.decided.get("failed_inspection", {})
    shares = rejected(sources.frames, reports, known)
    steps = routings(sources.frames)
    for row in sound(sources.frames, reports):
        order = work.get(row["work_order"])
        if row["result"] != "failed" or order is None:
            continue
        sequence = reports.get(row["report"] or "", {}).get("sequence")
        owner = next((step for step in steps.get(order["item"], ()) if step["sequence"] == sequence), {})
        old = known.get(row["golden_id"], {})
        yield {
            "inspection": row["golden_id"],
            "reference": rework_reference(row["golden_id"]),
            "work_order": row["work_order"],
            "item": order["item"],
            "failed": row["failed"],
            "report": row["report"],
            "rejected": shares[row["golden_id"]],
            # As first decided: days that slide with the calendar must not become a change a day.
            "start": old.get("start") or sources.as_of,
            "due": old.get("due") or max(order["due"] or sources.as_of, sources.as_of),
            "sequence": sequence,
            "work_centre": owner.get("work_centre"),
            "reason": row["reason"],
            "sales_order": sales_order_of(order, sources.decided),
        }


def _refused_inspections(sources: FactSources) -> Iterator[Row]:
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    reports = reports_by_key(sources.frames)
    for row in rows(sources.frames, "inspection"):
        said = reported(row, reports)
        if row["work_order"] in work and said is not None and said != row["inspected"]:
            yield {
                "inspection": row["golden_id"],
                "work_order": row["work_order"],
                "report": row["report"],
                "reported": said,
                "inspected": row["inspected"],
                "sales_order": sales_order_of(work[row["work_order"]], sources.decided),
            }


# -- hours and defects -------------------------------------------------------------------------------------------


def _work_hours(sources: FactSources) -> Iterator[Row]:
    """Per work order: hours reported, beside setup once an operation and run time a piece."""
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    steps = {(item, step["sequence"]): step for item, found in routings(sources.frames).items() for step in found}
    actual: defaultdict[str, Decimal] = defaultdict(Decimal)
    pieces: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for report in rows(sources.frames, "operation_report"):
        order = work.get(report["work_order"])
        if order is not None and report["hours"] is not None and (order["item"], report["sequence"]) in steps:
            actual[report["work_order"]] += report["hours"]
            pieces[report["work_order"], report["sequence"]] += report["good"] + (report["scrapped"] or Decimal(0))
    standard: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (key, sequence), made in pieces.items():
        standard[key] += _standard(steps[work[key]["item"], sequence], made)
    for key, hours in actual.items():
        if standard[key] > 0:
            yield {"work_order": key, "item": work[key]["item"], "actual": hours, "standard": standard[key]}


def _standard(step: Row, made: Decimal) -> Decimal:
    minutes = (step["setup_minutes"] or Decimal(0)) + (step["run_minutes"] or Decimal(0)) * made
    return (minutes / MINUTES).quantize(PLACES, ROUND_HALF_EVEN)


def _defect_rates(sources: FactSources) -> Iterator[Row]:
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    inspected: defaultdict[str, Decimal] = defaultdict(Decimal)
    failed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in sound(sources.frames, reports_by_key(sources.frames)):
        if row["work_order"] in work:
            inspected[work[row["work_order"]]["item"]] += row["inspected"]
            failed[work[row["work_order"]]["item"]] += row["failed"]
    for item, count in inspected.items():
        yield {"item": item, "inspected": count, "failed": failed[item]}
