from __future__ import annotations

import asyncio
import socket

from sandbox.common.server import _listen


def test_listen__accepted_connections_send_at_once() -> None:
    """Else the body of every reply waits for the acknowledgement of its header: 40 ms a call."""
    options: list[int] = []

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def connect_once() -> None:
        listener = _listen(0)
        server = await asyncio.get_running_loop().create_server(Accepted, sock=listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await reader.read()
        writer.close()
        server.close()

    asyncio.run(connect_once())
    assert options == [1]
