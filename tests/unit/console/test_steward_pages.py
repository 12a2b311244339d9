"""What the stewards' pages compute before they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from canonical.actors import Actor, Role
from canonical.errors import MillstreamError
from canonical.stewardship import Decision, SourceRef
from console.web.stewards.bulk import Planned, planned, verdict_of
from console.web.stewards.comparing import references
from console.web.stewards.item import choices
from console.web.stewards.marking import marked, pieces
from console.web.stewards.record import changes
from console.web.stewards.waterfall import HEAD, ROW, WIDTH, odds_of, waterfall
from console.web.stewards.worklist import about, title_of
from console.words.words import Words
from mdm.judgement import Part
from pipeline import stewardship
from pipeline.stewardship import Explanation, QueueItem, Step
from store import quarantine
from store.golden import GoldenVersion
from store.quarantine import Rejection
from tests.unit.console.asking import browser, person
from tests.unit.pipeline.mastered import MasteredPlant, mastered_plant

A, B, C = (SourceRef("erp", name) for name in "ABC")
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)


def _marks(*values: str | None) -> list[str]:
    return ["".join(f"[{one.text}]" if one.differs else one.text for one in parts) for parts in marked(values)]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (("螺栓 M8×20", "螺栓 M8×25"), ["螺栓 M8×[20]", "螺栓 M8×[25]"]),
        (("Hex Bolt", "hex bolt"), ["Hex Bolt", "hex bolt"]),
        (("圆柱头螺钉", "螺钉"), ["[圆柱头]螺钉", "螺钉"]),
        (("a 1", "a 2", "a 1"), ["a [1]", "a [2]", "a [1]"]),
        (("a", None), ["a", ""]),
        (("1.10", "1.1"), ["[1.10]", "[1.1]"]),
    ],
)
def test_marked__what_not_all_share(values: tuple[str | None, ...], shown: list[str]) -> None:
    assert _marks(*values) == shown


def test_pieces__lose_nothing() -> None:
    text = "内六角 M8×20mm, 8.8级 (DIN 912)\t发黑"
    assert "".join(pieces(text)) == text


def _told(*weights: float) -> Explanation:
    at, steps = 0.0, []
    for number, weight in enumerate(weights):
        steps.append(Step(Part(f"f{number}", 1.0, weight), at, at + weight))
        at += weight
    return Explanation(0.5, "review", "m", tuple(steps), (), 0.25, 0.998)


@pytest.mark.parametrize("weights", [(-1.0, 3.5, 2.0), (-8.0, -9.0), (40.0,), (0.0,), (-1.04, 0.001)])
def test_waterfall__every_bar_begins_where_the_last_ended(weights: tuple[float, ...]) -> None:
    chart = waterfall(_told(*weights))
    ends = [chart.zero, *(bar.end for bar in chart.bars)]
    for bar, before, after in zip(chart.bars, ends, ends[1:], strict=False):
        assert min(before, after) == pytest.approx(bar.x, abs=0.11)
        assert bar.x + bar.width <= WIDTH
    assert all(0 <= line.x <= WIDTH for line in chart.lines)
    assert chart.height >= HEAD + ROW * len(weights)


def test_odds_of__half_is_nothing() -> None:
    assert odds_of(0.5) == 0


def _item(name: str, *refs: SourceRef, kind: str = "match", **more: object) -> QueueItem:
    return QueueItem(name, kind, "item", name, records=refs, **more)  # type: ignore[arg-type]


def test_about__finds_what_waits_again() -> None:
    pair, other = _item("1", A, B), _item("2", A, C)
    conflict = _item("3", kind="conflict", golden_ids=("G",), attribute="unit")
    same = Decision(1, "item", "same", (B, A), "person:li", NOON)
    pin = Decision(2, "item", "pin", (A,), "person:li", NOON, attribute="unit", value="pcs")
    assert about([other, pair, conflict], same, ()) == pair
    assert about([other, pair, conflict], pin, ("G",)) == conflict
    assert about([other, pair, conflict], pin, ("H",)) is None


def test_title_of__names_stay_as_systems_write_them() -> None:
    mass = QueueItem("1", "approval", "item", "person:li.wei: 21 × different", decisions=tuple(range(21)))
    assert title_of(Words("zh"), mass) == "li.wei：21 × 不同"
    assert title_of(Words("en"), mass) == "li.wei: 21 × different"
    assert title_of(Words("zh"), _item("done ≟ plan", A, B)) == "done ≟ plan"


def test_choices__one_for_each_value_with_its_systems() -> None:
    item = _item("1", kind="conflict", said=("erp=buy", "mes=make", "wms=buy"), chosen="buy")
    assert [(one.value, one.systems, one.chosen) for one in choices(item)] == [
        ("buy", ("erp", "wms"), True), ("make", ("mes",), False),
    ]  # fmt: skip


def test_planned__leaves_what_does_not_fit(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    plant.put("item", "erp:1", name="Bolt", drawing_number="D", sourcing="buy")
    plant.put("item", "mes:2", name="Bolt", drawing_number="D", sourcing="make")
    plant.master()
    (conflict,) = stewardship.queue(plant.hub).items
    bom_line = QueueItem("x", "conflict", "bom_line", "", ("G",), attribute="quantity", chosen="2")
    plan = planned(plant.hub, [_item("1", A, B), conflict, bom_line], "keep", "as it is")
    assert (plan.items, plan.unfit) == ((conflict,), 2)
    assert (plan.verdicts[0].attribute, plan.verdicts[0].value) == ("sourcing", "buy")
    assert verdict_of(plant.hub, _item("2", A, B, C), "different") is None
    assert verdict_of(plant.hub, _item("2", A, B, C), "same") == stewardship.same("item", A, B, C)
    waiting = [_item("3", A, B, kind="approval", decisions=(1,)), _item("4", A, B, kind="duplicate")]
    assert planned(plant.hub, waiting, "same") == Planned((), (), 2)
    assert planned(plant.hub, waiting, "different").items == (waiting[1],)
    plant.hub.close()


def test_changes__between_versions() -> None:
    contents: list[dict[str, Any]] = [
        {"name": "Bolt", "unit": None},
        {"name": "Bolt", "unit": "pcs"},
        {"name": None, "unit": "pcs"},
    ]
    versions = [GoldenVersion("G", number, NOON, content, "r") for number, content in enumerate(contents, 1)]
    told = [[(one.attribute, one.before, one.after) for one in version.changes] for version in changes(versions)]
    assert told == [[("name", None, "Bolt")], [("unit", None, "pcs")], [("name", "Bolt", None)]]


def test_references__say_what_is_wrong() -> None:
    assert references(["erp:1", "mes:2", "erp:1"]) == [SourceRef("erp", "1"), SourceRef("mes", "2")]
    with pytest.raises(MillstreamError, match="nowhere"):
        references(["nowhere"])


def test_pages__of_a_bom_line_that_differs_and_of_a_broken_reference(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    for system, quantity in (("erp", "2.5"), ("mes", "3")):
        for name, said in (("DW-A", "减速机"), ("DW-N", "螺母")):
            plant.put("item", f"{system}:{name}", drawing_number=name, name=said, unit="pcs")
        plant.put("bom", f"{system}:B", item="DW-A", in_force=True)
        plant.put(
            "bom_line", f"{system}:B|1", bom="B", line="1", parent="DW-A", component="DW-N",
            quantity=Decimal(quantity), per=Decimal(1), scrap_rate=Decimal(0), unit="pcs",
        )  # fmt: skip
    for entity in ("item", "bom", "bom_line"):
        plant.master(entity)
    missing = Rejection("S-1", "unknown_reference", "item 'DW-X' is not known (yet)", "item", {"item": "DW-X"})
    with plant.hub.store.begin() as tx:
        quarantine.replace(tx, "reconcile", "wms", "stock", [missing], now=plant.moment)
    person(plant.hub, "root", Role.ADMIN)
    asking = browser(plant.hub)
    asking.log_in("root")
    line, reference = (
        next(one for one in stewardship.queue(plant.hub).items if one.entity == entity)
        for entity in ("bom_line", "stock")
    )
    page = asking.get(f"/queue/{line.item}").text
    assert "减速机 (DW-A)" in page
    assert "erp=quantity 2.5, per 1" in page
    assert "mes=quantity 3, per 1" in page
    assert "DW-X" in asking.get(f"/queue/{reference.item}").text
    assert "减速机 (DW-A)" in asking.get("/queue?entity=bom_line").text
    plant.hub.close()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[MasteredPlant]:
    """Seven items that have nothing in common, and two approvers."""
    plant = mastered_plant(tmp_path)
    for number, name in enumerate(("Bolt", "齿轮", "Motor", "轴承", "Cable", "阀门", "Paint")):
        plant.put("item", f"erp:{number}", name=name, drawing_number=f"DW-{number}", unit="pcs")
    plant.master()
    for name in ("wang.fang", "zhao.lei"):
        person(plant.hub, name, Role.APPROVER)
    yield plant
    plant.hub.close()


def test_compare__takes_five_records_and_no_sixth(apart: MasteredPlant) -> None:
    asking = browser(apart.hub)
    asking.log_in("wang.fang")
    asked = "/compare?entity=item" + "".join(f"&record=erp:{number}" for number in range(5))
    page = asking.get(asked).text
    assert page.count("<mark>") >= 5
    assert page.count('class="letter"') >= 5
    assert "one=3&amp;other=4" in page
    assert "waterfall" in asking.get(f"{asked}&one=3&other=4").text
    assert "waterfall" not in asking.get(f"{asked}&record=erp:5").text


def test_mass_change__is_answered_by_another_approver_than_who_asked(apart: MasteredPlant) -> None:
    pairs = [(f"erp:{one}", f"erp:{other}") for one in range(7) for other in range(one)]
    asker = Actor("person", "wang.fang", Role.APPROVER)
    verdicts = [stewardship.different("item", SourceRef.parse(a), SourceRef.parse(b)) for a, b in pairs]
    assert all(one.waiting for one in stewardship.decide(apart.hub, asker, *verdicts))
    (waiting,) = (one for one in stewardship.queue(apart.hub).items if one.kind == "approval")
    place = f"/queue/{waiting.item}"
    asking, second = browser(apart.hub), browser(apart.hub)
    asking.log_in("wang.fang")
    assert 'value="approve"' not in asking.get(place).text
    assert asking.post(f"{place}/answer", {"act": "approve"}).status == HTTPStatus.CONFLICT
    assert stewardship.queue_item(apart.hub, waiting.item) is not None
    second.log_in("zhao.lei")
    assert 'value="approve"' in second.get(place).text
    assert second.post(f"{place}/answer", {"act": "approve"}).status == HTTPStatus.SEE_OTHER
    assert stewardship.queue_item(apart.hub, waiting.item) is None
