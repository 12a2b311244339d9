"""Golden assets: one for each entity, mastered in one step because each entity refers to the ones before it."""

from collections.abc import Iterator

import dagster as dg

from assets import keys, mastering
from assets.door import HubDoor
from assets.metadata import Metadata, look, of_golden
from assets.steps import Result, each
from canonical.base import references
from canonical.entities import ENTITIES
from pipeline.hub import Configuration, Hub, Run
from pipeline.reconcile import reconcile_entity
from pipeline.touched import THROUGH_WORK_ORDER


def golden_assets(configuration: Configuration) -> dg.AssetsDefinition:
    """One record for each thing, whatever systems told of it."""
    by_entity = {
        entity: [_spec(configuration, entity), *mastering.specs(configuration, entity)]
        for entity in configuration.entities
    }
    golden = {keys.golden(entity): entity for entity in configuration.entities}

    @dg.multi_asset(name="reconcile", specs=[spec for specs in by_entity.values() for spec in specs], can_subset=True)
    def reconciling(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter("reconcile", context.run.run_id)
        wanted = context.selected_asset_keys
        chosen = [entity for entity, specs in by_entity.items() if any(spec.key in wanted for spec in specs)]
        for done in each(chosen, lambda entity: _mastered(opened, entity, run)):
            assert done.asset_key is not None, "a golden result names its asset"
            entity = golden[dg.AssetKey.from_coercible(done.asset_key)]
            yield from (one for one in mastering.around(opened, done, entity) if one.asset_key in wanted)

    return reconciling


def _spec(configuration: Configuration, entity: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.golden(entity),
        deps=[
            *mastering.before_golden(configuration, entity),
            *(keys.canonical(entity, system) for system in configuration.sources_of(entity)),
            *(keys.golden(referred) for referred in _referred(configuration, entity)),
        ],
        group_name="golden",
        kinds={"polars"},
        description=f"One record for each {entity}, whatever system told of it.",
        metadata=of_golden(configuration, entity),
    )


def _referred(configuration: Configuration, entity: str) -> list[str]:
    """Entities whose golden records this one looks at, mastered before it."""
    named = {*references(ENTITIES[entity]).values(), *(("work_order",) if entity in THROUGH_WORK_ORDER else ())}
    order = configuration.entities
    return [other for other in order[: order.index(entity)] if other in named]


def _mastered(hub: Hub, entity: str, run: Run) -> Result:
    done = reconcile_entity(hub, entity, run)
    metadata: Metadata = {
        "dagster/row_count": done.golden,
        "records": done.records,
        "conflicts": done.conflicts,
        "unresolved": done.unresolved,
        **of_golden(hub.configuration, entity),
        **({"next": look("quarantine list")} if done.unresolved else {}),
    }
    return dg.MaterializeResult(asset_key=keys.golden(entity), metadata=metadata)
