"""A site that lacks what another has: one transfer in the warehouse's ledger, whatever is planned meanwhile.

No simulated system says from which site an order line is to be delivered, so the test says it for one line; all else
is as the systems have it.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline import facts, snapshot
from pipeline import hub as wiring
from pipeline.open_documents import OpenLine, open_lines
from pipeline.snapshot import Frames
from sandbox.factory.model import SalesOrderLine
from store import tasks
from tests.e2e.oracle import Expected
from tests.e2e.plant import Plant, Row

pytestmark = pytest.mark.timeout(300)
DEPLOYMENT = """\
name: sites
timezone: Asia/Shanghai
systems: {crm: {role: crm}, erp: {role: erp}, mes: {role: mes}, wms: {role: wms, state: live}}
sales_order_system: crm
rulebooks: [transfers]
planning:
  release_fence_days: 365
  receiving_warehouse: WH3
  sites:
    outside: {warehouses: [WH1], transfer_days: 2}
"""
SITE = "WH1"


def stock_at_home(expected: Expected) -> dict[int, dict[str, Decimal]]:
    """Material → warehouse → what can be had there, of materials that do not lie at the site."""
    found: defaultdict[int, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for lot in expected.plant.stock:
        if lot.status == "available" and lot.quantity > 0:
            found[lot.material][lot.warehouse] += lot.quantity
    return {material: dict(places) for material, places in found.items() if SITE not in places}


def chosen(expected: Expected) -> tuple[str, SalesOrderLine]:
    """An order line that one warehouse alone could serve."""
    home = stock_at_home(expected)
    return next(
        (number, line)
        for number, order in sorted(expected.orders.items())
        for line in order.lines
        if number not in expected.held and max(home.get(line.material, {"": 0}).values()) >= line.quantity
    )


def transfers(plant: Plant) -> list[Row]:
    return [row for row in plant.ledger("wms") if row["operation"].endswith("Transfer")]


def delivered_from_a_site(expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One order line is to be delivered from the site; what a hub of this plant needs to know."""
    number, line = chosen(expected)
    root = f"{number}|{line.line}"

    def delivered_from_the_site(frames: Frames) -> list[OpenLine]:
        return [replace(one, warehouse=SITE) if one.key == root else one for one in open_lines(frames)]

    for module in (snapshot, facts):
        monkeypatch.setattr(module, "open_lines", delivered_from_the_site)
    deployment = tmp_path / "sites.yaml"
    deployment.write_text(DEPLOYMENT)
    return {"MILLSTREAM_HOME": str(tmp_path / "home"), "MILLSTREAM_DEPLOYMENT": str(deployment)}


def test_a_site_gets_what_it_lacks_once(
    plant: Plant, expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = delivered_from_a_site(expected, tmp_path, monkeypatch)
    number, line = chosen(expected)
    root = f"{number}|{line.line}"
    home, view = stock_at_home(expected)[line.material], expected.views["wms"][line.material]

    plant.run_pass(**hub)

    [made] = transfers(plant)
    content = made["content"]
    assert made["operation"] == "CreateTransfer"
    assert made["reference"].startswith("T|")
    assert root in made["reference"]
    assert content["sku"] == view.code
    assert Fraction(content["quantity"]) == Fraction(line.quantity) / Fraction(view.true_per_unit)
    assert (content["fromWarehouse"], content["toWarehouse"]) == (max(sorted(home), key=home.__getitem__), SITE)
    again = _taken_by_nobody_for_a_while(plant, hub, made["reference"], tmp_path)
    _on_its_way_and_there(plant, hub, again)


def _taken_by_nobody_for_a_while(plant: Plant, hub: dict[str, str], first: str, tmp_path: Path) -> str:
    """The warehouse takes no transfers: it forgets what was asked, a person is asked; then it takes them again."""
    mapped = tmp_path / "mappings"
    shutil.copytree(wiring.MAPPINGS, mapped)
    (mapped / "wms" / "request_transfer.outbound.yaml").unlink()
    with pytest.MonkeyPatch.context() as without:
        without.setattr(wiring, "MAPPINGS", mapped)
        plant.run_pass(**hub)
    assert [(row["operation"], row["reference"]) for row in transfers(plant)[1:]] == [("CancelTransfer", first)]
    [by_hand] = brought_by_hand(plant, hub)
    plant.run_pass(**hub)
    again = transfers(plant)[-1]
    assert (len(transfers(plant)), again["operation"]) == (3, "CreateTransfer")
    assert not brought_by_hand(plant, hub)
    reference: str = again["reference"]
    assert reference != first, "what was withdrawn is withdrawn for good"
    assert by_hand == f"H|{first.partition('|')[2]}"
    return reference


def brought_by_hand(plant: Plant, environment: dict[str, str]) -> list[str]:
    """The transfers the planner is asked to see to."""
    hub = plant.hub(**environment)
    try:
        with hub.store.read() as tx:
            return [task.key for task in tasks.listed(tx) if (task.kind, task.owner) == ("transfer", "planner")]
    finally:
        hub.close()


def _on_its_way_and_there(plant: Plant, hub: dict[str, str], reference: str) -> None:
    """The goods leave and arrive; no pass in between asks for them again, or takes the transfer back."""
    for number, done in ((1, "sent"), (2, "received")):
        assert plant.work(number, ("wms",))["wms"]["transfers"][done] == [reference]
        plant.run_pass(**hub)
        assert len(transfers(plant)) == 3
    plant.run_pass(**hub)
    assert len(transfers(plant)) == 3
