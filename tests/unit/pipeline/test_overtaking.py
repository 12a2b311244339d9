"""Nobody decides on a view that somebody else has overtaken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canonical.actors import Actor
from canonical.errors import SystemUnavailable
from pipeline.hub import Hub, Run, open_hub
from pipeline.overtaking import (
    Overtaken,
    check_view,
    count_deciding,
    look_again,
    must_give_way,
    right_of_way,
    take_view,
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    yield opened
    opened.close()


def run(hub: Hub, name: str) -> Run:
    return Run(name, hub.as_of(), Actor("run", name))


def check(hub: Hub, one: Run) -> None:
    with hub.store.read() as tx:
        check_view(hub, tx, one)


def decide(hub: Hub, one: Run) -> None:
    with hub.store.begin() as tx:
        count_deciding(tx, one)


def test_view__is_overtaken_by_another_run_that_decides_and_holds_again_after_looking_again(hub: Hub) -> None:
    batch, relay = run(hub, "batch"), run(hub, "relay")
    take_view(hub, batch)
    take_view(hub, relay)
    decide(hub, relay)
    check(hub, relay)  # its own deciding does not overtake it
    with pytest.raises(Overtaken):
        check(hub, batch)
    look_again(hub, batch)
    check(hub, batch)


def test_view__is_taken_once_a_run_in_whatever_process(hub: Hub, tmp_path: Path) -> None:
    batch = run(hub, "batch")
    take_view(hub, batch)
    decide(hub, run(hub, "relay"))
    second = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    take_view(second, batch)
    with pytest.raises(Overtaken):
        check(second, batch)
    second.close()


def test_right_of_way__is_given_to_one_and_given_back(hub: Hub) -> None:
    batch = run(hub, "batch")
    with right_of_way(hub, batch):
        assert must_give_way(hub, "relay")
        assert not must_give_way(hub, "batch")
        with pytest.raises(SystemUnavailable), right_of_way(hub, run(hub, "another")):
            pass
    assert not must_give_way(hub, "relay")
