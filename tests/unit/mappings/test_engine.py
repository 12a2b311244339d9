from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from canonical.strict_json import dumps
from mappings.engine import InboundMapping, Rejected, compile_inbound
from mappings.loading import load_inbound
from mappings.spec import InboundSpec

FOLDER = Path(__file__).parents[3] / "mappings"
ERP_ITEM = {
    "FMATERIALID": 100001, "FNumber": "05.000.001", "FName": "叉车", "FSpecification": " ",
    "FBaseUnitId.FNumber": "Pcs", "FErpClsID": "2", "F_MS_DrawingNo": "ＤＷ－０００４１７", "FFixLeadTime": 5,
    "FSafeStock": Decimal("12.50"),
    "FMinPOQty": 0, "FIncreaseQty": "1.0000000000", "FOrderPolicy": "1", "FEOQ": None,
    "FOrderIntervalTime": 7, "FMaxPOQty": None, "F_MS_OrderUpTo": None, "F_MS_SafeTime": 2, "FPlanTimeZone": None,
    "F_MS_ScrapRate": "2.5", "FPlanMode": "1", "FForbidStatus": "B", "FModifyDate": "2026-11-22T03:00:00.123",
}  # fmt: skip


def mapping(name: str, timezone: str = "Asia/Shanghai") -> InboundMapping:
    return compile_inbound(load_inbound(FOLDER / f"{name}.inbound.yaml"), timezone)


def apply(compiled: InboundMapping, *records: dict[str, Any] | str) -> tuple[list[dict[str, Any]], list[Rejected]]:
    texts = [record if isinstance(record, str) else dumps(record) for record in records]
    frame, rejected = compiled.apply(pl.DataFrame({"record": texts}, schema={"record": pl.String}), "sys")
    assert dict(frame.schema) == frame_schema(compiled.model)
    return frame.to_dicts(), rejected


def spec(**fields: Any) -> InboundMapping:
    return compile_inbound(InboundSpec.model_validate({"entity": "item", "stream": "s", "fields": fields}), "UTC")


def test_apply__literal_dotted_keys_and_every_type() -> None:
    (row,), rejected = apply(mapping("erp/item"), ERP_ITEM)
    assert not rejected
    assert row["unit"] == "pcs"
    assert row["specification"] is None
    assert row["drawing_number"] == "DW-000417"
    assert row["safety_stock"] == Decimal("12.5")
    assert row["lead_time_days"] == 5
    assert (row["lot_rule"], row["lot_period_days"], row["safety_time_days"]) == ("period", 7, 2)
    assert (row["scrap_rate"], row["kept_apart"]) == (Decimal("0.025"), True)
    assert row["obsolete"] is True
    assert row["native_id"] == "100001"
    assert row["changed_at"] == datetime(2026, 11, 21, 19, 0, 0, 123000, tzinfo=UTC)
    assert row["absent"] == []


def test_apply__null_and_absent_stay_different() -> None:
    record = {**ERP_ITEM, "FSafeStock": None}
    del record["FMinPOQty"]
    (row,), _ = apply(mapping("erp/item"), record)
    assert row["safety_stock"] is None
    assert row["absent"] == ["lot_minimum"]


def test_apply__unmapped_fields_are_absent_but_keep_their_default() -> None:
    order = {"FBillNo": "MO1", "FMaterialId.FNumber": "1", "FQty": 5, "FStatus": "3", "FCancelStatus": "A"}
    (row,), _ = apply(mapping("erp/work_order"), order)
    assert row["scrapped"] == 0
    assert "scrapped" in row["absent"]
    assert row["status"] == "released"


def test_apply__case_wins_over_code() -> None:
    order = {"FBillNo": "MO1", "FMaterialId.FNumber": "1", "FQty": 5, "FStatus": "99", "FCancelStatus": "B"}
    (row,), rejected = apply(mapping("erp/work_order"), order)
    assert not rejected
    assert row["status"] == "cancelled"


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        ({"FBaseUnitId.FNumber": "dozenish"}, "unknown_unit", "FBaseUnitId.FNumber"),
        ({"FErpClsID": "9"}, "unknown_code", "FErpClsID"),
        ({"FSafeStock": "1,5"}, "bad_number", "FSafeStock"),
        ({"FSafeStock": "1.0000000001"}, "bad_number", "FSafeStock"),
        ({"FSafeStock": "NaN"}, "bad_number", "FSafeStock"),
        ({"FFixLeadTime": "2.5"}, "bad_number", "FFixLeadTime"),
        ({"FNumber": " "}, "missing_key", "FNumber"),
        ({"FModifyDate": "yesterday"}, "bad_time", "FModifyDate"),
        ({"FName": {"zh": "叉车"}}, "not_a_value", "FName"),
        ({"FName": "fork\x00lift"}, "bad_text", "FName"),
    ],
)
def test_apply__fault_is_named_and_placed(change: dict[str, Any], rule: str, path: str) -> None:
    rows, (rejected,) = apply(mapping("erp/item"), {**ERP_ITEM, **change})
    assert rows == []
    assert (rejected.rule, rejected.path) == (rule, path)
    assert rejected.payload == dumps({**ERP_ITEM, **change})


@pytest.mark.parametrize(("number", "rule"), [("05\x00", "bad_text"), ({"zh": "叉车"}, "not_a_value")])
def test_apply__a_key_that_is_none__is_not_said_to_be_one(number: object, rule: str) -> None:
    """No database would take it: what is refused would keep all others out."""
    _, (rejected,) = apply(mapping("erp/item"), {**ERP_ITEM, "FNumber": number})
    assert (rejected.rule, rejected.path, rejected.source_key) == (rule, "FNumber", None)
    assert "\x00" not in rejected.message + rejected.payload


def test_apply__bad_rows_leave_good_ones_alone() -> None:
    rows, rejected = apply(mapping("erp/item"), ERP_ITEM, "no json", "[1]", {**ERP_ITEM, "FNumber": "2"})
    assert [row["code"] for row in rows] == ["05.000.001", "2"]
    assert [each.rule for each in rejected] == ["not_json", "not_json"]


def test_apply__all_faults_of_a_row_are_named() -> None:
    _, (rejected,) = apply(mapping("erp/item"), {**ERP_ITEM, "FErpClsID": "9", "FSafeStock": "x"})
    assert "'9'" in rejected.message
    assert "'x'" in rejected.message


def test_apply__mandatory_value_missing() -> None:
    line = {
        "Order": {"OrderNumber": "1"},
        "LineNumber__c": 10,
        "Product2": None,
        "Quantity": 1,
        "EndDate": "2026-12-01",
    }
    _, (rejected,) = apply(mapping("crm/sales_order_line"), line)
    assert (rejected.rule, rejected.path) == ("missing_value", "Product2.ProductCode")


def test_apply__nested_paths_and_composite_key() -> None:
    line = {
        "Id": "802", "Order": {"OrderNumber": "00|1"}, "LineNumber__c": 10, "Product2": {"ProductCode": "0071"},
        "Quantity": "1E2", "EndDate": "2026-12-01",
    }  # fmt: skip
    _, (rejected,) = apply(mapping("crm/sales_order_line"), line)
    assert rejected.rule == "bad_number"
    (row,), _ = apply(mapping("crm/sales_order_line"), {**line, "Quantity": Decimal("1E2")})
    assert row["source_key"] == r"00\|1|10"
    assert row["item"] == "0071"
    assert row["due"] == date(2026, 12, 1)
    assert row["quantity"] == 100
    assert "unit" in row["absent"]


def test_apply__unique_keeps_the_last_and_the_lines_stay() -> None:
    entry = {
        "FID": 1, "FNumber": "BOM1", "FMATERIALID.FNumber": "P", "FMATERIALIDCHILD.FNumber": "C", "FNUMERATOR": 2,
        "FDENOMINATOR": 1, "FCHILDUNITID.FNumber": "kg", "FSCRAPRATE": "2.5", "FDocumentStatus": "C",
    }  # fmt: skip
    rows = [{**entry, "FTreeEntity_FEntryId": 7 + n, "FTreeEntity_FSeq": n} for n in (1, 2)]
    heads, _ = apply(mapping("erp/bom"), *rows, {**rows[0], "FDocumentStatus": "A"})
    lines, _ = apply(mapping("erp/bom_line"), *rows, {**entry, "FTreeEntity_FEntryId": None})
    assert [(head["code"], head["in_force"]) for head in heads] == [("BOM1", False)]
    assert [line["source_key"] for line in lines] == ["BOM1|1", "BOM1|2"]
    assert lines[0]["scrap_rate"] == Decimal("0.025")


def test_apply__condition_leaves_records_out_without_rejecting() -> None:
    rows, rejected = apply(
        mapping("wms/pack_conversion"),
        {"sku": "A", "piecesPerBox": 12},
        {"sku": "B"},
        {"sku": "C", "piecesPerBox": None},
    )
    assert [(row["item"], row["factor"]) for row in rows] == [("A", 12)]
    assert not rejected


def test_apply__join_is_null_without_one_of_its_parts() -> None:
    compiled = spec(code="c", name={"join": [{"value": "EU"}, "a.b"]})
    rows, _ = apply(compiled, {"c": "1", "a": {"b": "x|y"}}, {"c": "2", "a": None}, {"c": "3"})
    assert [row["name"] for row in rows] == [r"EU|x\|y", None, None]
    assert ["name" in row["absent"] for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-22T03:00:00.000+0000", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("2026-11-22T03:00:00Z", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("2026-11-22 03:00:00+08:00", datetime(2026, 11, 21, 19, tzinfo=UTC)),
        ("2026-11-22T03:00", datetime(2026, 11, 21, 19, tzinfo=UTC)),
    ],
)
def test_apply__times_are_utc(written: str, expected: datetime) -> None:
    (row,), _ = apply(mapping("erp/item"), {**ERP_ITEM, "FModifyDate": written})
    assert row["changed_at"] == expected


@pytest.mark.parametrize(("said", "good"), [("01.03.2026 08:00:00", True), ("31.31.2026", False)])
def test_apply__change_times_are_read_as_the_system_writes_them(said: str, *, good: bool) -> None:
    raw = {
        "entity": "item",
        "stream": "s",
        "changed_at": {"from": "at", "call": "day_month_year"},
        "fields": {"code": "c"},
    }
    mapped = compile_inbound(InboundSpec.model_validate(raw), "Europe/Berlin")
    rows, rejected = apply(mapped, {"c": "1", "at": said})
    assert [row["changed_at"] for row in rows] == ([datetime(2026, 3, 1, 7, tzinfo=UTC)] if good else [])
    assert [(one.rule, one.path) for one in rejected] == ([] if good else [("bad_time", "at")])
    assert mapped.lineage["changed_at"] == ("at",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("DW-000417", "DW-000417"), ("dw000417", "DW-000417"), ("DW 000417", "DW-000417"),
     ("ＤＷ－０００４１７", "DW-000417"), (" dw_000417 ", "DW-000417"), ("X-1/2", "X1/2"), ("", None)],
)  # fmt: skip
def test_normalise_drawing_number__ways_of_writing(given: str, expected: str | None) -> None:
    compiled = spec(code="c", drawing_number={"from": "d", "call": "normalise_drawing_number"})
    (row,), _ = apply(compiled, {"c": "1", "d": given})
    assert row["drawing_number"] == expected


@pytest.mark.parametrize(
    ("call", "given", "expected"),
    [
        ("local_date", "2026-11-21T19:00:00Z", "2026-11-22"),
        ("local_date", "soon", "soon"),
        ("local_to_utc", "2026-11-22T03:00:00", "2026-11-21T19:00:00.000000Z"),
        ("zero_to_null", "0.00", None),
        ("zero_to_null", "10", "10"),
        ("nfkc", "Ａ１", "A1"),
        ("lower", "Ab", "ab"),
        ("decimal_comma", "1.234.567,50", "1234567.50"),
        ("decimal_comma", "-1 234,5", "-1234.5"),
        ("decimal_comma", "12,5", "12.5"),
        ("decimal_comma", "1.234", "1234"),
        ("decimal_comma", "1.5", "1.5"),
        ("decimal_comma", "1,2,3", "1,2,3"),
        ("year_month_day", "2026/3/1 8:00", "2026-03-01 8:00"),
        ("year_month_day", "20260301", "2026-03-01"),
        ("year_month_day", "2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"),
        ("year_month_day", "soon", "soon"),
        ("day_month_year", "1.3.2026", "2026-03-01"),
        ("day_month_year", "01/03/2026 08:00", "2026-03-01 08:00"),
        ("month_day_year", "3/1/2026", "2026-03-01"),
        ("unix_seconds", "1772352300", "2026-03-01T08:05:00.000000Z"),
        ("unix_milliseconds", "1772352300250", "2026-03-01T08:05:00.250000Z"),
        ("unix_seconds", "1e9", "1e9"),
    ],
)
def test_functions__text_to_text(call: str, given: str, expected: str | None) -> None:
    raw = {"entity": "item", "stream": "s", "fields": {"code": "c", "name": {"from": "n", "call": call}}}
    (row,), _ = apply(compile_inbound(InboundSpec.model_validate(raw), "Asia/Shanghai"), {"c": "1", "n": given})
    assert row["name"] == expected


def test_places__rounds_half_to_even() -> None:
    compiled = spec(code="c", safety_stock={"from": "q", "places": "2"})
    (row,), _ = apply(compiled, {"c": "1", "q": "0.12500000000000"})
    assert row["safety_stock"] == Decimal("0.12")


def test_apply__codes_stay_text() -> None:
    (row,), _ = apply(spec(code="c", name="n"), {"c": "007", "n": Decimal("1.10")})
    assert (row["code"], row["name"]) == ("007", "1.1")


def test_apply__no_rows() -> None:
    rows, rejected = apply(mapping("mes/work_order"))
    assert (rows, rejected) == ([], [])


def test_every_mapping_file__its_rows_are_entities() -> None:
    (row,), _ = apply(mapping("erp/item"), ERP_ITEM)
    model = ENTITIES["item"]
    model.model_validate({name: row[name] for name in model.model_fields})


def test_lineage__canonical_field_from_raw_fields() -> None:
    lineage = mapping("erp/work_order").lineage
    assert lineage["status"] == ("FStatus", "FCancelStatus")
    assert lineage["source_key"] == ("FBillNo",)
    assert lineage["priority"] == ()
