"""A buyer's edits in the simulated ERP."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.common.state import SystemState
from sandbox.erp.forms import FORMS
from sandbox.erp.seeding import seed
from sandbox.erp.tables import Document, document_by_number
from sandbox.erp.work import edit


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    found = SystemState("erp", tmp_path / "erp.db", 7, 1, {})
    with found.transaction():
        seed(found)
    return found


def purchase(state: SystemState, number: str) -> Document:
    found = document_by_number(state.db, FORMS["PUR_PurchaseOrder"], number)
    assert found is not None
    return found


def test_edit__another_day_and_a_refusal_stand_and_the_ledger_is_silent(state: SystemState) -> None:
    before = purchase(state, "PO-26-00001").text("FModifyDate")
    assert edit(state, {"purchase": "PO-26-00001", "due": "2026-10-20"}) == {
        "purchase": "PO-26-00001", "due": "2026-10-20"
    }  # fmt: skip
    edit(state, {"purchase": "PO-26-00002", "refused": True})
    moved, refused = purchase(state, "PO-26-00001"), purchase(state, "PO-26-00002")
    assert [row.values["FDeliveryDate"] for row in moved.rows] == ["2026-10-20T00:00:00"]
    assert moved.text("FModifyDate") > before
    assert (moved.text("FCancelStatus"), refused.text("FCancelStatus")) == ("A", "B")
    assert state.ledger.rows() == []


@pytest.mark.parametrize("wanted", [{"purchase": "PO-0"}, {"purchase": "PO-26-00001", "due": "soon"}])
def test_edit__what_cannot_be_done_is_said(state: SystemState, wanted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"PO-0|soon"):
        edit(state, wanted)
