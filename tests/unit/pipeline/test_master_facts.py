"""What systems learn about golden codes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import polars as pl

from canonical.facts import FACTS
from pipeline.master_facts import master_facts
from pipeline.settings import Connection


def _allocated(**connections: Connection) -> list[dict[str, Any]]:
    items = pl.DataFrame({"golden_id": ["M0001"], "name": ["Bolt"], "sources": [["erp:M0001", "crm:A:1"]]})
    sources = cast("Any", SimpleNamespace(frames={"item": items}, connections=connections))
    return [dict(row) for row in master_facts(sources)["golden_code_allocated"]()]


def test_allocated__each_record_of_each_golden_record() -> None:
    takes = ("item",)
    found = _allocated(erp=Connection(role="erp", golden_codes=takes), crm=Connection(role="crm", golden_codes=takes))
    assert [(row["record"], row["golden_code"], row["own_code"]) for row in found] == [
        ("item|erp|M0001", "M0001", True),
        ("item|crm|A:1", "M0001", False),
    ]
    assert all(set(row) == set(FACTS["golden_code_allocated"].model_fields) for row in found)


def test_allocated__only_for_connections_that_take_codes_of_that_kind() -> None:
    assert _allocated(erp=Connection(role="erp", golden_codes=("partner",)), crm=Connection(role="crm")) == []
