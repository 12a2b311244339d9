"""What systems learn about golden codes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import polars as pl

from canonical.facts import FACTS
from pipeline.master_facts import master_facts


def test_allocated__each_record_of_each_golden_record() -> None:
    items = pl.DataFrame({"golden_id": ["M0001"], "name": ["Bolt"], "sources": [["erp:M0001", "crm:A:1"]]})
    found = list(master_facts(cast("Any", SimpleNamespace(frames={"item": items})))["golden_code_allocated"]())
    assert [(row["record"], row["golden_code"], row["own_code"]) for row in found] == [
        ("item|erp|M0001", "M0001", True),
        ("item|crm|A:1", "M0001", False),
    ]
    assert all(set(row) == set(FACTS["golden_code_allocated"].model_fields) for row in found)
