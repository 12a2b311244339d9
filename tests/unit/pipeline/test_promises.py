"""Accepted promises in the pipeline: which of them hold something, and what each work centre has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from sqlalchemy.exc import IntegrityError

from canonical.actors import Actor, Role
from canonical.plan import PlanCalendar, PlanDemand, PlanItem, PlanningSnapshot
from pipeline.capacity import HOUR, capacities
from pipeline.promises import expire, held_promises, honoured, of_orders, promises_version, release
from planning.promise.accepting import Held
from store import promises
from store.promises import AcceptedPromise
from store.unit_of_work import Store

TODAY = date(2026, 3, 2)  # a Monday
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WANG = Actor("person", "wang", Role.APPROVER)
HELD = Held("SO-1|1", "G1", 2, TODAY + timedelta(9))
FRAMES = {
    "sales_order": pl.DataFrame({"golden_id": ["SO-1", "SO-2"], "status": ["open", "draft"]}),
    "sales_order_line": pl.DataFrame({"golden_id": ["SO-1|1", "SO-2|1"], "order": ["SO-1", "SO-2"]}),
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Any]:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    yield SimpleNamespace(store=store, now=lambda: NOW)
    store.close()


def _accept(hub: Any, key: str, expires_at: datetime | None = None) -> None:
    held = {"priority": 1, "pegs": [["s", "on_hand", key, key, "G1", 5]], "slots": [["G1", "line", "2026-03-04", 7]]}
    row = AcceptedPromise(key, "G1", 5, TODAY, TODAY, None, held, expires_at=expires_at)
    with hub.store.begin() as tx:
        promises.accept(tx, row, WANG, NOW)


def test_honoured__a_line_that_is_gone_holds_nothing_one_that_is_to_come_does() -> None:
    picture = PlanningSnapshot(TODAY, (PlanItem("G1", "buy"),))
    assert honoured(picture, [HELD], FRAMES) == picture  # the line is known and no demand any more: it is done
    draft = Held("SO-2|1", "G1", 2, TODAY)
    to_come = Held("SO-3|1", "G1", 2, TODAY)
    assert {row.key for row in honoured(picture, [draft, to_come], FRAMES).demands} == {"SO-2|1", "SO-3|1"}
    known = PlanningSnapshot(TODAY, picture.items, demands=(PlanDemand("SO-1|1", "G1", 3, TODAY, "SO-1|1"),))
    assert [(row.quantity, row.due) for row in honoured(known, [HELD], FRAMES).demands] == [(3, HELD.promised)]


def test_of_orders__only_the_order_of_the_line() -> None:
    assert of_orders([HELD], FRAMES, frozenset({"SO-1"}))
    assert not of_orders([HELD], FRAMES, frozenset({"SO-2"}))


def test_held_promises__come_back_as_they_were_accepted_and_run_out(hub: Any) -> None:
    _accept(hub, "a")
    before = promises_version(hub)
    _accept(hub, "b", NOW)
    held = held_promises(hub)
    assert [(one.key, one.pegs[0].quantity, one.slots[0].time) for one in held] == [("a", 5, 7)]
    assert promises_version(hub) == before
    expire(hub)
    with hub.store.read() as tx:
        assert {one.key: one.state for one in promises.listed(tx, ended=True)} == {"a": "open", "b": "expired"}


def test_release__frees_the_key_for_another(hub: Any) -> None:
    _accept(hub, "a")
    with pytest.raises(IntegrityError):
        _accept(hub, "a")
    found = release(hub, "a", WANG, "left")
    assert found is not None
    assert release(hub, "a", WANG) is None
    _accept(hub, "a")
    assert len(held_promises(hub)) == 1


def test_capacities__maintenance_overtime_and_centres_without_hours() -> None:
    frames = {
        "work_centre": pl.DataFrame(
            {
                "golden_id": ["saw", "press", "yard"],
                "hours_per_day": [Decimal(8), Decimal(16), None],
                "calendar": ["plant", None, None],
            }
        ),
        "calendar_day": pl.DataFrame(
            {
                "calendar": ["plant", "plant"],
                "day": [TODAY + timedelta(1), TODAY + timedelta(5)],
                "hours": [Decimal("2.5"), Decimal(4)],
            }
        ),
    }
    picture = PlanningSnapshot(TODAY, calendars=(PlanCalendar("plant", exceptions=((TODAY, False),)),))
    found = capacities(frames, picture)
    assert [time / HOUR for time in found["saw"][:7]] == [0, 2.5, 8, 8, 8, 4, 0]
    assert [time / HOUR for time in found["press"][:7]] == [16, 16, 16, 16, 16, 0, 0]
    assert "yard" not in found
