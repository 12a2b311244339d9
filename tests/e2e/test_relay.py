"""The relay on the simulated plant: killed and begun again, beside a batch pass: nothing is lost, nothing doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from canonical.commands import OPEN_STATES, State
from pipeline.plan import judged_frames
from store import inbox, outbox
from tests.e2e.plant import ROOT, Plant
from tests.e2e.sales_desk import SECRET, SalesDesk, post

ORDERS = 6
PATIENCE_SECONDS = 90.0


@contextmanager
def relay(plant: Plant) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environ = {**os.environ, **plant.environment, "MILLSTREAM_CRM_WEBHOOK_SECRET": SECRET}
    with (plant.folder / "relay.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.relay_child"], cwd=ROOT, env=environ, text=True,
            stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, (plant.folder / "relay.log").read_text()
        yield process, int(said)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.fixture
def payloads(plant: Plant) -> dict[str, dict[str, Any]]:
    """New orders that have to be made, known to the CRM and not to the hub."""
    hub = plant.hub()
    frames = judged_frames(hub)
    made = set(frames["item"].filter(frames["item"]["sourcing"] == "make")["golden_id"])
    codes = {
        row["source_key"] for row in hub.bindings.frame("item").to_dicts()
        if row["system"] == "crm" and row["golden_id"] in made
    }  # fmt: skip
    hub.close()
    desk = SalesDesk(plant.environment)
    products = [row for row in desk.query("SELECT Id, ProductCode, IsActive FROM Product2") if row["IsActive"]]
    chosen = [row["Id"] for row in products if row["ProductCode"] in codes][:3]
    day = date.fromisoformat(plant.ready["today"])
    numbers = [f"RELAY-{number}" for number in range(ORDERS)]
    return desk.take(numbers, chosen, day.isoformat(), (day + timedelta(days=7)).isoformat())


def served(plant: Plant) -> Counter[str]:
    """Reference → how often the MES made a work order of it, for the orders of this test."""
    rows = plant.ledger("mes")
    return Counter(row["reference"] for row in rows if row["effect"] == "created" and "RELAY-" in str(row["reference"]))


def all_read_and_delivered(plant: Plant, orders: int) -> bool:
    hub = plant.hub()
    try:
        with hub.store.read() as tx:
            entries = [
                one for one in outbox.entries(tx) if any("RELAY-" in order for order in one.command.sales_orders)
            ]
            read = inbox.counts(tx)
    finally:
        hub.close()
    known = {order for one in entries for order in one.command.sales_orders}
    return read == {"done": ORDERS} and len(known) == orders and not any(one.state in OPEN_STATES for one in entries)


def wait_for(plant: Plant, orders: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not all_read_and_delivered(plant, orders):
        assert time.monotonic() < until, (plant.folder / "relay.log").read_text()
        time.sleep(0.5)


@pytest.mark.timeout(300)
def test_relay__killed_and_beside_a_pass_neither_loses_nor_doubles(
    plant: Plant, payloads: dict[str, dict[str, Any]]
) -> None:
    numbers = list(payloads)
    with relay(plant) as (process, port):
        for number in numbers[:4]:
            assert post(port, f"e-{number}", payloads[number]) == 202
        time.sleep(0.2)
        process.kill()  # in the middle of whatever it was doing
        process.wait(60)
    with relay(plant) as (_, port):
        assert post(port, f"e-{numbers[0]}", payloads[numbers[0]]) == 200  # known: acknowledged means kept
        batch = threading.Thread(target=plant.run_pass)
        batch.start()
        for number in numbers[4:]:
            by_key = {"order_id": payloads[number]["order"]["Id"]}  # and two that bring the key alone
            assert post(port, f"e-{number}", by_key) == 202
        batch.join()
        wait_for(plant, ORDERS)
        made = served(plant)
        assert {reference.split("|")[2] for reference in made} == set(numbers)
        assert set(made.values()) == {1}
    before = plant.written()
    plant.run_pass()
    assert served(plant) == made
    assert not [row for rows in plant.since(before).values() for row in rows if "RELAY-" in str(row["reference"])]
    hub = plant.hub()
    with hub.store.read() as tx:
        assert not outbox.entries(tx, states=[State.PARKED, State.IN_DOUBT, State.REJECTED])
    hub.close()
