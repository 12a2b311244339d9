"""Raw assets: one for each (system, stream), one step and one pool for each system."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import look, of_raw
from assets.steps import Result
from pipeline.hub import Configuration
from pipeline.land import Landed, land

READERS = 4
"""Streams pulled at once from one system; its rate limit is kept by the connector."""
REACHABLE = "reachable"


class Pull(dg.Config):
    """`everything`: pull whole streams instead of what changed since the last time."""

    everything: bool = False


def raw_assets(configuration: Configuration, system: str) -> dg.AssetsDefinition:
    """Every stream of one system. A system that is down fails the check `reachable`, never the step."""
    streams = {keys.raw(owner, stream): stream for owner, stream in configuration.streams() if owner == system}

    @dg.multi_asset(
        name=f"land_{system}",
        specs=[_spec(configuration, system, stream) for stream in streams.values()],
        check_specs=[dg.AssetCheckSpec(REACHABLE, asset=key, description=_REACHABLE) for key in streams],
        can_subset=True,
        pool=system,
    )
    def landing(context: dg.AssetExecutionContext, config: Pull, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter(f"land_{system}", context.run.run_id)
        chosen = [stream for key, stream in streams.items() if key in context.selected_asset_keys]
        with ThreadPoolExecutor(READERS) as pool:
            for landed in pool.map(
                lambda stream: land(opened, system, stream, run, everything=config.everything), chosen
            ):
                yield _result(landed)

    return landing


_REACHABLE = "The system answered; otherwise the data of the last pull stays in force."


def _spec(configuration: Configuration, system: str, stream: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.raw(system, stream),
        group_name="raw",
        kinds={"parquet", system},
        description=f"What {system} says in {stream}, as it came.",
        metadata=of_raw(configuration, system, stream),
    )


def _result(landed: Landed) -> Result:
    key = keys.raw(landed.system, landed.stream)
    told = {"since": landed.since, "watermark": landed.watermark, "halted": landed.halted}
    metadata = {name: value for name, value in told.items() if value is not None}
    next_step = {"next": look(f"probe {landed.system}")} if landed.halted else {}
    check = dg.AssetCheckResult(
        asset_key=key,
        check_name=REACHABLE,
        passed=landed.halted is None,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"halted": landed.halted} if landed.halted else {},
    )
    return dg.MaterializeResult(
        asset_key=key, metadata={"dagster/row_count": landed.rows, **metadata, **next_step}, check_results=[check]
    )
