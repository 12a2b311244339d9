"""One run in foul weather: all four systems hostile, the hub killed again and again, the ledgers compared with calm.

`python tests/faults/run.py --seed N [--kills 20] [--fence 10] [--database URL]` prints one JSON object: the
ledgers of both runs, the differences, and how many faults and kills there were. Ends with 1 when anything
stands twice or is missing.

A run has two acts. First a new hub meets a new plant: afterwards each ledger must equal the calm run's, row for
row (numbers and times the systems give themselves apart). Then the shop floor works on, and every report of good
pieces must reach the ERP and the warehouse once. ExpeditePicking can neither be keyed nor looked up: such a
call may be parked for a person, but never made twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from store import outbox  # noqa: E402
from store.unit_of_work import Store  # noqa: E402
from tests.e2e.plant import SYSTEMS, Plant, Row, running_plant  # noqa: E402
from tests.servers import new_database, postgres_server  # noqa: E402

CHILD = Path(__file__).with_name("pass_child.py")
RATE = 0.25
WEATHER = {"rate": RATE, "hang_seconds": 1.5, "late_seconds": 0.8, "slow_seconds": 0.4}
TIMEOUT_SECONDS = 1.0
"""The client's patience in these runs: shorter than a hang, longer than a calm answer."""
MOST_PASSES = 12
PASS_SECONDS = 600.0
WHOLE_PASSES = 5
"""One kill in so many falls anywhere in a whole pass; the others fall into delivery."""
CLASS_C = "ExpeditePicking"

DEPLOYMENT = """\
# The plant of the fault runs: the demo's, with clients that lose patience soon.
name: faults
timezone: Asia/Shanghai
systems:
  crm: {{role: crm, state: live, limits: {limits}}}
  erp: {{role: erp, state: live, limits: {limits}}}
  mes: {{role: mes, state: live, limits: {limits}}}
  wms: {{role: wms, state: live, limits: {limits}}}
sales_order_system: crm
rulebooks: [fulfilment, feedback, urgent, floor, quality]
planning:
  release_fence_days: {fence}
"""
LIMITS = (
    "{{requests_per_second: 500, timeout_seconds: {timeout}, read_attempts: 10, breaker_failures: 1000,"
    " breaker_silences: 1000}}"
)


@dataclass(frozen=True)
class Wanted:
    """What kind of run it shall be."""

    seed: int
    kills: int = 20
    fence: int = 10
    database: str | None = None
    plant_seed: int = 7
    work: bool = True


@dataclass
class Acts:
    """What stood in the ledgers after each act, what was parked, and what the run had to bear."""

    first: dict[str, list[Row]] = field(default_factory=dict)
    worked: dict[str, Any] = field(default_factory=dict)
    second: dict[str, list[Row]] = field(default_factory=dict)
    parked: list[str] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    passes: int = 0
    seconds: float = 0.0


# -- running the hub -------------------------------------------------------------------------------------------------


class HubProcess:
    """A hub of its own process, told by its stages."""

    def __init__(self, what: str, environment: Mapping[str, str], log: IO[bytes]) -> None:
        command = [sys.executable, str(CHILD), what]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=log, text=True
        )
        self.reached: dict[str, threading.Event] = {stage: threading.Event() for stage in ("land", "deliver")}
        self.stage = "start"
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.stage = line.strip()
            if self.stage in self.reached:
                self.reached[self.stage].set()

    def finish(self) -> int:
        """Wait for its end; killed when it takes far too long."""
        try:
            return self.process.wait(PASS_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._close()

    def kill(self) -> str:
        """SIGKILL; answers the stage it was in."""
        self.process.kill()
        self.process.wait()
        self._close()
        return self.stage

    def _close(self) -> None:
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Run:
    """One plant and the hub processes that serve it."""

    def __init__(self, plant: Plant, environment: Mapping[str, str], wanted: Wanted) -> None:
        self.plant = plant
        self.environment = environment
        self.random = random.Random(f"kills:{wanted.seed}")
        self.acts = Acts()
        self.whole_pass_seconds = 6.0
        self.decided = False

    def settle(self, kills: int, *, calm: bool) -> None:
        """Passes until one ends well and, in foul weather, has written nothing; first `kills` processes are killed."""
        for kill in range(kills):
            whole = not self.decided or kill % WHOLE_PASSES == 0
            while not self._killed(whole=whole):
                whole = True  # there was nothing left to deliver; a whole pass always takes a while
        standing = None
        for _ in range(MOST_PASSES):
            began = time.monotonic()
            ended = self._start("route").finish()
            self.acts.passes += 1
            sys.stderr.write(f"  pass ended {ended} after {time.monotonic() - began:.1f} s\n")
            written = self.plant.written()
            if ended == 0 and (calm or written == standing):
                return
            standing = written
        raise AssertionError(f"no rest after {MOST_PASSES} passes; see {self.plant.folder / 'hub.log'}")

    def _start(self, what: str) -> HubProcess:
        with (self.plant.folder / "hub.log").open("ab") as log:
            return HubProcess(what, self.environment, log)

    def _killed(self, *, whole: bool) -> bool:
        """Kill a hub at a seeded moment, in a whole pass or while it delivers; False if it ended before."""
        hub = self._start("route" if whole else "deliver")
        somewhere = self.decided and self.random.random() < 0.5  # the first one always gets as far as delivering
        stage = "land" if whole and somewhere else "deliver"
        longest = self.whole_pass_seconds if stage == "land" else 3.0
        self._await(hub, stage)
        if stage == "deliver":
            self.decided = True
        delay = self.random.uniform(0.05, longest)
        try:
            hub.process.wait(delay)
        except subprocess.TimeoutExpired:
            self.acts.kills[hub.kill()] += 1
            return True
        hub.finish()
        return False

    def _await(self, hub: HubProcess, stage: str) -> None:
        until = time.monotonic() + PASS_SECONDS
        while not hub.reached[stage].wait(0.05):
            if hub.process.poll() is not None or time.monotonic() > until:
                return

    def parked(self) -> list[str]:
        """What waits for a person."""
        store = Store.open(self.environment["MILLSTREAM_DATABASE_URL"])
        try:
            with store.read() as tx:
                parked = outbox.entries(tx, states=("parked", "rejected"))  # type: ignore[arg-type]
                return sorted(f"{one.command.kind} {one.command.business_key}: {one.last_error}" for one in parked)
        finally:
            store.close()


def play(folder: Path, wanted: Wanted, *, calm: bool) -> Acts:
    """Both acts, calm or in foul weather with kills."""
    began = time.monotonic()
    with running_plant(folder, seed=wanted.plant_seed) as plant:
        deployment = folder / "faults.yaml"
        limits = LIMITS.format(timeout=30 if calm else TIMEOUT_SECONDS).replace("{{", "{").replace("}}", "}")
        deployment.write_text(DEPLOYMENT.format(limits=limits, fence=wanted.fence))
        with _database(folder, wanted) as database:
            environment = {
                **plant.environment,
                "MILLSTREAM_DEPLOYMENT": str(deployment),
                "MILLSTREAM_DATABASE_URL": database,
            }
            run = Run(plant, environment, wanted)
            kills = 0 if calm else wanted.kills
            _weather(plant, None if calm else wanted.seed)
            run.settle(kills - kills // 3 if wanted.work else kills, calm=calm)
            run.acts.first = plant.ledgers()
            if wanted.work:
                run.acts.worked = plant.work(1, ("mes",))
                run.settle(kills // 3, calm=calm)
                run.acts.second = plant.since({system: len(rows) for system, rows in run.acts.first.items()})
            run.acts.parked = run.parked()
            run.acts.faults = {system: plant.control(system, "hostile").get("faults", {}) for system in SYSTEMS}
    run.acts.seconds = round(time.monotonic() - began, 1)
    return run.acts


def _weather(plant: Plant, seed: int | None) -> None:
    if seed is not None:
        for at, system in enumerate(SYSTEMS):
            plant.control(system, "hostile", {"seed": seed * 10 + at, **WEATHER})


@contextmanager
def _database(folder: Path, wanted: Wanted) -> Iterator[str]:
    """SQLite in the run's folder, or a new database on the given server, dropped afterwards."""
    if wanted.database is None:
        (folder / "home").mkdir(exist_ok=True)
        yield f"sqlite:///{folder / 'home' / 'hub.sqlite'}"
        return
    with new_database(wanted.database) as url:
        yield url


# -- comparing -------------------------------------------------------------------------------------------------------

GIVEN_BY_THE_SYSTEM = frozenset({"FBillNo", "FDate", "FApplicationDate", "FReportDate", "id"})
"""Numbers and times that depend on when a document was made."""


def normalised(ledgers: Mapping[str, Sequence[Row]]) -> dict[str, Counter[str]]:
    """Every ledger as a bag of rows that are equal in equal runs."""
    bills = {
        row["document"]: f"bill of {row['reference']}"
        for row in ledgers["erp"]
        if row["operation"].endswith(".Save") and row["reference"]
    }
    return {
        system: Counter(
            json.dumps([row["operation"], row["reference"], _bare(row["content"], bills)], sort_keys=True)
            for row in rows
            if row["operation"] != CLASS_C
        )
        for system, rows in ledgers.items()
    }


def _bare(content: Any, bills: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {name: _bare(value, bills) for name, value in content.items() if name not in GIVEN_BY_THE_SYSTEM}
    if isinstance(content, list):
        return [_bare(each, bills) for each in content]
    return bills.get(content, content) if isinstance(content, str) else content


def compare(calm: Acts, foul: Acts) -> list[str]:
    """What is twice, missing or unlike, in words; nothing when all is well."""
    told: list[str] = []
    rows, other = normalised(calm.first), normalised(foul.first)
    for system in SYSTEMS:
        told += [f"{system}: lost: {row}" for row in (rows[system] - other[system]).elements()]
        told += [f"{system}: too much: {row}" for row in (other[system] - rows[system]).elements()]
    told += _picking(calm, foul)
    told += _feedback(foul) if foul.worked else []
    told += [f"parked: {line}" for line in calm.parked]
    told += [f"parked: {line}" for line in foul.parked if not line.startswith("expedite_picking ")]
    return told


def _picking(calm: Acts, foul: Acts) -> list[str]:
    """Class C: at most once each, and what was not made is parked."""
    wanted, made = _tickets(calm.first["wms"]), _tickets(foul.first["wms"])
    parked = {line.split(":")[0].rpartition("|")[2] for line in foul.parked if line.startswith("expedite_picking ")}
    twice = [f"wms: {count} pick tickets for {order}" for order, count in made.items() if count > wanted[order]]
    lost = [f"wms: no pick ticket for {order}, nor is it parked" for order in wanted - made if order not in parked]
    return twice + lost


def _tickets(rows: Iterable[Row]) -> Counter[str]:
    return Counter(row["content"]["orderReference"] for row in rows if row["operation"] == CLASS_C)


def _feedback(acts: Acts) -> list[str]:
    """Each report of good pieces: one production report, audited, and one goods receipt."""
    good = [report for report in acts.worked["mes"]["reports"] if report["finishes"] and report["quantity_good"] > 0]
    wanted = Counter((report["erp_order_no"], f"{report['quantity_good']:g}") for report in good)
    saved = [row for row in acts.second["erp"] if (row["operation"], row["effect"]) == ("PRD_MORPT.Save", "created")]
    made = Counter((row["content"]["FMoBillNo"], f"{float(row['content']['FFinishQty']):g}") for row in saved)
    audited = {row["document"] for row in acts.second["erp"] if row["operation"] == "PRD_MORPT.Audit"}
    arrived = Counter(row["content"]["lot"] for row in acts.second["wms"] if row["operation"] == "CreateReceipt")
    numbers = Counter(report["work_order_number"] for report in good)
    failed = len(acts.worked["mes"]["failed_inspections"])
    rework = sum(row["operation"] == "POST tasks" and row["content"]["kind"] == "rework" for row in acts.second["mes"])
    ordered = Counter(
        (system, row["reference"])
        for system, operation in (("erp", "PRD_MO.Save"), ("mes", "POST work_orders"))
        for row in acts.second[system]
        if row["operation"] == operation and row["effect"] == "created" and row["reference"].startswith("rework|")
    )
    orders = {
        (system, f"rework|{one}"): 1 for one in acts.worked["mes"]["failed_inspections"] for system in ("erp", "mes")
    }
    return [
        *([f"rework orders {dict(ordered)}, expected {orders}"] if ordered != orders else []),
        *(f"erp: no production report for {one}" for one in (wanted - made).elements()),
        *(f"erp: one production report too many for {one}" for one in (made - wanted).elements()),
        *(f"erp: report {row['document']} is not audited" for row in saved if row["document"] not in audited),
        *(f"wms: no receipt for {one}" for one in (numbers - arrived).elements()),
        *(f"wms: one receipt too many for {one}" for one in (arrived - numbers).elements()),
        *([f"mes: {rework} rework tasks for {failed} failed inspections"] if rework != failed else []),
    ]


# -- command line ----------------------------------------------------------------------------------------------------


def fault_run(folder: Path, wanted: Wanted, calm: Acts | None = None) -> tuple[Acts, Acts, list[str]]:
    """The calm run (unless given), the foul one, and the differences."""
    calm = calm or play(folder / "calm", wanted, calm=True)
    foul = play(folder / "foul", wanted, calm=False)
    return calm, foul, compare(calm, foul)


def main() -> int:
    parser = argparse.ArgumentParser(description="One hostile run with kills; prints the ledgers as JSON.")
    parser.add_argument("--seed", type=int, default=1, help="of the weather and of the kills")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--fence", type=int, default=10, help="release fence in days; fewer days, fewer documents")
    parser.add_argument(
        "--database", help="`sqlite` (when left out), `postgresql` for a server of its own, or the URL of one"
    )
    parser.add_argument("--keep", type=Path, help="folder for databases and logs; a temporary one when left out")
    given = parser.parse_args()
    with ExitStack() as stack:
        database = stack.enter_context(postgres_server()).url if given.database == "postgresql" else given.database
        database = None if database == "sqlite" else database
        wanted = Wanted(seed=given.seed, kills=given.kills, fence=given.fence, database=database)
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="millstream-faults-"))
        calm, foul, told = fault_run(given.keep or Path(temporary), wanted)
    shown = {
        "seed": given.seed, "kills": dict(foul.kills), "passes": foul.passes, "faults": foul.faults,
        "seconds": {"calm": calm.seconds, "foul": foul.seconds}, "parked": foul.parked, "differences": told,
        "ledgers": {"calm": [calm.first, calm.second], "foul": [foul.first, foul.second]},
    }  # fmt: skip
    sys.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")
    summary = {name: value for name, value in shown.items() if name != "ledgers"}
    sys.stderr.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
