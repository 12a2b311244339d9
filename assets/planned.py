"""Plan, adopted documents and decided commands: one asset each, over all entities at once."""

from dataclasses import asdict

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, counted, described, look, table_schema
from assets.plots import load_plot, shortage_plot
from assets.steps import PATIENCE, Result, plain_errors
from canonical.plan import Plan
from pipeline.adopt import adopt
from pipeline.hub import Configuration
from pipeline.plan import ORDER, item_names, load_plan, plan, plan_loads
from pipeline.route import settle
from pipeline.timers import fire_due
from planning.answers import shortages
from store.plan_rows import LoadRow


def requirements_asset(configuration: Configuration) -> dg.AssetsDefinition:
    """Planned orders, pegs and messages over one frozen picture of everything judged."""
    forecast = [keys.FORECAST] if configuration.deployment.forecast is not None else []
    spec = dg.AssetSpec(
        keys.REQUIREMENTS,
        deps=[*forecast, *(keys.judged(entity) for entity in configuration.entities)],
        group_name="plan",
        kinds={"polars"},
        description="What must be made, bought or subcontracted, and for whom.",
        metadata=described(table_schema(ORDER)),
    )

    @dg.multi_asset(name="plan", specs=[spec])
    def requirements(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, run = hub.enter("plan", context.run.run_id)
        with plain_errors():
            made, planned = plan(opened, run)
        metadata: Metadata = {"dagster/row_count": planned.orders, **asdict(planned), "as_of": run.as_of.isoformat()}
        metadata |= _plots(made, plan_loads(opened), item_names(opened))
        return dg.MaterializeResult(metadata={**metadata, "next": look("trace ORDER")})

    return requirements


def _plots(made: Plan, loads: list[LoadRow], names: dict[str, str]) -> Metadata:
    """How full the work centres are, and what comes too late, as pictures with their figures beside them."""
    short = shortages(made)
    over = sum(row.over for row in loads)
    return {
        "load": dg.MetadataValue.md(load_plot(loads)),
        "overloaded weeks": over,
        "shortage list": dg.MetadataValue.md(shortage_plot(short, names)),
        "late items": len({row.item for row in short}),
    }


def adopted_asset(configuration: Configuration) -> dg.AssetsDefinition:
    """Documents found in the systems that carry our reference."""
    sources = [keys.canonical(entity, system) for system, entity in configuration.inbound]

    text = "Documents of ours that stand in a system, those this hub did not remember included."
    spec = dg.AssetSpec(keys.ADOPTED, deps=sources, group_name="documents", kinds={"sql"}, description=text)

    @dg.multi_asset(name="adopt", specs=[spec])
    def adopted(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, _ = hub.enter("adopt", context.run.run_id)
        with plain_errors():
            fresh = adopt(opened)
        return dg.MaterializeResult(metadata={"adopted": fresh})

    return adopted


def commands_asset() -> dg.AssetsDefinition:
    """What the rules decide over what changed."""
    text = "Commands in the outbox, decided once for each change."
    deps = [keys.REQUIREMENTS, keys.ADOPTED]
    spec = dg.AssetSpec(keys.COMMANDS, deps=deps, group_name="decided", kinds={"sql"}, description=text)

    @dg.multi_asset(name="decide", specs=[spec], retry_policy=PATIENCE)
    def commands(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, run = hub.enter("decide", context.run.run_id)
        with plain_errors():
            done = settle(opened, run, load_plan(opened))
            fired = fire_due(opened, run)
        metadata: Metadata = {
            "dagster/row_count": sum(done.commands.values()),
            "changes": counted(done.changes),
            "commands": counted(done.commands),
            "notices": done.notices,
            "held": done.held,
            "adopted": done.adopted,
            "tasks": done.tasks + fired.tasks,
            "timers fired": counted(fired.rules),
        }
        return dg.MaterializeResult(metadata={**metadata, "next": look("outbox list")})

    return commands
