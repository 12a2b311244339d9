"""The asset graph of one deployment, from its configuration alone."""

import dagster as dg

from assets.canonical import canonical_assets
from assets.delivered import delivered_assets
from assets.expected import expected_assets
from assets.golden import golden_assets
from assets.insight import progress_asset
from assets.judged import judged_assets
from assets.planned import adopted_asset, commands_asset, requirements_asset
from assets.raw import raw_assets
from assets.told import people_asset
from pipeline.hub import Configuration


def all_assets(configuration: Configuration) -> list[dg.AssetsDefinition]:
    """Every asset in the order of the route. Steps are few and fat: one costs Dagster more than many parts' work."""
    systems = sorted({system for system, _ in configuration.inbound})
    return [
        *(raw_assets(configuration, system) for system in systems),
        *(canonical_assets(configuration, system) for system in systems),
        golden_assets(configuration),
        adopted_asset(configuration),
        judged_assets(configuration),
        *expected_assets(configuration),
        requirements_asset(configuration),
        commands_asset(),
        delivered_assets(configuration),
        people_asset(),
        progress_asset(configuration),
    ]
