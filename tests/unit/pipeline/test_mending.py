"""Records in quarantine are mended by a person, and conformed like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canonical.actors import Actor, Role
from canonical.errors import MillstreamError
from connectors.port import Page, StreamSpec
from pipeline.conform import conform
from pipeline.hub import Hub
from pipeline.judge import judge
from pipeline.land import land
from pipeline.mending import find_raw, judge_again, mend, records_behind, send_again
from pipeline.overtaking import right_of_way
from pipeline.reconcile import reconcile_entity
from pipeline.steward_acts import pin
from store import audit, quarantine
from store.quarantine import QuarantineState
from tests.unit.pipeline.landed import STREAM, land_items, landed_hub, raw_item

LI = Actor("person", "li.wei", Role.STEWARD)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = landed_hub(tmp_path)
    yield opened
    opened.close()


def waiting(hub: Hub) -> list[str]:
    with hub.store.read() as tx:
        return [row.rejection.source_key for row in quarantine.listed(tx, stage="conform", system="crm")]


def names(hub: Hub) -> dict[str, str | None]:
    frame = hub.frames.read("canonical/item/crm")
    assert frame is not None
    return dict(zip(frame["source_key"], frame["name"], strict=True))


def test_find_raw__shows_what_may_be_corrected_and_what_it_becomes(hub: Hub) -> None:
    found = find_raw(hub, "crm", "item", "FG-2")
    assert found is not None
    assert found.record["StockKeepingUnit"] == "DW-FG-2"
    fields = {field.path: field for field in found.fields}
    assert (fields["Name"].value, fields["Name"].behind) == (None, ("name",))
    assert "ProductCode" not in fields  # another key would be another record
    assert find_raw(hub, "crm", "item", "FG-9") is None


def test_mend__takes_the_record_out_of_quarantine_and_is_audited(hub: Hub) -> None:
    assert waiting(hub) == ["FG-2"]
    assert mend(hub, LI, {"Name": "Shaft"}, system="crm", entity="item", source_key="FG-2") == []
    assert waiting(hub) == []
    assert names(hub) == {"FG-1": "Gear box", "FG-2": "Shaft"}
    with hub.store.read() as tx:
        (act,) = audit.listed(tx, "record/crm/item/FG-2")
    assert (act.actor, act.action, act.detail) == ("person:li.wei", "record mended", {"Name": [None, "Shaft"]})


def test_mend__that_does_not_help_leaves_the_record_where_it_is(hub: Hub) -> None:
    left = mend(hub, LI, {"QuantityUnitOfMeasure": "dozenish"}, system="crm", entity="item", source_key="FG-2")
    assert [row.rejection.source_key for row in left] == ["FG-2"]
    assert set(names(hub)) == {"FG-1"}


def test_mend__holds_until_the_source_sends_the_record_again(hub: Hub) -> None:
    mend(hub, LI, {"Name": "Shaft"}, system="crm", entity="item", source_key="FG-2")
    run = hub.new_run(LI)
    land_items(hub, run, raw_item("FG-2", None), complete=False)
    conform(hub, "crm", "item", run)
    assert waiting(hub) == ["FG-2"]


class Door:
    """A CRM whose cursor is inclusive: every pull brings the record at its edge again."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = records
        self.streams = {STREAM: StreamSpec(STREAM, "item", incremental=True, complete=True)}

    def read(self, _stream: str, _since: str | None = None) -> Iterator[Page]:
        yield Page(self.records, None)

    def close(self) -> None:
        """Nothing to give back."""


def test_mend__holds_while_pulls_bring_what_the_source_said_before(hub: Hub) -> None:
    mend(hub, LI, {"Name": "Shaft"}, system="crm", entity="item", source_key="FG-2")
    for said, name in ((None, "Shaft"), ("Axle", "Axle"), (None, None)):
        hub._connectors["crm"] = Door(raw_item("FG-2", said))  # type: ignore[assignment]
        run = hub.new_run(Actor("run", "next", Role.ENGINEER))
        assert land(hub, "crm", STREAM, run).rows == (0 if name == "Shaft" else 1)
        conform(hub, "crm", "item", run)
        assert names(hub).get("FG-2") == name


@pytest.mark.parametrize("values", [{}, {"Name": ""}, {"ProductCode": "FG-3"}, {"NoSuchField": "x"}])
def test_mend__that_changes_nothing_lands_nothing(hub: Hub, values: dict[str, str]) -> None:
    with hub.store.read() as tx:
        before = len(hub.raw.listed(tx, "crm", "products"))
    with pytest.raises(MillstreamError, match="no value was changed"):
        mend(hub, LI, values, system="crm", entity="item", source_key="FG-2")
    with hub.store.read() as tx:
        assert len(hub.raw.listed(tx, "crm", "products")) == before


def test_mend__of_what_nobody_landed_says_what_to_do(hub: Hub) -> None:
    with pytest.raises(MillstreamError, match="correct it in its system"):
        mend(hub, LI, {"Name": "x"}, system="crm", entity="item", source_key="FG-9")


def test_send_again__judges_the_record_as_it_stands(hub: Hub) -> None:
    assert not send_again(hub, LI, stage="conform", system="crm", entity="item", source_key="FG-2")
    with hub.store.read() as tx:
        (row,) = quarantine.listed(tx, stage="conform", system="crm")
    assert row.state is QuarantineState.OPEN  # it was judged again, and still fails


# -- golden records that break a rule ------------------------------------------------------------------------------


@pytest.fixture
def judged(hub: Hub) -> Hub:
    """FG-1 stands alone, and its golden record breaks a rule about golden records: its name is no good."""
    book = hub.configuration.rulebooks["item"]
    rule = {"name": "name_is_one", "kind": "matches", "fields": "name", "pattern": "[^?]+", "scope": "dataset"}
    strict = book.model_validate({"entity": "item", "rules": [rule]})
    hub.configuration.__dict__["rulebooks"] = {**hub.configuration.rulebooks, "item": strict}
    run = hub.new_run(LI)
    land_items(hub, run, raw_item("FG-1", "???"))
    conform(hub, "crm", "item", run)
    reconcile_entity(hub, "item", run)
    judge(hub, "item", run, suite=False)
    return hub


def _in_quarantine(hub: Hub) -> list[str]:
    with hub.store.read() as tx:
        return [row.rejection.source_key for row in quarantine.listed(tx, stage="judge", entity="item")]


def test_golden_record__is_mended_where_a_source_said_it_and_judged_at_once(judged: Hub) -> None:
    assert _in_quarantine(judged) == ["DWFG-1"]
    (ref,) = records_behind(judged, "item", "DWFG-1")
    assert str(ref) == "crm:FG-1"
    mend(judged, LI, {"Name": "Gear box"}, system=ref.system, entity="item", source_key=ref.source_key)
    assert judge_again(judged, LI, "item", "DWFG-1")
    assert _in_quarantine(judged) == []
    frame = judged.frames.read("judged/item")
    assert frame is not None
    assert frame["name"].to_list() == ["Gear box"]


def test_golden_record__is_released_by_a_pin_and_sending_it_again(judged: Hub) -> None:
    assert not send_again(judged, LI, stage="judge", system="golden", entity="item", source_key="DWFG-1")
    assert _in_quarantine(judged) == ["DWFG-1"]
    pin(judged, LI, "item", "DWFG-1", attribute="name", value="Gear box", reason="the CRM does not know")
    assert send_again(judged, LI, stage="judge", system="golden", entity="item", source_key="DWFG-1")
    assert _in_quarantine(judged) == []


def test_judge_again__leaves_it_to_who_has_the_right_of_way(judged: Hub) -> None:
    other = judged.new_run(LI)
    with right_of_way(judged, other):
        assert not judge_again(judged, LI, "item", "DWFG-1")
    assert records_behind(judged, "item", "nowhere") == []
