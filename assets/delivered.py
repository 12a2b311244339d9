"""Delivered assets: one for each system, carried out in one step because commands of one system wait for another's."""

from collections.abc import Iterator

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, counted, look
from assets.steps import PATIENCE, Result, plain_errors
from pipeline.deliver import deliver
from pipeline.hub import Configuration

POOL = "delivery"


def delivered_assets(configuration: Configuration) -> dg.AssetsDefinition:
    """What each system was told, and how it answered."""
    systems = {keys.delivered(system): system for system in configuration.deployment.systems}

    @dg.multi_asset(
        name="deliver",
        specs=[_spec(system) for system in systems.values()],
        can_subset=True,
        pool=POOL,
        retry_policy=PATIENCE,
    )
    def delivering(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter("deliver", context.run.run_id)
        chosen = [system for key, system in systems.items() if key in context.selected_asset_keys]
        with plain_errors():
            done = deliver(opened, run, chosen)
        for system in chosen:
            yield _result(system, done.outcomes.get(system, {}))

    return delivering


def _spec(system: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.delivered(system),
        deps=[keys.COMMANDS],
        group_name="delivered",
        kinds={system},
        description=f"Commands carried out in {system}, each exactly once.",
    )


def _result(system: str, outcomes: dict[str, int]) -> Result:
    written = outcomes.get("applied", 0)
    metadata: Metadata = {"dagster/row_count": written, "outcomes": counted(outcomes), "next": look("outbox list")}
    return dg.MaterializeResult(asset_key=keys.delivered(system), metadata=metadata)
