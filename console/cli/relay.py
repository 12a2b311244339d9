"""`millstream relay`: the door at which other systems post their webhooks."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from console.cli.terminal import Exit, Terminal

Caller = Annotated[Terminal, Parameter(parse=False)]


def relay(*, host: str = "127.0.0.1", port: int = 8710, terminal: Caller) -> Exit:
    """Receive signed webhooks into the inbox until interrupted; Dagster's sensor starts a pass for them.

    Parameters
    ----------
    host
        The address to listen on; put a proxy with TLS in front before it is anything but loopback.
    port
        The port to listen on.
    """
    import uvicorn

    from console.web.webhooks import open_doors, webhook_app
    from pipeline.hub import open_hub

    hub = open_hub(terminal.environ)
    try:
        application = webhook_app(hub)
        for system in open_doors(hub):
            terminal.progress("relay.door", url=f"http://{host}:{port}/webhooks/{system}")
        uvicorn.run(application, host=host, port=port, log_level="warning", server_header=False)
    finally:
        hub.close()
    return Exit.OK
