"""`millstream serve`: the pages of stewards, operators and admins."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.terminal import Exit, Terminal

Caller = Annotated[Terminal, Parameter(parse=False)]
PORT = 8720
"""Where the pages are, unless somebody says otherwise."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve(*, host: str = "127.0.0.1", port: int = PORT, terminal: Caller) -> Exit:
    """Serve the pages until interrupted.

    Parameters
    ----------
    host
        The address to listen on; anything but loopback needs `access: {public_url: https://…}` in the deployment.
    port
        The port to listen on.
    """
    import uvicorn

    from console.web.app import web_app
    from pipeline.hub import open_hub

    hub = open_hub(terminal.environ)
    try:
        public = hub.deployment.access.public_url
        if host not in LOOPBACK and public is None:
            raise ConfigurationError(terminal.say("serve.public", host=host), hint=terminal.say("serve.public.hint"))
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        terminal.progress("serve.at", url=public or address)
        uvicorn.run(
            web_app(hub, address), host=host, port=port, log_level="warning", access_log=False, server_header=False,
            proxy_headers=public is not None,  # whoever stands in front says where a request came from
            limit_concurrency=500, timeout_keep_alive=10, h11_max_incomplete_event_size=32_768,
        )  # fmt: skip
    finally:
        hub.close()
    return Exit.OK
