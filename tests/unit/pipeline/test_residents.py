"""Workers that stay look when something was said, and no more of them than there is work for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline import residents
from pipeline.residents import HELP_SECONDS, Residents
from store.unit_of_work import Store


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
        def __init__(self, _hub: object, system: str, *_: object) -> None:
            self.system = system

        def run(self) -> int:
            looks.append(self.system)
            return 0

    monkeypatch.setattr(residents, "Round", Looking)
    monkeypatch.setattr(residents, "LONGEST_NAP_SECONDS", 60.0)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub = SimpleNamespace(store=store, settings=SimpleNamespace(home=tmp_path), now=lambda: datetime.now(UTC))
    crew = Residents(cast("Any", hub))
    crew.start(("erp", "mes"))
    try:
        _until(lambda: {"erp", "mes"} <= set(looks))
        time.sleep(3 * HELP_SECONDS)
        at_first = len(looks)
        crew.stir(("erp",))
        _until(lambda: len(looks) > at_first)
        time.sleep(3 * HELP_SECONDS)
        assert looks[at_first:] == ["erp"], "one looks, for both, and nobody for the other system"
    finally:
        crew.stop()
        store.close()


def test_claiming__one_at_a_time_for_a_system(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub = SimpleNamespace(store=store, settings=SimpleNamespace(home=tmp_path), now=lambda: datetime.now(UTC))
    crew = Residents(cast("Any", hub))
    with crew.claiming("erp"), crew.claiming("mes"):
        assert crew._looking["erp"].locked()
        assert not crew._looking["wms"].locked()
    assert not crew._looking["erp"].locked()
    store.close()
