"""What Dagster loads: `defs` reads the deployment's YAML files when it is called, and opens nothing."""

from __future__ import annotations

import os

import dagster as dg

from assets.door import HubDoor
from assets.graph import all_assets
from orchestration.deployment import executor
from orchestration.jobs import all_jobs
from orchestration.schedules import all_schedules
from orchestration.sensors import all_sensors
from pipeline.hub import Configuration, load_configuration
from pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """The deployment the environment names; without any variable the plant of the demo."""
    return build(load_configuration(Settings.from_environment(os.environ)), HubDoor())


def build(configuration: Configuration, door: HubDoor) -> dg.Definitions:
    """The whole code location of one deployment."""
    jobs = all_jobs(configuration)
    return dg.Definitions(
        assets=all_assets(configuration),
        jobs=list(jobs),
        schedules=all_schedules(jobs, configuration.deployment.timezone),
        sensors=all_sensors(jobs),
        resources={"hub": door},
        executor=executor(os.environ),
    )
