from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import event

from canonical.commands import Command, State
from canonical.errors import CrosswalkPending
from mappings.loading import load_system
from pipeline.hub import MAPPINGS
from pipeline.outbound import Lookups
from store import crosswalk, deliveries, documents
from store.crosswalk import Binding
from store.documents import Document
from store.unit_of_work import Store
from tests.unit.store.test_outbox import LATER, NOW, claim, command, enqueue, finish, receipt, send

PLACE = "erp/work_order/PO-1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")


@pytest.fixture
def lookups(store: Store) -> Lookups:
    configuration = SimpleNamespace(policies={})
    return Lookups(cast("Any", SimpleNamespace(store=store, configuration=configuration)))


def _pulled(store: Store) -> None:
    with store.begin() as tx:
        documents.record(tx, [Document("erp", "work_order", "PO-1", "1001", "MO1", 1, None, "adopted", NOW)])


def _stands(lookups: Lookups) -> bool:
    lookups.learn([PLACE])
    return lookups.stands(PLACE)


def test_stands__only_what_somebody_made(store: Store, lookups: Lookups) -> None:
    assert not _stands(lookups)
    _pulled(store)
    assert _stands(lookups)


def test_stands__what_a_pull_shows_while_its_command_is_unfinished_is_half_made(store: Store, lookups: Lookups) -> None:
    """Its command would go on to write over what a follower has changed meanwhile."""
    enqueue(store, command())
    claim(store)
    send(store, command())
    _pulled(store)
    assert not _stands(lookups)
    with store.begin() as tx:
        assert deliveries.void_intent(tx, command().id, "w1", "save", NOW)
    assert not _stands(lookups), "a refused attempt may have been carried out all the same"
    finish(store, command())
    assert _stands(lookups)


def test_stands__a_later_change_under_way_takes_nothing_away(store: Store, lookups: Lookups) -> None:
    enqueue(store, command())
    claim(store)
    send(store, command())
    with store.begin() as tx:
        assert deliveries.record_receipt(tx, command().id, "w1", receipt(), NOW)
    assert finish(store, command(), State.APPLIED)
    _pulled(store)
    enqueue(store, command(revision=2), now=LATER)
    claim(store, now=LATER + timedelta(minutes=1))
    send(store, command(revision=2), now=LATER + timedelta(minutes=1))
    assert _stands(lookups)


def test_stands__a_document_whose_command_was_never_tried(store: Store, lookups: Lookups) -> None:
    enqueue(store, command())
    _pulled(store)
    assert _stands(lookups), "it was there before us"


def test_native_id__of_the_record_itself_even_where_another_stands_first(store: Store, lookups: Lookups) -> None:
    with store.begin() as tx:
        first = Binding("erp", "item", "M-1", "DW-1", "1001")
        crosswalk.bind(tx, [first, Binding("erp", "item", "M-2", "DW-1", "1002", is_primary=False)], NOW)
    assert lookups.native_id("erp", "item", "M-2") == "1002"
    with pytest.raises(CrosswalkPending, match="erp has shown no item 'M-3'"):
        lookups.native_id("erp", "item", "M-3")


def test_stands__what_was_mastered_since_the_delivery_began(store: Store) -> None:
    policies = {"sales_order": SimpleNamespace(crosswalk=True)}
    hub = SimpleNamespace(store=store, configuration=SimpleNamespace(policies=policies))
    lookups = Lookups(cast("Any", hub))
    assert lookups.keys == {}
    with store.begin() as tx:
        bound = [
            Binding("crm", "sales_order", "801", "SO-1", "n801"),
            Binding("crm", "sales_order", "800", "SO-1", "n800", is_primary=False),
            Binding("erp", "sales_order", "900", "SO-2", "n900"),
        ]
        crosswalk.bind(tx, bound, NOW)
    lookups.learn(["crm/sales_order/SO-1", "crm/sales_order/SO-2"])
    assert lookups.native("crm", "sales_order", "SO-1", technical=False) == "801", "by its first record"
    assert lookups.native("crm", "sales_order", "SO-1", technical=True) == "n801"
    assert not lookups.stands("crm/sales_order/SO-2"), "known in another system only"


def test_expect__asks_together_for_what_payloads_will_refer_to(store: Store) -> None:
    """Wherever in the payload a reference stands, but in rows; and what nobody knows is asked for again."""
    mapping = load_system(MAPPINGS / "erp")
    configuration = SimpleNamespace(
        policies={"sales_order": SimpleNamespace(crosswalk=True)}, mappings={"erp": mapping}
    )
    lookups = Lookups(cast("Any", SimpleNamespace(store=store, configuration=configuration)))
    assert lookups.keys == {}
    with store.begin() as tx:
        bound = [Binding("crm", "sales_order", f"80{at}", f"SO-{at}", f"n80{at}") for at in range(3)]
        crosswalk.bind(tx, bound, NOW)
    made = [Command("order_production", "erp", "work_order", f"R{at}", 1, {"sales_order": f"SO-{at}"}, "rule:r", "-")
            for at in range(4)]  # fmt: skip
    asked: list[str] = []
    store.engine.dispose()
    event.listen(store.engine, "connect", lambda driver, _: driver.set_trace_callback(asked.append))
    lookups.expect(made)
    assert len([one for one in asked if one.startswith("SELECT")]) == 2, "documents, and what was mastered since"
    asked.clear()
    assert [lookups.native("crm", "sales_order", f"SO-{at}", technical=False) for at in range(3)] == [
        "800", "801", "802",
    ]  # fmt: skip
    assert asked == []
    with pytest.raises(CrosswalkPending):
        lookups.native("crm", "sales_order", "SO-3", technical=False)
