"""The jobs a person or a timetable starts."""

from __future__ import annotations

from typing import NamedTuple

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as Job

from pipeline.hub import Configuration


class Jobs(NamedTuple):
    """Every job of a deployment."""

    one_pass: Job
    refresh: Job
    deliver_only: Job
    notify_only: Job


def all_jobs(configuration: Configuration) -> Jobs:
    """The whole route; the same with every stream pulled anew; what stands in the outbox; what people wait to hear."""
    everything = dg.AssetSelection.all()
    delivery = dg.AssetSelection.groups("delivered", "insight")
    pulls = {f"land_{system}": {"config": {"everything": True}} for system, _ in configuration.streams()}
    return Jobs(
        dg.define_asset_job("one_pass", everything, description="Pull what changed, plan, decide, deliver."),
        dg.define_asset_job(
            "refresh",
            everything,
            config={"ops": pulls},
            description="The same with every stream pulled from its start.",
        ),
        dg.define_asset_job("deliver_only", delivery, description="Carry out what stands in the outbox."),
        dg.define_asset_job("notify_only", dg.AssetSelection.groups("told"), description="Tell people what is due."),
    )
