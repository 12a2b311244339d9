"""A draft names raw fields that fit by name and by what they hold, and says what a person has to decide."""

from __future__ import annotations

from canonical.entities import ENTITIES, mandatory_fields
from mappings.proposing import FILL_IN, Draft, propose


def sources(draft: Draft) -> dict[str, str]:
    return {one.name: one.source for one in draft.fields}


def test_propose__pairs_by_name_and_by_what_is_held() -> None:
    raw = {
        "id": ("1",), "PartNo": ("007",), "title": ("Bolt",), "uom": ("EA", "ROLL"), "drawing.no": ("D-1",),
        "lead_time_days": ("soon",), "safetyStock": ("1.5",), "discontinued": ("0", "1"),
        "modified_at": ("2026-01-01",), "colour": ("red",),
    }  # fmt: skip
    draft = propose("item", raw)
    assert sources(draft) == {
        "code": "PartNo", "name": "title", "unit": "uom", "drawing_number": "drawing.no", "safety_stock": "safetyStock",
        "obsolete": "discontinued",
    }  # fmt: skip
    assert (draft.native_id, draft.changed_at) == ("id", "modified_at")
    assert (dict(draft.units), draft.unknown_units) == ({"EA": "pcs"}, ("ROLL",))
    assert draft.left == ("lead_time_days", "colour"), "a text is no number of days"
    codes = {one.name: one.codes for one in draft.fields}
    assert codes["obsolete"] == {"0": "false", "1": "true"}
    assert "lead_time_days" in draft.open


def test_propose__codes_that_are_clear_are_mapped_and_others_named() -> None:
    [status] = [one for one in propose("stock", {"State": ("OK", "blocked", "7")}).fields if one.name == "status"]
    assert (status.codes, status.unclear) == ({"OK": "available", "blocked": "blocked"}, ("7",))
    assert status.kind == "available | blocked | inspection"


def test_propose__what_a_record_needs_is_never_left_out() -> None:
    for entity, model in ENTITIES.items():
        draft = propose(entity, {})
        assert set(sources(draft)) == {*mandatory_fields(model), *model.key}, entity
        assert set(sources(draft).values()) <= {FILL_IN}


def test_propose__no_raw_field_is_used_twice() -> None:
    draft = propose("item", {"no": ("1",), "item_no": ("1",), "number": ("1",)})
    assert len(set(sources(draft).values())) == len(sources(draft))
