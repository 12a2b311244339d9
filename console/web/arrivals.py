"""Webhook events that come together are written together: one commit for all of them, and nobody is told before it.

A commit costs a sync of the disk and a turn at the database, however little it holds. So one is under way at a time,
and what comes meanwhile waits for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pipeline.hub import Hub
from store import audit, inbox

AT_ONCE = 100
"""Events in one transaction, which keeps all others from writing."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that is believed, and not acknowledged yet."""

    system: str
    event_id: str
    payload: Any


def keep_all(hub: Hub, arrivals: Sequence[Arrival]) -> list[bool]:
    """Put events into the inbox in one transaction; of each, whether it is new."""
    with hub.store.begin() as tx:
        now = hub.now()
        fresh = [inbox.accept(tx, one.system, one.event_id, one.payload, now) for one in arrivals]
        for one, is_new in zip(arrivals, fresh, strict=True):
            if is_new:
                audit.append(tx, now, f"system:{one.system}", "webhook accepted", f"inbox/{one.system}/{one.event_id}")
    return fresh


class Arrivals:
    """One commit under way at a time, in a thread; for one event loop."""

    def __init__(self, keep: Callable[[Sequence[Arrival]], list[bool]]) -> None:
        self._keep = keep
        self._waiting: list[tuple[Arrival, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "inbox")

    async def kept(self, arrival: Arrival) -> bool:
        """Whether the event is new, once it stands; raises what went wrong where it does not."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                if not await self._written(batch) and len(batch) > 1:
                    for one in batch:  # what cannot be kept takes nobody with it
                        await self._written([one])
        finally:
            self._writing = None

    async def _written(self, batch: Sequence[tuple[Arrival, asyncio.Future[bool]]]) -> bool:
        """Whether they were written together; who came alone hears what went wrong."""
        try:
            arrivals = [arrival for arrival, _ in batch]
            fresh = await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, arrivals)
        except Exception as error:  # noqa: BLE001 - whatever it is, who posted alone hears of it
            if len(batch) == 1 and not batch[0][1].done():
                batch[0][1].set_exception(error)
            return False
        for (_, future), is_new in zip(batch, fresh, strict=True):
            if not future.done():  # its sender may have hung up
                future.set_result(is_new)
        return True
