"""`millstream relay`: the door at which other systems post their webhooks, and the work they start, at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.hub import Hub

SWITCH_SECONDS = 0.0005
"""How long the turns may keep the door waiting for the interpreter; the default is ten times as long."""
Caller = Annotated[Terminal, Parameter(parse=False)]


def relay(*, host: str = "127.0.0.1", port: int = 8710, poll: float = 30.0, terminal: Caller) -> Exit:
    """Receive signed webhooks, and carry each through to the other systems at once, until interrupted.

    Parameters
    ----------
    host
        The address to listen on; put a proxy with TLS in front before it is anything but loopback.
    port
        The port to listen on.
    poll
        Seconds between two looks at a system that posts no webhooks; 0: such systems are left to the batch pass.
    """
    import uvicorn

    from console.cli.reporting import Reports
    from console.web.webhooks import open_doors, webhook_app
    from pipeline.couriers import Couriers
    from pipeline.hub import open_hub
    from pipeline.memory import stay_loaded
    from pipeline.serving import Service

    hub = open_hub(terminal.environ)
    try:
        doors = open_doors(hub)
        polled = _polled(hub, doors) if poll > 0 else ()
        for system in doors:
            terminal.progress("relay.door", url=f"http://{host}:{port}/webhooks/{system}")
        for system in polled:
            terminal.progress("relay.polled", system=system, seconds=f"{poll:g}")
        reports = Reports.start(terminal.environ, hub.settings.home / "reports.log")
        couriers = Couriers(terminal.environ, hub.settings.home / "couriers.log")
        service = Service(hub, polled=polled, poll_seconds=poll, told=reports.tell, deliverers=couriers)
        application = webhook_app(hub, service.wakes.ring)
        service.start()
        stay_loaded()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            uvicorn.run(application, host=host, port=port, log_level="warning", server_header=False)
        finally:
            service.stop()
            reports.close()
    finally:
        hub.close()
    return Exit.OK


def _polled(hub: Hub, doors: Collection[str]) -> tuple[str, ...]:
    read = {system for system, _ in hub.configuration.streams()}
    return tuple(system for system in hub.deployment.systems if system in read and system not in doors)
