"""`millstream plan configure`: a choice that stands, one that does not, and the options there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def test_configure__gives_one_bom_and_one_routing(call: Call) -> None:
    ended = call("plan", "configure", "forklift", "capacity=2.5", "lift_height=4700", "--json")
    assert ended.code == 0
    truck, *_ = ended.json["items"]
    assert truck["item"] == ended.json["item"]
    assert {line["item"]: line["quantity"] for line in truck["bom"]}["COUNTERWEIGHT"] == "1600"
    assert [step["sequence"] for step in truck["routing"]] == [10, 20, 30, 40]


def test_configure__names_the_constraint_and_what_would_mend_it(call: Call) -> None:
    choices = ("capacity=2.5", "lift_height=5000")
    ended = call("plan", "configure", "forklift", *choices, "--json")
    assert ended.code == 1
    (row,) = ended.json["violations"]
    assert (row["name"], row["conflict"]) == ("tall-mast", {"lift_height": "5000", "mast": "duplex"})
    assert {"option": "lift_height", "value": "4800"} in row["remedies"]
    assert "两级门架最高 4800 毫米" in call("plan", "configure", "forklift", *choices, "--lang", "zh").out


def test_configure__without_choices_lists_the_options(call: Call) -> None:
    rows = call("plan", "configure", "forklift", "--json").json
    assert {row["option"] for row in rows} >= {"drive", "mast", "lift_height"}


def test_configure__a_choice_without_a_value_is_refused(call: Call) -> None:
    assert call("plan", "configure", "forklift", "mast").code == 2
