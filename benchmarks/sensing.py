"""The other way in: Dagster's daemon evaluates the shipped sensor, and the run it asks for is launched.

    python -m benchmarks.sensing        # in the hub's environment

One tick as a process of its own, for a launched run is one: it loads the code location, finds the unread events of the
inbox, and runs the pass that they ask for. The wait for the tick (up to `orchestration.sensors.SECONDS`) is not in it.
"""

from __future__ import annotations

import os
import sys

import dagster as dg

from assets.door import HubDoor
from orchestration.definitions import build
from orchestration.deployment import dagster_home, prepare
from orchestration.run import quiet, run_pass
from pipeline.hub import open_hub


def main() -> int:
    """Runs the pass if the sensor asks for one; 1 where it does not, or where the pass fails."""
    hub = open_hub(os.environ)
    with quiet(), dg.DagsterInstance.from_config(str(prepare(dagster_home(os.environ)))) as instance:
        shipped = build(hub.configuration, HubDoor(hub=hub))
        context = dg.build_sensor_context(instance=instance, resources={"hub": HubDoor(hub=hub)}, definitions=shipped)
        found = shipped.get_sensor_def("webhook_inbox")(context)
        asked = isinstance(found, dg.SensorResult) and bool(found.run_requests)
    done = asked and run_pass(hub).success
    hub.close()
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
