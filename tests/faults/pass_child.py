"""One hub process of a fault run: what it is about goes to stdout, so that the parent can kill it there.

`route` runs a whole pass, `deliver` only delivers what stands in the outbox (as a relay would). Ends with 0 when
everything was landed and nothing is left open, with 3 when there is more to do.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from canonical.actors import Actor
from canonical.errors import MillstreamError
from pipeline import delivery
from pipeline.deliver import deliver
from pipeline.hub import Hub, Run, open_hub
from pipeline.route import begin, run_route

MORE_TO_DO = 3
LONGEST_BACKOFF_SECONDS = 2.0
"""Time runs fast here: a client loses patience after one second, so it also tries again sooner."""


def _say(stage: str) -> None:
    sys.stdout.write(f"{stage}\n")
    sys.stdout.flush()


def main(what: str) -> int:
    """Do one thing and say how it ended."""
    sooner = tuple(min(one, LONGEST_BACKOFF_SECONDS) for one in delivery.BACKOFF_SECONDS)
    vars(delivery)["BACKOFF_SECONDS"] = sooner
    hub = open_hub()
    run = hub.new_run(Actor("run", "faults"))
    try:
        return _deliver(hub, run) if what == "deliver" else _route(hub, run)
    except MillstreamError as error:
        sys.stderr.write(f"{error}\n")
        return MORE_TO_DO
    finally:
        hub.close()


def _deliver(hub: Hub, run: Run) -> int:
    begin(hub, run)
    _say("deliver")
    return MORE_TO_DO if deliver(hub, run).open else 0


def _route(hub: Hub, run: Run) -> int:
    passed = run_route(hub, run, on_stage=_say)
    halted = [f"{one.system}/{one.stream}: {one.halted}" for one in passed.landed if one.halted]
    sys.stderr.write("".join(f"halted {line}\n" for line in halted))
    assert passed.delivered is not None
    return MORE_TO_DO if halted or passed.delivered.open else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
