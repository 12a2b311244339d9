from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from canonical.errors import StoreFailed
from console.web.arrivals import AT_ONCE, Arrival, Arrivals, keep_all
from pipeline.hub import Hub, open_hub
from store import audit, inbox


class Keeper:
    """Writes when it is let; refuses `bad`, and whatever is to be written with it."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.written: list[list[str]] = []

    def __call__(self, arrivals: Sequence[Arrival]) -> list[bool]:
        self.began.set()
        assert self.may_end.wait(10)
        names = [one.event_id for one in arrivals]
        if "bad" in names:
            raise ValueError("bad cannot be kept")
        self.written.append(names)
        return [not name.startswith("old") for name in names]


def arrival(name: str) -> Arrival:
    return Arrival("crm", name, {"id": name})


async def posted(arrivals: Arrivals, keeper: Keeper, *names: str) -> list[asyncio.Task[bool]]:
    """The first is being written; the others came meanwhile."""
    first = asyncio.create_task(arrivals.kept(arrival(names[0])))
    await asyncio.to_thread(keeper.began.wait, 10)
    others = [asyncio.create_task(arrivals.kept(arrival(name))) for name in names[1:]]
    await asyncio.sleep(0.02)
    return [first, *others]


def test_kept__what_comes_meanwhile_shares_the_next_commit() -> None:
    """Nobody hears anything before his own is written."""

    async def story() -> None:
        keeper = Keeper()
        tasks = await posted(Arrivals(keeper), keeper, "a", "b", "old", "c")
        assert not any(task.done() for task in tasks)
        keeper.may_end.set()
        assert await asyncio.gather(*tasks) == [True, True, False, True]
        assert keeper.written == [["a"], ["b", "old", "c"]]

    asyncio.run(story())


def test_kept__what_cannot_be_kept_takes_nobody_with_it() -> None:
    """Its sender hears of it, the others do not."""

    async def story() -> None:
        keeper = Keeper()
        arrivals = Arrivals(keeper)
        tasks = await posted(arrivals, keeper, "a", "b", "bad", "c")
        keeper.may_end.set()
        said = await asyncio.gather(*tasks, return_exceptions=True)
        assert [said[0], said[1], said[3]] == [True, True, True]
        assert isinstance(said[2], ValueError)
        assert keeper.written == [["a"], ["b"], ["c"]]
        assert await arrivals.kept(arrival("d")), "the door stays open"

    asyncio.run(story())


@pytest.mark.parametrize("error", [StoreFailed("no room"), OSError("locked")])
def test_kept__by_a_store_that_is_full_or_never_answers__all_hear_at_once(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is made to wait for it as often as there are others; the door stays open."""
    tried: list[int] = []

    def keep(arrivals: Sequence[Arrival]) -> list[bool]:
        tried.append(len(arrivals))
        if len(tried) > 1:
            return [True] * len(arrivals)
        time.sleep(0.02)
        raise error

    async def story() -> None:
        arrivals = Arrivals(keep)
        said = await asyncio.gather(*(arrivals.kept(arrival(f"e{at}")) for at in range(8)), return_exceptions=True)
        assert said == [error] * 8
        assert tried == [8]
        assert await arrivals.kept(arrival("again"))

    monkeypatch.setattr("console.web.arrivals.PATIENCE", 0.01)
    asyncio.run(story())


def test_kept__who_hangs_up_keeps_nobody_waiting() -> None:
    """What he sent may stand all the same: it is known when he sends it again."""

    async def story() -> None:
        keeper = Keeper()
        tasks = await posted(Arrivals(keeper), keeper, "a", "b", "c")
        tasks[0].cancel()
        tasks[1].cancel()
        keeper.may_end.set()
        assert await tasks[2]
        for task in tasks[:2]:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert keeper.written == [["a"], ["b", "c"]]

    asyncio.run(story())


def test_kept__so_many_at_once() -> None:
    """Others write between two commits of many."""

    async def story() -> None:
        keeper = Keeper()
        tasks = await posted(Arrivals(keeper), keeper, *(f"e{at}" for at in range(AT_ONCE + 3)))
        keeper.may_end.set()
        assert all(await asyncio.gather(*tasks))
        assert [len(names) for names in keeper.written] == [1, AT_ONCE, 2]

    asyncio.run(story())


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    yield opened
    opened.close()


def test_keep_all__copies_that_come_together_make_one_event(hub: Hub) -> None:
    """One is new, and audited once; an event of another system by the same id is another event."""
    two = [arrival("a"), arrival("b"), arrival("a"), Arrival("mes", "a", {})]
    assert keep_all(hub, two) == [True, True, False, True]
    assert keep_all(hub, two) == [False] * 4
    with hub.store.read() as tx:
        assert [(one.system, one.event_id) for one in inbox.next_unread(tx)] == [
            ("crm", "a"),
            ("crm", "b"),
            ("mes", "a"),
        ]
        acts = [one.object for one in audit.listed(tx) if one.action == "webhook accepted"]
    assert sorted(acts) == ["inbox/crm/a", "inbox/crm/b", "inbox/mes/a"]
