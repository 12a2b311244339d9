"""Facts about sales orders: what was begun for them, how their review stands, what they ask for in vain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

from canonical.order_facts import Review
from canonical.strict_json import dumps
from pipeline.fact_sources import FactSources
from pipeline.snapshot import OpenLine, Row, own_orders, rows

REVIEW = "custom_order_review"
REVIEWERS = ("production", "supply")
ORDERED = frozenset({"ordered", "closed"})


def order_facts(sources: FactSources, lines: Sequence[OpenLine]) -> Mapping[str, Callable[[], Iterable[Row]]]:
    """Fact → how it is made."""
    return {
        "open_order": lambda: _open_orders(sources),
        "custom_order": lambda: _custom_orders(sources, lines),
        "unoffered_item": lambda: _unoffered(sources),
    }


def _open_orders(sources: FactSources) -> Iterator[Row]:
    lines: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for line in rows(sources.frames, "sales_order_line"):
        said = {"line": line["line"], "item": line["item"], "quantity": line["quantity"], "due": line["due"]}
        lines[line["order"]].append(said)
    started, ordered = _begun(sources)
    for order in rows(sources.frames, "sales_order"):
        key = order["golden_id"]
        if order["status"] == "draft":
            continue
        yield {
            "sales_order": key,
            "customer": order["customer"],
            "status": order["status"],
            "lines": dumps(sorted(lines[key], key=lambda line: str(line["line"]))),
            "started": started[key],
            "ordered": ordered[key],
        }


def _begun(sources: FactSources) -> tuple[Counter[str], Counter[str]]:
    """Per sales order: work orders of ours that were begun, and purchases that went to a supplier."""
    planned = sources.decided.get("planned_order", {})
    started: Counter[str] = Counter()
    for reference, order in own_orders(sources.frames).items():
        if order.started and reference in planned:
            started[planned[reference]["sales_order"]] += 1
    ordered: Counter[str] = Counter()
    for entity in ("purchase_request", "subcontract_order"):
        for row in rows(sources.frames, entity):
            if row["our_reference"] in planned and row["status"] in ORDERED:
                ordered[planned[row["our_reference"]]["sales_order"]] += 1
    return started, ordered


# -- reviews -----------------------------------------------------------------------------------------------------


def _custom_orders(sources: FactSources, lines: Sequence[OpenLine]) -> Iterator[Row]:
    due: dict[str, date] = {}
    for line in lines:
        due[line.order] = min(line.due, due.get(line.order, line.due))
    for order in rows(sources.frames, "sales_order"):
        key = order["golden_id"]
        if order["custom"] and key in due:
            said = _reviews(sources, key)
            yield {
                "sales_order": key,
                "customer": order["customer"],
                "due": due[key],
                **said,
                "verdict": _verdict(said.values()),
                "note": _refusals(sources, key),
            }


def _reviews(sources: FactSources, order: str) -> dict[str, Review]:
    """Reviewer → how the review stands; what was withdrawn is open again."""
    found = sources.tasks.get((REVIEW, order), {})
    states = {owner: task.state for owner, task in found.items()}
    settled: dict[str, Review] = {"done": "done", "refused": "refused"}
    return {reviewer: settled.get(states.get(reviewer, "open"), "open") for reviewer in REVIEWERS}


def _verdict(said: Iterable[Review]) -> Review:
    known = set(said)
    return "refused" if "refused" in known else "open" if "open" in known else "done"


def _refusals(sources: FactSources, order: str) -> str | None:
    found = sources.tasks.get((REVIEW, order), {})
    notes = [f"{owner}: {task.note or '-'}" for owner, task in sorted(found.items()) if task.state == "refused"]
    return "; ".join(notes) or None


def review_note(sources: FactSources, order: Row) -> str | None:
    """What the customer desk reads about the review of a custom order; nothing once it is done."""
    if not order["custom"] or order["status"] != "open":
        return None
    said = _reviews(sources, order["golden_id"])
    verdict = _verdict(said.values())
    if verdict == "refused":
        return f"review refused / 评审未通过: {_refusals(sources, order['golden_id'])}"
    return "in review / 评审中" if verdict == "open" else None


# -- what is not offered -----------------------------------------------------------------------------------------


def _unoffered(sources: FactSources) -> Iterator[Row]:
    for asked, orders in sources.unoffered.items():
        yield {"asked": asked, "orders": len(set(orders)), "last_order": max(orders)}
