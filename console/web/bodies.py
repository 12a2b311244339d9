"""What is read of a request: so much and no more, and not for ever, whatever its headers promised."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

SLOWEST_SECONDS = 20.0
"""A body that has not come by then does not come."""


class TooLong(Exception):
    """The body is longer than it may be, or takes too long."""


NUL = "\x00"
"""No database holds it in a text, and nobody types it."""


def holds_nul(request: Request) -> bool:
    """Whether the address holds what can be no text."""
    return NUL in request.scope["path"] or b"%00" in request.scope["query_string"]


async def bounded(request: Request, most: int, seconds: float = SLOWEST_SECONDS) -> bytes:
    """The body; raises `TooLong` as soon as it is, and reads no further."""
    promised = request.headers.get("content-length", "0")
    if not (promised.isascii() and promised.isdigit()) or int(promised[:20]) > most:
        raise TooLong
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                read += chunk
                if len(read) > most:
                    raise TooLong
    except (TimeoutError, ClientDisconnect):
        raise TooLong from None
    return bytes(read)
