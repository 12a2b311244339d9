"""What an editor is told of rulebooks agrees with what the loader accepts."""

from __future__ import annotations

from rules.rulebook import CommandThen, Rule, When
from rules.schema import rulebook_schema


def test_schema__names_every_key_as_it_is_written() -> None:
    parts = rulebook_schema()["$defs"]
    assert {"if", "unless", "when", "related", "until"} <= set(parts["Rule"]["properties"])
    assert "with" in parts["CommandThen"]["properties"]
    assert len(parts["Rule"]["properties"]) == len(Rule.model_fields)
    assert len(parts["CommandThen"]["properties"]) == len(CommandThen.model_fields)


def test_schema__knows_facts_and_entities_and_refuses_other_keys() -> None:
    when = rulebook_schema()["$defs"]["When"]
    assert "planned_order" in when["properties"]["fact"]["enum"]
    assert "sales_order" in when["properties"]["entity"]["enum"]
    assert when["additionalProperties"] is False
    assert set(when["properties"]) == set(When.model_fields)
