"""Insight: how the stream stands after a pass."""

from collections.abc import Iterator

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, counted, look
from assets.steps import Result, plain_errors
from pipeline.hub import Configuration
from pipeline.measure import measure

NO_DOUBLES = "no_doubles"


def progress_asset(configuration: Configuration) -> dg.AssetsDefinition:
    """Orders by stage and what waits for people."""
    deliveries = [keys.delivered(system) for system in configuration.deployment.systems]

    text = "Orders by stage, commands by state, and what waits for people."
    spec = dg.AssetSpec(keys.PROGRESS, deps=deliveries, group_name="insight", kinds={"sql"}, description=text)

    once = dg.AssetCheckSpec(
        NO_DOUBLES, asset=keys.PROGRESS, description="No reference of ours stands twice in a system that was read back."
    )

    @dg.multi_asset(name="measure", specs=[spec], check_specs=[once])
    def progress(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter("measure", context.run.run_id)
        with plain_errors():
            done = measure(opened, run)
        commands = {
            f"{system} {state}": count for system, states in done.commands.items() for state, count in states.items()
        }
        metadata: Metadata = {
            "orders": counted(done.orders),
            "commands": counted(commands),
            "quarantined": done.quarantined,
            "conflicts": done.conflicts,
            "stuck": done.stuck,
        }
        check = dg.AssetCheckResult(
            check_name=NO_DOUBLES, passed=done.doubles == 0, severity=dg.AssetCheckSeverity.ERROR,
            metadata={"doubles": done.doubles, "next": look("status")},
        )  # fmt: skip
        yield dg.MaterializeResult(metadata={**metadata, "next": look("doctor")}, check_results=[check])

    return progress
