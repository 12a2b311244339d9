"""The queue that is kept is the one that would be made anew, whatever was done; and it is read at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from canonical.errors import MillstreamError
from pipeline import stewardship as acts
from pipeline.queue_items import QueueItem, disagreements
from pipeline.steward_queue import QueueFilter, refresh
from store import conflicts, quarantine
from store import queue as kept
from store.conflicts import Conflict
from store.quarantine import Rejection
from tests.unit.pipeline.mastered import LI, WANG, MasteredPlant, mastered_plant, ref

ALL = 10_000


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path)
    for number in range(12):
        code, size = f"DW-{number:02}", f"M{4 + number % 5 * 2}×{20 + number}"
        made.put(
            "item", f"erp:{number:02}", drawing_number=code, name="内六角圆柱头螺钉", sourcing="buy", unit="pcs",
            specification=f"{size} 8.8级 发黑",
        )  # fmt: skip
        made.put("item", f"crm:{number:02}", name=f"内六角螺钉 {size} 8.8级", unit="pcs")
    made.put("item", "mes:0", drawing_number="DW-00", name="螺钉", sourcing="make", unit="kg")
    made.master()
    yield made
    made.hub.close()


def _listed(plant: MasteredPlant) -> tuple[QueueItem, ...]:
    return acts.queue(plant.hub, limit=ALL).items


def _anew(plant: MasteredPlant) -> tuple[QueueItem, ...]:
    with plant.hub.store.begin() as tx:
        for item in kept.entities(tx):
            kept.put(tx, [], kept.items_of_kinds(tx, item, None))
        kept.mark(tx, kept.ALL, [kept.ALL])
    return _listed(plant)


def _orders(plant: MasteredPlant, *items: str) -> None:
    rows = {"golden_id": [f"W{number}" for number in range(len(items))], "item": items, "status": "released"}
    plant.hub.frames.write("golden/work_order", pl.DataFrame(rows), f"run-{len(items)}")


def _step(plant: MasteredPlant, chance: random.Random) -> None:
    """Something a steward, a source or a pass may do."""
    what, waiting = chance.randrange(9), _listed(plant)
    pairs = [one for one in waiting if one.kind == "match"]
    golden = sorted(plant.golden())
    if what < 3 and pairs:
        one = chance.choice(pairs)
        ours, theirs = one.records
        acts.decide(plant.hub, LI, (acts.same if what else acts.different)("item", ours, theirs))
    elif what == 3:
        acts.undo(plant.hub, LI)
    elif what == 4:
        acts.pin(plant.hub, LI, "item", chance.choice(golden), attribute="unit", value="kg", reason="")
    elif what == 5:
        acts.merge(plant.hub, LI, "item", chance.sample(golden, 2), "")
    elif what == 6:
        number = chance.randrange(12)
        plant.put("item", f"crm:{number:02}", name=f"垫圈 {number}", unit=chance.choice(["pcs", "kg"]))
        plant.master()
    elif what == 7:
        plant.records["item"].pop(f"crm:{chance.randrange(12):02}", None)
        plant.master()
    else:
        plant.put(
            "item", f"wms:{chance.randrange(4)}", name="内六角螺钉 M8×22 8.8级", unit="kg", drawing_number="DW-01"
        )
        plant.master()


@pytest.mark.parametrize("seed", range(3))
def test_kept_queue__is_what_its_causes_say(plant: MasteredPlant, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        plant.later(minutes=2)
        try:
            _step(plant, chance)
        except MillstreamError:
            continue
        found = _listed(plant)
        assert found == _anew(plant)


def test_mass_change__waits_as_one_item_until_it_is_answered(plant: MasteredPlant) -> None:
    codes = [f"erp:{number:02}" for number in range(7)]
    pairs = [(one, other) for one in codes for other in codes if one < other]
    acts.decide(plant.hub, LI, *(acts.different("item", ref(one), ref(other)) for one, other in pairs))
    (waiting,) = acts.queue(plant.hub, QueueFilter(kind="approval")).items
    assert len(waiting.decisions) == 21
    assert _listed(plant) == _anew(plant)
    acts.approve(plant.hub, WANG, *waiting.decisions)
    assert "approval" not in acts.queue(plant.hub).by_kind


def test_reference__waits_until_it_leads_somewhere(plant: MasteredPlant) -> None:
    broken = [Rejection("L1", "unknown_reference", "item 'X' is not known (yet)", "item", {"item": "X"})]
    with plant.hub.store.begin() as tx:
        quarantine.replace(tx, "reconcile", "erp", "stock", broken, now=plant.moment)
    (item,) = acts.queue(plant.hub, QueueFilter(kind="reference")).items
    assert (item.entity, item.attribute, item.said) == ("stock", "item", ("X",))
    with plant.hub.store.begin() as tx:
        quarantine.replace(tx, "reconcile", "erp", "stock", [], now=plant.moment)
    assert acts.queue(plant.hub, QueueFilter(kind="reference")).items == ()


def test_order__follows_open_documents_and_stock_value_within_a_minute(plant: MasteredPlant) -> None:
    last = _listed(plant)[-1]
    place = last.golden_ids[0]
    _orders(plant, place, place)
    stock = pl.DataFrame({"item": [place], "quantity": [Decimal(100)]})
    prices = pl.DataFrame({"item": [place], "price": [Decimal("1.5")]})
    plant.hub.frames.write("golden/stock", stock, "run-s")
    plant.hub.frames.write("golden/supplier_agreement", prices, "run-p")
    plant.later(minutes=2)
    first = _listed(plant)[0]
    assert place in first.golden_ids
    assert (first.impact.open_documents, first.impact.stock_value) == (2, Decimal(150))
    assert _listed(plant) == _anew(plant)


def test_filters__narrow_and_count(plant: MasteredPlant) -> None:
    every = acts.queue(plant.hub, limit=ALL)
    (one, other, *_) = every.items
    due = plant.moment + timedelta(days=1)
    acts.assign(plant.hub, LI, [one.item, other.item], "li.wei", due)
    mine = acts.queue(plant.hub, QueueFilter(assignee="li.wei"))
    assert [item.item for item in mine.items] == [one.item, other.item]
    assert (mine.items[0].assignee, mine.items[0].due_at) == ("li.wei", due)
    assert acts.queue(plant.hub, QueueFilter(overdue_at=plant.moment)).total == 0
    assert acts.queue(plant.hub, QueueFilter(overdue_at=due)).total == 2
    conflicts = acts.queue(plant.hub, QueueFilter(kind="conflict"))
    assert (conflicts.total, conflicts.by_kind) == (every.by_kind["conflict"], every.by_kind)
    by_name = acts.queue(plant.hub, QueueFilter(text="luoding m8"))
    assert 0 < by_name.total < every.total
    assert all("M8" in item.title for item in by_name.items)
    assert acts.queue(plant.hub, limit=2, offset=2).items == every.items[2:4]


@pytest.mark.parametrize("text", [None, "luoding"])
def test_position__counts_and_leads_on_even_when_the_item_is_gone(plant: MasteredPlant, text: str | None) -> None:
    wanted = QueueFilter(text=text)
    first, second, *_ = acts.queue(plant.hub, wanted, limit=ALL).items
    place = acts.place_in_queue(plant.hub, first.item)
    at = acts.queue_after(plant.hub, wanted, place)
    assert (at.number, at.following) == (1, second.item)
    acts.decide(plant.hub, LI, acts.different("item", first.records[0], first.records[1]))
    gone = acts.queue_after(plant.hub, wanted, place)
    assert (gone.number, gone.total) == (None, at.total - 1)
    assert acts.queue_after(plant.hub, wanted, None).following is not None


def test_refresh__writes_nothing_where_nothing_changed(plant: MasteredPlant) -> None:
    refresh(plant.hub)
    refresh(plant.hub)
    with plant.hub.store.read() as tx:
        assert not kept.is_marked(tx)


def _fits_both(plant: MasteredPlant, one: str, other: str) -> list[QueueItem]:
    """What waits where one record fits two golden records."""
    said = {"kind": "ambiguous_match", "said": [one, other]}
    with plant.hub.store.begin() as tx:
        found = [Conflict("item", one, "golden_id", said, None)]
        conflicts.replace(tx, "item", found, plant.hub.now(), within={one})
        return [item for item in disagreements(plant.hub, tx, "item", {one}) if item.kind == "ambiguous"]


def test_ambiguous__is_gone_once_somebody_said_that_they_are_two(plant: MasteredPlant) -> None:
    first, second = ref("erp:02"), ref("erp:03")
    one, other = (acts.record(plant.hub, "item", f"DW-0{number}").golden_id for number in (2, 3))
    assert len(_fits_both(plant, one, other)) == 1
    acts.decide(plant.hub, LI, acts.different("item", first, second, "two lengths"))
    assert _fits_both(plant, one, other) == []
