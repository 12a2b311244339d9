"""What the relay did, as Dagster's asset events: line-delimited JSON in, one line a second at most.

Each line adds up some turns: `{"turns", "events", "streams", "entities", "changes", "commands"}`. What a turn made
anew is materialised; the commands it decided are an observation of the assets that deliver them. It ends when its
input ends.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets import keys
from orchestration.deployment import dagster_home, prepare
from orchestration.run import quiet

LOG = logging.getLogger(__name__)
BY = "millstream relay"


def main() -> int:
    """Report until there is nothing more to tell."""
    with quiet(), dg.DagsterInstance.from_config(str(prepare(dagster_home(os.environ)))) as instance:
        for line in sys.stdin:
            try:
                report(instance, json.loads(line))
            except Exception:
                LOG.exception("not reported")
    return 0


def report(instance: dg.DagsterInstance, told: Mapping[str, Any]) -> None:
    """Write one line's events."""
    for event in events(told):
        instance.report_runless_asset_event(event)


def events(told: Mapping[str, Any]) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """The assets some turns made anew, and what they decided."""
    metadata = {"by": BY, "turns": told["turns"], "events": told["events"]}
    for place in told["streams"]:
        system, _, stream = place.partition("/")
        yield dg.AssetMaterialization(keys.raw(system, stream), metadata=metadata)
    for entity in told["entities"]:
        yield dg.AssetMaterialization(keys.golden(entity), metadata=metadata)
        yield dg.AssetMaterialization(keys.judged(entity), metadata=metadata)
    if not told["entities"]:
        return
    yield dg.AssetMaterialization(keys.REQUIREMENTS, metadata=metadata)
    decided = {"changes": dg.MetadataValue.json(told["changes"]), "commands": dg.MetadataValue.json(told["commands"])}
    yield dg.AssetMaterialization(keys.COMMANDS, metadata={**metadata, **decided})
    for system in sorted({name.partition(".")[0] for name in told["commands"]}):
        yield dg.AssetObservation(keys.delivered(system), metadata={**metadata, **decided})


if __name__ == "__main__":
    sys.exit(main())
