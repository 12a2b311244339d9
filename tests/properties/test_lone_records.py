"""Records that are golden records of their own are mastered by a short way: it ends where the long one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.entities import ENTITIES, frame_schema
from mdm import handful
from mdm import reconcile as mastering
from mdm.handful import beside
from mdm.policy import Survival, Valid, load_policies
from mdm.reconcile import Reconciled, reconcile
from mdm.references import CROSSWALK_SCHEMA

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
POLICIES = load_policies()
CHOOSY = POLICIES["work_order"].model_copy(
    update={
        "attributes": {
            "quantity": Survival(strategy="maximum", valid=Valid(at_least=5)),
            "due": Survival(strategy="recency"),
            "status": Survival(strategy="same_as", same_as="quantity"),
            "unit": Survival(strategy="aggregate", aggregate="union"),
        }
    }
)
KNOWN = [POLICIES["sales_order"], POLICIES["work_order"], CHOOSY]
WORDS = st.none() | st.sampled_from(["a", "b"])
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "system": st.sampled_from(["erp", "mes", "crm"]),
            "source_key": st.sampled_from(["1", "2", "3", "4"]),
            "native_id": WORDS,
            "number": WORDS | st.sampled_from(["c", "d", "e"]),
            "status": WORDS,
            "unit": WORDS,
            "quantity": st.none() | st.integers(1, 9).map(Decimal),
            "changed_at": st.none() | st.integers(0, 9).map(lambda days: NOON - timedelta(days=days)),
        }
    ),
    max_size=5,
    unique_by=lambda row: (row["system"], row["source_key"]),
)
BOUND = st.lists(
    st.tuples(st.sampled_from(["erp", "mes", "crm"]), st.sampled_from(["1", "2", "3"]), WORDS, st.sampled_from("abXY")),
    max_size=5,
    unique_by=lambda row: row[:2],
)


def frame_of(entity: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = frame_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def said(outcome: Reconciled) -> list[Any]:
    frames = (outcome.golden, outcome.bindings, outcome.conflicts)
    return [*((frame.schema, frame.to_dicts()) for frame in frames), dict(outcome.effective)]


@pytest.mark.parametrize("number", range(len(KNOWN)), ids=["own_key", "common_key", "choosy"])
@given(rows=RECORDS, bound=BOUND)
def test_lone_records__short_and_long_way_end_alike(
    rows: list[dict[str, Any]], bound: list[tuple[str, ...]], number: int
) -> None:
    policy = KNOWN[number]
    records = frame_of(policy.entity, rows)
    known = pl.DataFrame(bound, schema=CROSSWALK_SCHEMA, orient="row")
    short = reconcile(policy, records, known)
    with (
        patch.object(handful, "HANDFUL", -1),
        patch.object(mastering, "stand_alone", lambda _: False),
        patch("mdm.survivorship.stand_alone", lambda _: False),
    ):
        assert said(reconcile(policy, records, known)) == said(short)


KEYS = st.tuples(WORDS, WORDS)


@given(rows=st.lists(KEYS, max_size=6), told=st.dictionaries(KEYS, st.none() | st.integers(0, 9), max_size=6))
def test_beside__a_handful_and_a_join_find_the_same(
    rows: list[tuple[str | None, str | None]], told: dict[tuple[str | None, str | None], int | None]
) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    schema = {"a": pl.String, "b": pl.String, "n": pl.Int64}
    other = pl.DataFrame([(*key, number) for key, number in told.items()], schema=schema, orient="row")
    few = beside(frame, other, ("a", "b"), "n")
    with patch.object(handful, "HANDFUL", -1):
        many = beside(frame, other, ("a", "b"), "n")
    assert few.dtype == many.dtype
    assert few.to_list() == many.to_list() == [told.get(row) for row in rows]
