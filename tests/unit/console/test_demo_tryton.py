from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import MillstreamError
from console.cli.demo_tryton import Tryton, compared

WIZARD = {
    "productions": {"BIKE": "5"},
    "purchases": {"BAR": "12.5", "BOLT": "40"},
    "documents": {"productions": 1, "purchases": 3},
}


def production(number: int, quantity: str, state: str = "waiting") -> dict[str, Any]:
    return {"id": number, "state": state, "outputs": {"BIKE": quantity}, "last_modified_at": str(number)}


def requisition(number: int, **lines: str) -> dict[str, Any]:
    return {"id": number, "state": "waiting", "lines": lines, "last_modified_at": str(number)}


class Told(Tryton):
    """A Tryton whose `inspect` is given."""

    def __init__(self, folder: Path, *answers: dict[str, Any]) -> None:
        super().__init__(folder)
        self.answers = list(answers)

    def ask(self, verb: str) -> Any:
        assert verb == "inspect"
        return self.answers.pop(0)


def test_compared__equal_totals__differ_nowhere() -> None:
    documents: dict[str, list[Mapping[str, Any]]] = {
        "productions": [production(1, "2"), production(2, "3.0")],
        "requisitions": [requisition(1, BAR="12.5", BOLT="40")],
    }
    found = compared(documents, WIZARD)
    assert found["differences"] == []
    assert found["documents"] == {"productions": 2, "purchases": 1}
    bike = next(row for row in found["items"] if row["item"] == "BIKE")
    assert (bike["documents"], bike["stands"], bike["wizard"]) == (2, Decimal("5.0"), Decimal(5))


def test_compared__what_one_side_lacks__differs() -> None:
    found = compared({"requisitions": [requisition(1, BAR="12.5", NUT="1")]}, WIZARD)
    assert {row["item"]: row["difference"] for row in found["differences"]} == {
        "BIKE": Decimal(-5), "BOLT": Decimal(-40), "NUT": Decimal(1),
    }  # fmt: skip


def test_ledgers__every_document_that_came_or_changed__is_a_line_once(tmp_path: Path) -> None:
    first = {"productions": [production(1, "2")], "requisitions": []}
    touched = {"productions": [{**production(1, "2"), "last_modified_at": "later"}], "requisitions": [requisition(1)]}
    tryton = Told(tmp_path, first, first, touched)
    looks = [[(line["operation"], line["effect"]) for line in tryton.ledgers()["tryton"]] for _ in range(3)]
    assert looks[0] == looks[1] == [("productions", "created")]
    assert looks[2] == [("productions", "created"), ("productions", "updated"), ("requisitions", "created")]


def test_documents__cancelled__stand_no_more(tmp_path: Path) -> None:
    tryton = Told(tmp_path, {"productions": [production(1, "2", "cancelled"), production(2, "3")]})
    tryton.ledgers()
    assert [document["id"] for document in tryton.documents["productions"]] == [2]


def test_ask__a_command_that_fails__says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(MillstreamError, match="not ready"):
        Tryton(tmp_path / "nowhere").ask("supply")


def test_alive__without_a_server_or_with_one_that_is_gone__is_false(tmp_path: Path) -> None:
    assert not Tryton(tmp_path).alive
    (tmp_path / "tryton.json").write_text(json.dumps({"pid": 2**22 + 1}), encoding="utf-8")
    assert not Tryton(tmp_path).alive
