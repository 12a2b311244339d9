"""Whatever text stands in a FilterString, it is refused in the vendor's words or runs as one condition."""

import sqlite3
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sandbox.erp.columns import column_named, columns
from sandbox.erp.envelope import Refused
from sandbox.erp.filters import parse_filter
from sandbox.erp.forms import FORMS
from sandbox.erp.tables import create_tables

PIECES = (
    "FBillNo", "FQty", "FModifyDate", "FID", "F_MS_Ref", "FMaterialId.FNumber", "FMaterialId", "Other", "=", "<>", ">=",
    "<", "like", "in", "not", "is", "null", "and", "or", "(", ")", ",", "'a'", "'a''b'", "5", "-1.5", "'2026-01-02'",
    ";", "--",
)  # fmt: skip
FORM = FORMS["PRD_MO"]
FIND = partial(column_named, columns(FORM))


def _run(text: str) -> None:
    try:
        condition = parse_filter(text, FIND)
    except Refused:
        return
    db = sqlite3.connect(":memory:")
    create_tables(db)
    joined = f'"{FORM.form_id}" h JOIN "{FORM.form_id}_rows" e ON e.head_id = h.id'
    assert db.execute(f"SELECT h.id FROM {joined} WHERE {condition.sql}", condition.values).fetchall() == []
    db.close()


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_parse_filter__words_in_any_order(text: str) -> None:
    _run(text)


@given(st.text(max_size=60))
def test_parse_filter__any_text(text: str) -> None:
    _run(text)


@given(st.text(max_size=20))
def test_parse_filter__a_quoted_value_stays_a_value(value: str) -> None:
    quoted = value.replace("'", "''")
    assert parse_filter(f"FBillNo = '{quoted}'", FIND).values == (value,)
