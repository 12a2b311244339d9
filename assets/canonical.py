"""Canonical assets: one for each (entity, system), one step for each system."""

from collections.abc import Iterator

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, look, of_canonical
from assets.steps import Result, each
from pipeline.conform import conform
from pipeline.hub import Configuration, Hub, Run
from pipeline.land import never_landed


def canonical_assets(configuration: Configuration, system: str) -> dg.AssetsDefinition:
    """What one system told, mapped and judged row by row."""
    entities = {keys.canonical(entity, owner): entity for owner, entity in configuration.inbound if owner == system}

    @dg.multi_asset(
        name=f"conform_{system}",
        specs=[_spec(configuration, system, entity) for entity in entities.values()],
        can_subset=True,
    )
    def conforming(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter(f"conform_{system}", context.run.run_id)
        chosen = [entity for key, entity in entities.items() if key in context.selected_asset_keys]
        missing = frozenset(never_landed(opened))
        yield from each(chosen, lambda entity: _conformed(opened, system, entity, run, missing))

    return conforming


def _streams(configuration: Configuration, system: str, entity: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.spec.stream for one in configuration.inbound[system, entity]))


def _spec(configuration: Configuration, system: str, entity: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.canonical(entity, system),
        deps=[keys.raw(system, stream) for stream in _streams(configuration, system, entity)],
        group_name="canonical",
        kinds={"polars", system},
        description=f"The {entity} records of {system}, in the hub's own words.",
        metadata=of_canonical(configuration, system, entity),
    )


def _conformed(hub: Hub, system: str, entity: str, run: Run, missing: frozenset[str]) -> Result:
    """A stream that never brought anything leaves nothing to map; that stops nobody else."""
    key = keys.canonical(entity, system)
    waiting = [
        place for stream in _streams(hub.configuration, system, entity) if (place := f"{system}/{stream}") in missing
    ]
    if waiting:
        halted = f"never landed: {', '.join(waiting)}"
        return dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": 0, "halted": halted})
    done = conform(hub, system, entity, run)
    metadata: Metadata = {
        "dagster/row_count": done.rows,
        "raw": done.raw,
        "rejected": done.rejected,
        **of_canonical(hub.configuration, system, entity),
        **({"next": look("quarantine list")} if done.rejected else {}),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata)
