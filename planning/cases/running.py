"""The one door: a case that was read in, the answer of the planner to it, and what of it was not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from canonical.strict_yaml import Path_
from planning.cases.amounts import SCALES, CaseFault, CaseRefused
from planning.cases.dated import effectivity_answer, suppliers_answer
from planning.cases.forms import KINDS, Form, Table, unread
from planning.cases.lots import atp_answer, lot_answers, minimum_answers
from planning.cases.table_lines import table_answer
from planning.cases.tables import TableSnapshot

_ANSWERS: dict[str, Callable[[Any], dict[str, Any] | list[Any]]] = {
    "mrp_table": table_answer,
    "lot_sizing": lot_answers,
    "moq_allocation": minimum_answers,
    "atp": atp_answer,
    "ctp": suppliers_answer,
    "effectivity": effectivity_answer,
}


def form_of(document: Mapping[str, Any]) -> type[Form]:
    """The form a case's `kind` says; raises CaseRefused."""
    kind = document.get("kind")
    if kind not in KINDS:
        said = "a case says its `kind`" if kind is None else f"{kind!r} is no kind of case"
        raise CaseRefused(CaseFault(("kind",), f"{said}; known: {', '.join(sorted(KINDS))}"))
    return KINDS[cast("str", kind)]


def run_case(form: Form) -> dict[str, Any] | list[Any]:
    """The answer to one case: the keys of its `expected`, or `{"cases": [...]}` with each case's expected keys.

    Raises CaseRefused for what contradicts itself, or what the planner names as a problem.
    """
    kind = next(kind for kind, known in KINDS.items() if isinstance(form, known))
    return _ANSWERS[kind](form)


def left_out(form: Form) -> Iterator[tuple[Path_, str]]:
    """What the answer does not count: keys nobody reads, and what lies after a table's last bucket."""
    for path in unread(form):
        yield path, f"key {path[-1]!r} is not read"
    if isinstance(form, Table):
        for path in TableSnapshot(form, SCALES[-1]).beyond():
            yield path, "after the last bucket, left out"
