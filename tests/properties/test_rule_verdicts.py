"""One rule, two evaluators: over any records and any condition, bulk decides what one by one decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from canonical.entities import ENTITIES, golden_schema
from canonical.strict_yaml import Document
from rules.bulk import decide_all
from rules.decide import decide
from rules.diff import diff
from rules.loading import compiled
from rules.nodes import written
from rules.parsing import MAX_LENGTH, ConditionError, parsed
from rules.records import FrameRecords
from rules.rulebook import Rulebook
from rules.ruleset import RuleSet
from rules.scope import Scope

KEYS = ("a", "b", "c", "d")
TEXTS = ("A", "B", "Ä", "", "trägt", "轴承", "A1")
STATUSES = ("planned", "released", "running")
EDGES = ("0", "0.000000001", "0.5", "1.5", "-2", "3", "0.333333333", "1000000", "99999999999999999")
numbers = st.sampled_from([Decimal(edge) for edge in EDGES]) | st.decimals(-1000, 1000, places=9)
days = st.dates(date(2026, 1, 30), date(2026, 3, 2))
moments = st.integers(0, 72 * 3600).map(lambda seconds: datetime(2026, 2, 27, tzinfo=UTC) + timedelta(seconds=seconds))
spans = st.integers(0, 3).map(lambda amount: timedelta(days=amount))
texts = st.sampled_from(TEXTS)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def rows(entity: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[pl.DataFrame]:
    """Up to four golden records; fields not named are null."""
    schema = golden_schema(ENTITIES[entity])
    keyed = st.lists(st.sampled_from(KEYS), unique=True, max_size=4)
    row = st.fixed_dictionaries(values)

    def framed(keys: list[str], found: list[dict[str, Any]]) -> pl.DataFrame:
        full = [
            {name: one.get(name) for name in schema} | {"golden_id": key} for key, one in zip(keys, found, strict=True)
        ]
        return pl.DataFrame(full, schema=schema)

    return keyed.flatmap(
        lambda keys: st.lists(row, min_size=len(keys), max_size=len(keys)).map(lambda found: framed(keys, found))
    )


WORK = rows(
    "work_order", item=texts, number=maybe(texts), quantity=numbers, good=maybe(numbers), start=maybe(days),
    due=maybe(days), priority=maybe(st.integers(-5, 5)), status=st.sampled_from(STATUSES),
    sales_order=maybe(st.sampled_from(KEYS)),
)  # fmt: skip
ORDERS = rows("sales_order", number=texts, urgent=maybe(st.booleans()), customer=maybe(texts), ordered_on=maybe(days))
REPORTS = rows("operation_report", work_order=st.sampled_from(KEYS), good=numbers, reported_at=maybe(moments))


def fields(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{source}{name}" for name in names for source in ("", "old.", "new.")])


def pairs(inner: st.SearchStrategy[str], *signs: str) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(signs), inner).map(lambda said: f"({said[0]} {said[1]} {said[2]})")


NUMBER = st.recursive(
    fields("quantity", "good", "priority") | st.just("report.good") | numbers.map(written),
    lambda inner: pairs(inner, "+", "-", "*", "/", "??") | inner.map(lambda said: f"-({said})"),
    max_leaves=3,
)
TEXT = fields("item", "number") | st.sampled_from(["order.customer", "order.number"]) | texts.map(written)
DAY = fields("due", "start") | st.just("order.ordered_on") | days.map(written)
DAYS = DAY | st.tuples(DAY, st.sampled_from("+-"), spans.map(written)).map(lambda said: f"({' '.join(said)})")
MOMENT = st.just("report.reported_at") | moments.map(written)
ORDER = ("==", "!=", "<", "<=", ">", ">=")
LEAF = (
    pairs(NUMBER, *ORDER) | pairs(TEXT, *ORDER) | pairs(DAYS, *ORDER) | pairs(MOMENT, *ORDER)
    | st.just("order.urgent") | st.just("(order.urgent == false)")
    | st.tuples(DAY, DAY, spans).map(lambda said: f"({said[0]} - {said[1]} > {written(said[2])})")
    | pairs(TEXT, "in")
    | st.tuples(fields("status"), st.sampled_from(STATUSES)).map(lambda said: f'({said[0]} in ["{said[1]}", null])')
    | st.tuples(fields("priority", "good"), numbers).map(lambda said: f"({said[0]} in [{written(said[1])}, 1, null])")
    | st.tuples(fields("good", "due", "number"), st.sampled_from(["== null", "!= null"])).map(" ".join)
)  # fmt: skip
CONDITION = st.recursive(
    LEAF,
    lambda inner: pairs(inner, "and", "or") | inner.map(lambda said: f"(not {said})"),
    max_leaves=4,
)


def rules_of(*written_rules: dict[str, Any]) -> RuleSet:
    values = {"rules": list(written_rules)}
    rules, faults = compiled([(Rulebook.model_validate(values, strict=False), Document("book", values, {}))])
    assert not faults, [str(fault) for fault in faults]
    return RuleSet(rules)


def usable(condition: str | None) -> bool:
    """Two written numbers are put together when the rule is loaded, which refuses what does not fit."""
    try:
        if condition is not None:
            parsed(condition, SCOPE)
    except ConditionError as refused:
        if not any(reason in str(refused) for reason in ("arithmetic error", "nine places", "at most")):
            raise
        return False
    return True


SCOPE = Scope("work_order", {"order": "sales_order", "report": "operation_report"})


def rule(name: str, condition: str | None, unless: str | None = None, **when: Any) -> dict[str, Any]:
    return {
        "name": name, "why": {"en": "", "zh": ""}, "if": condition, "unless": unless,
        "when": {"entity": "work_order", "event": ["created", "changed", "deleted"], **when},
        "related": {
            "order": {"entity": "sales_order", "key": "sales_order"},
            "report": {"entity": "operation_report", "key": "golden_id", "by": "work_order"},
        },
        "then": [{"notify": "a", "key": "{golden_id}|{order.customer}", "text": {"en": "{good}", "zh": "{old.due}"}}],
    }  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    work=st.tuples(WORK, WORK), related=st.tuples(ORDERS, REPORTS), condition=CONDITION, unless=st.none() | CONDITION
)
def test_bulk__decides_what_one_by_one_decides(
    work: tuple[pl.DataFrame, pl.DataFrame],
    related: tuple[pl.DataFrame, pl.DataFrame],
    condition: str,
    unless: str | None,
) -> None:
    assume(usable(condition) and usable(unless))
    frames = dict(zip(("sales_order", "operation_report"), related, strict=True)).get
    changes = diff("work_order", *work, "golden_id", fields=[name for name in work[1].columns if name != "sources"])
    rules = rules_of(
        rule("first", condition, unless),
        rule("second", None, condition, fields=["due", "quantity"]) | {"priority": -1},
        rule("third", condition, origin=["crm"]),
    )
    records = FrameRecords(frames)
    assert decide_all(changes, rules, records, frames) == decide(changes.rows(), rules, records)


@settings(max_examples=100, deadline=None)
@given(condition=CONDITION)
def test_condition__written_out_is_the_same_condition(condition: str) -> None:
    assume(usable(condition))
    node = parsed(condition, SCOPE)
    assume(len(str(node)) <= MAX_LENGTH)
    assert parsed(str(node), SCOPE) == node
