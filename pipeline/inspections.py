"""What inspections say of reported pieces: which of them count, and which pieces a rework order brings back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from pipeline.golden_rows import ZERO, Frames, Row, rows


def reported(row: Row, reports: Mapping[str, Row]) -> Decimal | None:
    """What the report an inspection is about says; None where it names none."""
    report = reports.get(row["report"] or "")
    return None if report is None else report["good"] + (report["scrapped"] or ZERO)


def reports_by_key(frames: Frames) -> dict[str, Row]:
    """Every report of the shop floor by its golden id."""
    return {row["golden_id"]: row for row in rows(frames, "operation_report")}


def sound(frames: Frames, reports: Mapping[str, Row]) -> Iterator[Row]:
    """Inspections of what was reported, all of it and no more."""
    for row in rows(frames, "inspection"):
        if reported(row, reports) in {None, row["inspected"]}:
            yield row


def rejected(frames: Frames, reports: Mapping[str, Row], known: Mapping[str, Row]) -> dict[str, Decimal]:
    """Failed inspection → how many of its failed pieces its report booked as scrap.

    These have left good stock, so a rework order may bring them back. What the report booked as good lies in the
    warehouse already: reworking it adds nothing. A piece is claimed once, however often it is inspected: first by the
    inspections that are `known`, each with the number decided then, then by key.
    """
    claimed: defaultdict[str, Decimal] = defaultdict(Decimal)
    found = {row["golden_id"]: row for row in sound(frames, reports) if row["result"] == "failed"}
    shares: dict[str, Decimal] = {}
    for key in sorted(found, key=lambda key: (key not in known, key)):
        report = found[key]["report"] or ""
        left = (reports[report]["scrapped"] or ZERO) - claimed[report] if report in reports else ZERO
        decided = known[key]["rejected"] if key in known else None
        shares[key] = max(ZERO, min(found[key]["failed"], left)) if decided is None else decided
        claimed[report] += shares[key]
    return shares
