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

from canonical.errors import StoreFailed
from pipeline.hub import Hub
from store import audit, inbox

AT_ONCE = 100
"""Events in one transaction, which keeps all others from writing."""
PATIENCE = 5.0
"""Seconds after which a failure is the store's: to wait for it once more for each event would keep all from knowing."""


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
                await self._written(batch)
        finally:
            self._writing = None

    async def _written(self, batch: Sequence[tuple[Arrival, asyncio.Future[bool]]]) -> None:
        """Write them together; where one of them cannot be kept, the others without it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            fresh = await loop.run_in_executor(self._thread, self._keep, [arrival for arrival, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, who posted hears of it
            # What is wrong with an event shows at once: a store that is away or full, or keeps us waiting, fails all.
            if len(batch) == 1 or isinstance(error, StoreFailed) or loop.time() - began > PATIENCE:
                _tell(batch, error)
                return
            half = len(batch) // 2
            await self._written(batch[:half])
            await self._written(batch[half:])
            return
        for (_, future), is_new in zip(batch, fresh, strict=True):
            if not future.done():  # its sender may have hung up
                future.set_result(is_new)


def _tell(batch: Sequence[tuple[Arrival, asyncio.Future[bool]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
