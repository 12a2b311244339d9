from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import CrosswalkPending, UnmappableRecord
from mappings.loading import load_outbound
from mappings.outbound import compile_outbound, json_number, needed_fields
from mappings.spec import OutboundSpec

FOLDER = Path(__file__).parents[3] / "mappings"


@dataclass(frozen=True)
class Context:
    reference: str = "SO1|10|make"
    timezone: str = "Asia/Shanghai"

    def native(self, entity: str, golden_id: str, *, system: str | None = None, technical: bool = False) -> str:
        if golden_id == "unmapped":
            raise CrosswalkPending(entity=entity, key=golden_id)
        return f"{system or 'target'}:{'id' if technical else 'key'}:{golden_id}"

    def native_id(self, entity: str, source_key: str) -> str:
        return f"id of {entity} {source_key}"

    def unit(self, item_golden_id: str, quantity: Decimal) -> tuple[Decimal, str]:
        return quantity * 1000, "g"


def payload(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return compile_outbound(load_outbound(FOLDER / f"{name}.outbound.yaml")).apply(body, Context())


def test_apply__kingdee_bill_is_nested_with_one_row() -> None:
    body = {"item": "g1", "quantity": "1.5", "start": "2026-11-23", "due": "2026-11-30", "sales_order": None}
    assert payload("erp/order_production", body) == {
        "FBillType": {"FNumber": "SCDD01_SYS"},
        "F_MS_Ref": "SO1|10|make",
        "FTreeEntity": [
            {
                "FMaterialId": {"FNumber": "target:key:g1"},
                "FUnitId": {"FNumber": "g"},
                "FQty": 1500,
                "FPlanStartDate": "2026-11-23",
                "FPlanFinishDate": "2026-11-30",
            }
        ],
    }


def test_apply__optional_reference_is_left_out_with_its_parent() -> None:
    body = {"item": "g1", "quantity": "1", "due": "2026-11-30", "supplier": "V1"}
    row = payload("erp/request_purchase", body)["FEntity"][0]
    assert row["FSuggestSupplierId"] == {"FNumber": "target:key:V1"}
    assert "FSuggestSupplierId" not in payload("erp/request_purchase", {**body, "supplier": None})["FEntity"][0]


def test_apply__lists_and_keys_of_another_system() -> None:
    body = {
        "item": "g1", "quantity": "2", "start": "2026-11-23", "due": "2026-11-30", "priority": 3, "erp_order": "w1",
        "kit": [{"item": "g2", "quantity": "0.0005"}], "note": None,
    }  # fmt: skip
    made = payload("mes/order_work", body)
    assert made["erp_order_no"] == "erp:key:w1"
    assert made["kit"] == [{"material_code": "target:key:g2", "quantity": 0.5, "unit": "g"}]
    assert made["priority"] == 3
    assert "note" not in made


def test_apply__null_is_sent_where_the_mapping_does_not_omit_it() -> None:
    body = {"sales_order": "o1", "stage": "made", "percent": "50.0", "promised": None, "note": None}
    assert payload("crm/update_order_progress", body) == {
        "Order__c": "target:id:o1", "Stage__c": "made", "Percent_Complete__c": 50, "Promised_Date__c": None,
        "Note__c": None,
    }  # fmt: skip


def test_apply__decimal_text_where_the_target_takes_text() -> None:
    body = {"item": "g1", "warehouse": "h1", "quantity": "0.12500", "lot": "L1", "source": "WO-1"}
    assert payload("wms/receive_goods", body)["quantity"] == "125"


def test_apply__times_in_the_targets_zone() -> None:
    body = {"work_order": "w1", "item": "g1", "good": "1", "scrapped": "0", "reported_on": "2026-11-22T03:00:00+00:00"}
    made = payload("erp/report_production", body)
    assert made["FReportDate"] == "2026-11-22T11:00:00"
    assert made["FScrapQty"] == 0
    assert (
        payload("erp/report_production", {**body, "reported_on": "2026-11-22"})["FReportDate"] == "2026-11-22T00:00:00"
    )


def test_apply__unmapped_reference_waits() -> None:
    with pytest.raises(CrosswalkPending):
        payload("wms/expedite_picking", {"sales_order": "unmapped", "reason": "late"})


def test_apply__missing_body_field_is_named() -> None:
    with pytest.raises(UnmappableRecord, match="'reason'"):
        payload("wms/expedite_picking", {"sales_order": "o1"})


def test_needed_fields__are_those_without_which_no_payload_is_built() -> None:
    raw = {
        "operation": "o", "entity": "e",
        "fields": {
            "ref": {"our": "reference"}, "part": {"from": "item", "reference": "item"}, "due": "due.day",
            "qty": {"quantity": "quantity", "item": "item"}, "who": {"from": "owner", "default": "-"},
            "note": {"from": "note", "omit_null": True}, "rows": {"each": "lines", "fields": {"x": "inner"}},
            "head": {"fields": {"site": "plant"}}, "fixed": {"value": "1"},
        },
    }  # fmt: skip
    assert needed_fields(OutboundSpec.model_validate(raw)) == {"item", "due", "quantity", "lines", "plant"}


def test_apply__code_map_default_and_text() -> None:
    fields = {
        "a": {"from": "x", "map": {"made": "M"}},
        "b": {"from": "y", "default": "none"},
        "c": {"from": "n", "as": "text"},
        "d.e": {"value": "k"},
        "d.f": {"fields": {"g": "x"}},
    }
    spec = OutboundSpec.model_validate({"operation": "o", "entity": "item", "fields": fields})
    made = compile_outbound(spec).apply({"x": "made", "n": 7}, Context())
    assert made == {"a": "M", "b": "none", "c": "7", "d": {"e": "k", "f": {"g": "made"}}}
    with pytest.raises(UnmappableRecord, match="not in the map"):
        compile_outbound(spec).apply({"x": "bought", "n": 7}, Context())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5.00", 5),
        ("0.1", 0.1),
        ("123456789012345678.5", "123456789012345678.5"),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_json_number__exact_or_text(value: str, expected: object) -> None:
    assert json_number(Decimal(value)) == expected


def test_apply__golden_code_goes_onto_the_record_named_by_its_own_key() -> None:
    body = {"source_key": "M-1", "golden_code": "DW-000001"}
    assert payload("erp/write_item_code", body) == {"FMATERIALID": "id of item M-1", "F_MS_GoldenCode": "DW-000001"}
    assert payload("crm/write_partner_code", body) == {"Id": "id of partner M-1", "Golden_Code__c": "DW-000001"}
    assert payload("wms/write_item_code", body) == {"sku": "SO1|10|make", "goldenCode": "DW-000001"}
