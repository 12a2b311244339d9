"""What a FilterString means, in both shapes, and what it is refused for."""

from functools import partial

import pytest

from sandbox.erp.columns import column_named, columns
from sandbox.erp.envelope import BAD_PARAMETER, NOT_FOUND, Refused
from sandbox.erp.filters import Condition, local_time, parse_filter
from sandbox.erp.forms import FORMS

FIND = partial(column_named, columns(FORMS["PRD_MO"]))


def _parsed(given: object) -> Condition:
    return parse_filter(given, FIND)


@pytest.mark.parametrize("given", [None, "", []])
def test_parse_filter__nothing_means_everything(given: object) -> None:
    assert _parsed(given).sql == "1"


def test_parse_filter__text_and_quote() -> None:
    assert _parsed("FBillNo = 'MO''1'") == Condition("h.number = ?", ("MO'1",), in_rows=False)


def test_parse_filter__time_takes_the_stored_shape() -> None:
    found = _parsed("FModifyDate>='2026-03-01 08:00:00' and FDocumentStatus='C'")
    assert found.sql == '(h."FModifyDate" >= ? AND h."FDocumentStatus" = ?)'
    assert found.values == ("2026-03-01T08:00:00", "C")


def test_parse_filter__or_binds_weaker_than_and() -> None:
    found = _parsed("FBillNo='a' and FBillNo='b' or FBillNo='c'")
    assert found.sql == "((h.number = ? AND h.number = ?) OR h.number = ?)"


def test_parse_filter__parentheses_in_and_rows() -> None:
    found = _parsed("(FStatus in ('3','4') or FQty>10.5) and F_MS_Ref <> ''")
    assert found.sql == '((e."FStatus" IN (?,?) OR CAST(e."FQty" AS REAL) > ?) AND h."F_MS_Ref" <> ?)'
    assert found.values == ("3", "4", 10.5, "")
    assert found.in_rows


def test_parse_filter__like_null_and_not() -> None:
    found = _parsed("FSaleOrderNo not like 'SO%' and F_MS_Ref is not null and FBillNo not in ('x')")
    assert found.values == ("SO%", "x")
    assert "NOT LIKE" in found.sql
    assert "IS NOT NULL" in found.sql
    assert "NOT IN" in found.sql


def test_parse_filter__list_shape() -> None:
    rows = [
        {"Left": "(", "FieldName": "FBillNo", "Compare": "67", "Value": "a", "Right": "", "Logic": 1},
        {"Left": "", "FieldName": "FBillNo", "Compare": "=", "Value": "b'", "Right": ")", "Logic": 0},
        {"FieldName": "FDocumentStatus", "Compare": "<>", "Value": "C"},
    ]
    found = _parsed(rows)
    assert found.sql == '((h.number = ? OR h.number = ?) AND h."FDocumentStatus" <> ?)'
    assert found.values == ("a", "b'", "C")


def test_parse_filter__unknown_field() -> None:
    with pytest.raises(Refused, match="元数据中标识为FNope的字段不存在") as refused:
        _parsed("FNope='1'")
    assert refused.value.msg_code == NOT_FOUND


@pytest.mark.parametrize(
    "given",
    ["FBillNo", "FBillNo='a' and", "(FBillNo='a'", "FBillNo='a')", "FBillNo='a'; drop", "FQty>'x'", 5,
     "FModifyDate>'soon'", "FBillNo not = 'a'", ["x"], [{"FieldName": "FBillNo", "Compare": "99"}]],
)  # fmt: skip
def test_parse_filter__refuses_what_it_cannot_read(given: object) -> None:
    with pytest.raises(Refused) as refused:
        _parsed(given)
    assert refused.value.msg_code == BAD_PARAMETER


@pytest.mark.parametrize("text", ["2026-01-02", "2026-01-02 00:00:00", "2026-01-02T00:00:00.000"])
def test_local_time__every_shape_of_the_vendor(text: str) -> None:
    assert local_time(text) == "2026-01-02T00:00:00"
