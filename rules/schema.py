"""The JSON Schema of rulebooks, with every fact and entity by name, so that an editor completes what is written."""

from __future__ import annotations

from typing import Any

from canonical.entities import ENTITIES
from canonical.facts import FACTS
from rules.rulebook import Rulebook

_NAMES = {"fact": sorted(FACTS), "entity": sorted(ENTITIES)}


def rulebook_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a rulebook file."""
    schema = Rulebook.model_json_schema(by_alias=True)
    for part in schema.get("$defs", {}).values():
        for word, names in _NAMES.items():
            if word in part.get("properties", {}):
                part["properties"][word] = {"enum": [*names], "type": "string"}
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Millstream rulebook"}
