"""People told: notices over the channels the deployment chose. A system that is down keeps nobody from being told."""

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, counted, look
from assets.steps import PATIENCE, Result, plain_errors
from pipeline.notify import notify


def people_asset() -> dg.AssetsDefinition:
    """What people were told; where no audience is chosen, notices stay on the board."""
    text = "Notices that went out to people, at least once, each message with its number."
    spec = dg.AssetSpec(keys.PEOPLE, deps=[keys.COMMANDS], group_name="told", kinds={"sql"}, description=text)

    @dg.multi_asset(name="notify", specs=[spec], retry_policy=PATIENCE)
    def people(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, run = hub.enter("notify", context.run.run_id)
        with plain_errors():
            done = notify(opened, run)
        metadata: Metadata = {
            "dagster/row_count": done.delivered,
            "messages": counted(done.messages),
            "fell": done.fell,
            "failed": done.failed,
            "escalated": done.escalated,
            "waiting": done.waiting,
            "unusable": "; ".join(done.unusable.values()) or "none",
        }
        return dg.MaterializeResult(metadata={**metadata, "next": look("notices list")})

    return people
