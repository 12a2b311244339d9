"""Workers that stay look when something was said, and no more of them than there is work for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from canonical.commands import Command
from canonical.errors import CrosswalkPending
from pipeline import residents
from pipeline.deliver import Round
from pipeline.delivery import Draft
from pipeline.delivery_workers import Workers
from pipeline.hub import load_configuration
from pipeline.outbound import Lookups
from pipeline.residents import GATHER_SECONDS, HELP_SECONDS, Residents
from pipeline.settings import Settings
from store.due_commands import ALL
from store.unit_of_work import Store


def _hub(store: Store, home: Path) -> Any:
    configuration = load_configuration(Settings.from_environment({"MILLSTREAM_HOME": str(home)}))
    return SimpleNamespace(
        store=store, settings=SimpleNamespace(home=home), now=lambda: datetime.now(UTC), configuration=configuration
    )


class _Look:
    """In place of a round: of whom, and which lane."""

    def __init__(self, _hub: object, system: str, _lookups: object, workers: Residents, *more: Any) -> None:
        self.lane, self.workers = (system, more[-1]), workers


def _until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_residents__what_one_has_found_empty_its_helper_need_not_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    class Looking:
        def __init__(self, _hub: object, system: str, *more: Any) -> None:
            self.lane = f"{system} rest" if more[-1].others else system

        def run(self) -> int:
            looks.append(self.lane)
            return 0

    monkeypatch.setattr(residents, "Round", Looking)
    monkeypatch.setattr(residents, "LONGEST_NAP_SECONDS", 60.0)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    crew = Residents(_hub(store, tmp_path))
    crew.start(("erp", "mes"))
    try:
        _until(lambda: set(looks) == {"erp", "erp rest", "mes", "mes rest"})
        time.sleep(3 * HELP_SECONDS)
        at_first = len(looks)
        crew.stir(("erp/work_order",))
        _until(lambda: len(looks) > at_first)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first:] == ["erp"], "one looks, for both, and nobody for the other system"
        crew.stir(("erp/purchase_request",))
        time.sleep(GATHER_SECONDS / 2)
        crew.stir(("erp/subcontract_order",))
        _until(lambda: len(looks) > at_first + 1)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first + 1 :] == ["erp rest"], "what nobody waits for gathers"
        at_first += 1
        crew.ended([], ["crm/sales_order/SO-1"])
        crew.ended([], ["erp/work_order/M|A/1|SO-1|1"])
        _until(lambda: len(looks) > at_first + 1)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first + 1 :] == ["mes"], "work orders are followed by commands to the MES, orders by none"
        at_first += 1
        crew.ended([], ["mes/work_order/M|A/1|SO-1|1"])
        _until(lambda: len(looks) > at_first + 1)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first + 1 :] == ["mes"], "the ERP's are withdrawn after those of the MES are, and not before"
        at_first += 1
        crew.ended([], [], ["mes/work_order/M|A/1|SO-1|1"])
        _until(lambda: len(looks) > at_first + 1)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first + 1 :] == ["erp"], "what withdraws them was perhaps never recorded"
    finally:
        crew.stop()
        store.close()


class _Call(threading.Condition):
    woken = 0

    def notify_all(self) -> None:
        self.woken += 1
        super().notify_all()


def test_stir__wakes_nobody_who_delivers_something_else(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    crew = Residents(_hub(store, tmp_path))
    calls = {lane: _Call() for lane in (*crew._lanes("erp"), *crew._lanes("mes"))}
    crew._calls.update(calls)
    crew.stir(("erp/work_order", "erp/work_order"))
    assert [lane for lane, call in calls.items() if call.woken] == crew._lanes("erp/work_order")
    assert sum(call.woken for call in calls.values()) == 1
    crew.stop()
    assert all(call.woken for call in calls.values()), "who naps is told that it is over"
    store.close()


def test_claiming__one_at_a_time_for_a_lane(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    crew = Residents(_hub(store, tmp_path))
    awaited, rest = crew._lanes("erp")
    assert [crew._lanes(f"erp/{one}") for one in ("work_order", "purchase_request")] == [[awaited], [rest]]
    with crew.claiming(*awaited), crew.claiming("wms", ALL):
        assert crew._looking[awaited].locked()
        assert not crew._looking[rest].locked()
    assert not crew._looking[awaited].locked()
    store.close()


def test_residents__who_took_all_that_is_due_spares_the_helper_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    long = 4 * HELP_SECONDS

    class Long(_Look):
        def run(self) -> int:
            with self.workers.claiming(*self.lane):
                looks.append(self.lane[0])
            if len(looks) > 1:
                return 0
            self.workers.took_all(*self.lane)
            time.sleep(long)
            return 1

    monkeypatch.setattr(residents, "Round", Long)
    monkeypatch.setattr(residents, "LONGEST_NAP_SECONDS", 60.0)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    crew = Residents(_hub(store, tmp_path))
    crew.stir(("erp",))
    lane = crew._lanes("erp/work_order")[0]
    crew._threads.extend(threading.Thread(target=crew._serve, args=(lane, place), daemon=True) for place in range(2))
    try:
        for thread in crew._threads:
            thread.start()
            _until(lambda: len(looks) == 1)
        time.sleep(long / 2)
        assert len(looks) == 1, "the first is at work on all there is"
        crew.stir(("erp",))
        _until(lambda: len(looks) > 1)
    finally:
        crew.stop()
        store.close()


def _work(key: str) -> Command:
    return Command("order_work", "mes", "work_order", key, 1, {}, "rule:r", "e1", after=(f"erp/work_order/{key}",))


def test_leaves__what_waits_for_a_moment_is_not_claimed_only_to_be_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub = _hub(store, tmp_path)
    hub.connector = lambda _: SimpleNamespace(operations={})
    crew = Residents(hub)
    lane = crew._lanes("mes/work_order")[0]
    drafts: dict[str, Draft] = {_work("A").id: CrosswalkPending("waits"), _work("B").id: {}}
    one_round = Round(hub, *lane[:1], Lookups(hub), crew, "w1", None, lane[1])
    assert one_round._ready([_work("A"), _work("B")], drafts) == [_work("B")]
    assert one_round._ready([_work("A")], drafts) == []
    monkeypatch.setattr("pipeline.deliver.BATCH", 2)
    assert one_round._ready([_work("A"), _work("B")], drafts) == [_work("A"), _work("B")], "more may be due behind"
    monkeypatch.setattr(residents, "LONGEST_NAP_SECONDS", 0.0)
    monkeypatch.setattr("pipeline.deliver.BATCH", 50)
    one_round._ready([_work("A")], drafts)
    assert one_round._ready([_work("A")], drafts) == [_work("A")], "what waits for long is shown as waiting"
    batch_pass = Round(hub, *lane[:1], Lookups(hub), Workers(hub), "w1", None)
    assert batch_pass._ready([_work("A")], drafts) == [_work("A")], "a pass counts on what is put back"
    store.close()


def test_residents__what_is_said_while_they_leave_something_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    class Leaving(_Look):
        def run(self) -> int:
            with self.workers.claiming(*self.lane):
                looks.append(self.lane[0])
                self.workers.leaves(*self.lane, ["c1"] if len(looks) == 1 else [])
            if len(looks) == 1:
                self.workers.ended([], ["erp/work_order/A"])
            return 0

    monkeypatch.setattr(residents, "Round", Leaving)
    monkeypatch.setattr(residents, "LONGEST_NAP_SECONDS", 60.0)
    monkeypatch.setattr(residents, "LEFT_SECONDS", 60.0)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    crew = Residents(_hub(store, tmp_path))
    thread = threading.Thread(target=crew._serve, args=(crew._lanes("mes/work_order")[0], 0), daemon=True)
    crew._threads.append(thread)
    thread.start()
    try:
        _until(lambda: len(looks) == 2)
    finally:
        crew.stop()
        store.close()
