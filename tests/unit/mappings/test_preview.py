from __future__ import annotations

from pathlib import Path

from mappings.engine import compile_inbound
from mappings.loading import load_inbound
from mappings.preview import preview

FOLDER = Path(__file__).parents[3] / "mappings"
ITEM = compile_inbound(load_inbound(FOLDER / "mes" / "item.inbound.yaml"), "UTC")


def test_preview__shows_what_each_field_came_from() -> None:
    shown = preview(ITEM, {"id": "m1", "code": "001", "drawing": "dw1", "unit": "g", "phantom": False}, "mes")
    assert shown.record is not None
    origins = {origin.field: origin for origin in shown.origins}
    assert origins["drawing_number"].raw == {"drawing": "dw1"}
    assert origins["drawing_number"].value == "DW-1"
    assert origins["drawing_number"].functions == ("normalise_drawing_number",)
    assert origins["name"].absent
    assert shown.unused == ("phantom",)


def test_preview__rejected_record() -> None:
    shown = preview(ITEM, {"id": "m1", "code": "001", "unit": "stone"}, "mes")
    assert shown.record is None
    assert shown.rejected is not None
    assert not shown.filtered


def test_preview__record_the_condition_passes_over() -> None:
    packs = compile_inbound(load_inbound(FOLDER / "wms" / "pack_conversion.inbound.yaml"), "UTC")
    assert preview(packs, {"sku": "A"}, "wms").filtered
