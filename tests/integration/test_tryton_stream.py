"""The whole stream on a real Tryton: the hub's documents come to what Tryton's own supply wizard proposes.

Calmly on SQLite for each factory, and on PostgreSQL with the hub killed while it delivers.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from sandbox.tryton import server, supply
from sandbox.tryton.factory import Factory, generated, read_factory
from sandbox.tryton.rpc import Session
from sandbox.tryton.server import Plant

pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).parents[2]
PASS = """
from canonical.actors import Actor, Role
from pipeline.hub import open_hub
from pipeline.route import run_route
hub = open_hub()
passed = run_route(hub, hub.new_run(Actor("person", "test", Role.ENGINEER)))
hub.close()
outcomes = [count for by in passed.delivered.outcomes.values() for count in by.values()]
print(sum(passed.decided.commands.values()), sum(outcomes))
"""
KILLS = 3
ALLOWED: dict[str, str] = {}
"""Items whose totals may differ from the wizard's → why. None: the factories are planned lot for lot."""


def environment(plant: Plant, url: str) -> dict[str, str]:
    home = plant.folder / "hub"
    home.mkdir(exist_ok=True)
    hub = {"MILLSTREAM_HOME": str(home), "MILLSTREAM_DEPLOYMENT": "tryton"}
    return {**os.environ, **server.connection(plant, url), **hub}


def one_pass(env: dict[str, str]) -> tuple[int, int]:
    """Run a pass in a process of its own: how many commands were decided, how many outcomes delivered."""
    done = subprocess.run([sys.executable, "-c", PASS], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    decided, delivered = done.stdout.split()[-2:]
    return int(decided), int(delivered)


def documents(session: Session) -> int:
    counts = ("model.production.search_count", "model.purchase.requisition.search_count")
    return sum(int(session.call(method, [], 0, None)) for method in counts)


def settled(session: Session) -> int:
    """How many documents stand once what a killed hub had begun is through."""
    before, now = -1, documents(session)
    while now != before:
        time.sleep(1.0)
        before, now = now, documents(session)
    return now


def killed_pass(env: dict[str, str], session: Session, at: int) -> None:
    """Run a pass and kill it as soon as `at` documents stand in Tryton."""
    hub = subprocess.Popen(
        [sys.executable, "-c", PASS], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while hub.poll() is None and documents(session) < at:
        time.sleep(0.02)
    assert hub.poll() is None, "the hub had finished before it could be killed"
    hub.send_signal(signal.SIGKILL)
    hub.wait()


def standing(session: Session) -> dict[str, Any]:
    """Totals per item of what waits, and how often each of our references stands."""
    made: defaultdict[str, Decimal] = defaultdict(Decimal)
    bought: defaultdict[str, Decimal] = defaultdict(Decimal)
    found, asked = supply.productions(session), supply.requisitions(session)
    for document in found:
        assert document["inputs"], document
        for item, quantity in document["outputs"].items():
            made[item] += quantity
    for document in asked:
        for item, quantity in document["lines"].items():
            bought[item] += quantity
    references = Counter([one["reference"] for one in found] + [one["description"] for one in asked])
    states = {one["state"] for one in (*found, *asked)}
    return {"productions": dict(made), "purchases": dict(bought), "references": references, "states": states}


def differences(ours: dict[str, Decimal], wizard: dict[str, Decimal]) -> dict[str, Any]:
    """Item → (ours, the wizard's) where they differ and may not."""
    items = (ours.keys() | wizard.keys()) - ALLOWED.keys()
    return {item: (ours.get(item), wizard.get(item)) for item in sorted(items) if ours.get(item) != wizard.get(item)}


def assert_equal_to_the_wizard(session: Session, expected: dict[str, Any]) -> None:
    found = standing(session)
    assert found["states"] == {"waiting"}
    assert set(found["references"].values()) == {1}, "a document stands twice"
    for kind in ("productions", "purchases"):
        assert differences(found[kind], expected[kind]) == {}


def chosen(name: str) -> Factory:
    """The factory that `make demo-tryton` loads here, or the made-up one that it loads where there are no tables."""
    return generated() if name == "generated" else read_factory(server.adventureworks())


@pytest.mark.parametrize("factory", ["default", pytest.param("generated", marks=pytest.mark.long)])
def test_stream__calm__equals_the_supply_wizard_and_then_writes_nothing(tmp_path: Path, factory: str) -> None:
    if reason := server.not_ready():
        pytest.skip(reason)
    plant = server.build(tmp_path / "tryton", factory=chosen(factory))
    expected = supply.supply_totals(plant)
    with server.served(plant) as url:
        env, session = environment(plant, url), plant.session(url)
        decided, delivered = one_pass(env)
        assert decided == delivered > 100
        assert_equal_to_the_wizard(session, expected)
        assert one_pass(env) == (0, 0)
        assert_equal_to_the_wizard(session, expected)


@pytest.fixture
def postgres_plant(tmp_path: Path, postgres_url: str) -> Plant:
    if reason := server.not_ready():
        pytest.skip(reason)
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return server.build(tmp_path / "tryton", postgres=url)


@pytest.mark.long
def test_stream__hub_killed_on_postgresql__leaves_nothing_twice_and_nothing_out(postgres_plant: Plant) -> None:
    expected = supply.supply_totals(postgres_plant)
    rng = random.Random(7)
    with server.served(postgres_plant) as url:
        env, session = environment(postgres_plant, url), postgres_plant.session(url)
        for _ in range(KILLS):
            killed_pass(env, session, settled(session) + rng.randint(5, 60))
        one_pass(env)
        assert_equal_to_the_wizard(session, expected)
        assert one_pass(env) == (0, 0)
