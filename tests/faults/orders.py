"""Many small runs of delivery alone: orders to four hostile systems, pushers killed and stopped, every ledger counted.

    python tests/faults/orders.py --seeds 1-20 [--database postgresql] [--orders 80] [--kills 3]
                                  [--kill-postgres] [--redis flush|gone]

Each seed is a hub of its own with new references, so slices of a long series can be run one by one and a failing
seed replays alone. Two pushers work at once; every fourth seed stops one past its lease. One line of JSON a seed, and
a last one that sums the series up by class of delivery; a seed that failed is named at the end, with how to run it
again. Ends with 1 when anything was lost or doubled that may not be.

Time runs fast here: clients lose patience in under a second, a lease lasts four, a target settles in two.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import redis  # noqa: E402

from canonical.commands import Command, State  # noqa: E402
from pipeline import deliver as deliver_stage  # noqa: E402
from pipeline import delivery, delivery_workers  # noqa: E402
from pipeline.deliver import deliver  # noqa: E402
from pipeline.hub import Configuration, Hub, load_configuration, open_hub, run_actor  # noqa: E402
from pipeline.outbound import Lookups  # noqa: E402
from pipeline.route import begin  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from store import outbox  # noqa: E402
from tests.e2e.plant import SYSTEMS, Plant, Row, running_plant  # noqa: E402
from tests.servers import PostgresServer, free_port, new_database, postgres_server, redis_server  # noqa: E402

PATIENCE = 0.7
LEASE_SECONDS = 4.0
SETTLE_SECONDS = 2.0
WEATHER = {"rate": 0.25, "hang_seconds": 1.0, "late_seconds": 0.5, "slow_seconds": 0.3}
PUSHERS = 2
STOPPED_EVERY = 4
"""One seed in so many stops a pusher past its lease."""
MOST_SECONDS = 150.0
DEPLOYMENT = "name: faults\nsales_order_system: crm\nrulebooks: []\nsystems:\n"
LIMITS = (
    f"{{requests_per_second: 1000, timeout_seconds: {PATIENCE}, read_attempts: 2, breaker_failures: 100000,"
    " breaker_silences: 100000}"
)
CLASSES = {"mes": "A", "crm": "A", "erp": "B", "wms": "C"}
MOST_DOUBLED = 0.02
"""Of the class B commands of seeds with a stop past the lease; every one of them reported."""
PATIENT = "{requests_per_second: 1000, timeout_seconds: 60}"
"""For what the harness itself asks, in calm weather, on however busy a machine."""
SHARES = (("mes", "order_work", 0.4), ("erp", "order_production", 0.15), ("erp", "request_purchase", 0.15),
          ("crm", "update_order_progress", 0.2), ("wms", "expedite_picking", 0.1))  # fmt: skip
"""In the ERP a production order is one call, a purchase request three."""


@dataclass(frozen=True)
class Wanted:
    """What every seed of a series shall be like."""

    orders: int = 80
    kills: int = 3
    kill_postgres: bool = False
    redis: str | None = None


@dataclass
class Told:
    """What came of one seed."""

    seed: int
    seconds: float = 0.0
    kills: int = 0
    stopped: bool = False
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Summary:
    """A series, command by command: class of delivery → what came of its commands."""

    database: str
    runs: int = 0
    runs_with_a_stop: int = 0
    kills: int = 0
    seconds: float = 0.0
    commands: dict[str, Counter[str]] = field(default_factory=lambda: {one: Counter() for one in "ABC"})
    doubled_at_risk: int = 0
    """Class B commands of runs with a stop past the lease: only these may be made twice."""
    doubled_unreported: int = 0
    failed_seeds: list[int] = field(default_factory=list)

    def add(self, told: Told) -> None:
        """One more seed."""
        self.runs, self.kills = self.runs + 1, self.kills + told.kills
        self.runs_with_a_stop += told.stopped
        self.seconds = round(self.seconds + told.seconds, 1)
        for system, states in told.states.items():
            self.commands[CLASSES[system]].update(states)
            self.commands[CLASSES[system]]["commands"] += sum(states.values())
            self.doubled_at_risk += sum(states.values()) if told.stopped and CLASSES[system] == "B" else 0
        for name, keys in (("doubled", told.doubled), ("lost", told.lost)):
            for key in keys:
                self.commands[CLASSES[key.split("-")[1]]][name] += 1
        self.doubled_unreported += len(set(told.doubled) - set(told.reported))
        if told.wrong:
            self.failed_seeds.append(told.seed)

    def as_json(self) -> dict[str, Any]:
        """What may be quoted."""
        return {**vars(self), "commands": {one: dict(states) for one, states in self.commands.items()}}

    @property
    def sound(self) -> bool:
        """Whether the series kept the promise."""
        return not self.failed_seeds and self.commands["B"]["doubled"] <= MOST_DOUBLED * self.doubled_at_risk


# -- one hub ---------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Where one seed's hub keeps what it knows, and how it is opened."""

    folder: Path
    database: str
    plant: Plant
    redis_url: str | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._deployment("faults", LIMITS)
        self.environ = {
            **self.plant.environment,
            "MILLSTREAM_HOME": str(self.folder),
            "MILLSTREAM_DEPLOYMENT": str(file),
            "MILLSTREAM_DATABASE_URL": self.database,
            **({"MILLSTREAM_REDIS_URL": self.redis_url} if self.redis_url else {}),
        }
        self.settings = Settings.from_environment(self.environ)

    def _deployment(self, name: str, limits: str) -> Path:
        file = self.folder / f"{name}.yaml"
        lines = (f"  {one}: {{role: {one}, state: live, limits: {limits}}}\n" for one in SYSTEMS)
        file.write_text(DEPLOYMENT + "".join(lines))
        return file

    def configurations(self) -> tuple[Configuration, Configuration]:
        """For the pushers, and for the harness itself."""
        calm = {**self.environ, "MILLSTREAM_DEPLOYMENT": str(self._deployment("calm", PATIENT))}
        return load_configuration(self.settings), load_configuration(Settings.from_environment(calm))

    def open(self, configuration: Configuration) -> Hub:
        """A hub whose clients and leases live fast, and whose commands hold their payloads."""
        hub = open_hub(self.environ, settings=self.settings, configuration=configuration)
        vars(delivery)["build_payload"] = _as_it_stands
        vars(delivery)["BACKOFF_SECONDS"] = (0.2, 0.5, 1.0, 2.0)
        vars(deliver_stage)["LEASE_SECONDS"] = LEASE_SECONDS
        vars(delivery_workers)["PATIENCE_SECONDS"] = 4 * SETTLE_SECONDS
        for system in SYSTEMS:
            operations = hub.connector(system).operations
            assert isinstance(operations, dict)
            operations |= {name: replace(one, settle_seconds=SETTLE_SECONDS) for name, one in operations.items()}
        return hub


def _as_it_stands(_: Lookups, command: Command) -> dict[str, Any]:
    return dict(command.body)


def _bodies(hub: Hub) -> dict[str, dict[str, Any]]:
    """Kind of command → a payload its system accepts."""

    def first(system: str, stream: str) -> Mapping[str, Any]:
        return next(iter(hub.connector(system).read(stream))).records[0]

    made, known, order = first("erp", "production_orders"), first("mes", "work_orders"), first("crm", "orders")
    item = {"FMaterialId": {"FNumber": made["FMaterialId.FNumber"]}, "FUnitId": {"FNumber": made["FUnitId.FNumber"]}}
    row = {**item, "FQty": 3, "FPlanStartDate": "2026-12-01", "FPlanFinishDate": "2026-12-05"}
    work = {name: known[name] for name in ("erp_order_no", "material_code", "unit")}
    return {
        "order_production": {"FTreeEntity": [row]},
        "request_purchase": {"FEntity": [{**item, "FReqQty": 3, "FArrivalDate": "2026-12-05"}]},
        "order_work": {**work, "quantity": 2, "priority": 5, "due_on": "2026-12-05"},
        "update_order_progress": {"Order__c": order["Id"], "Stage__c": "In production", "Percent_Complete__c": 40},
        "expedite_picking": {"orderReference": "", "reason": "urgent"},
    }


def _commands(hub: Hub, seed: int, orders: int, bodies: Mapping[str, Mapping[str, Any]]) -> list[Command]:
    commands: list[Command] = []
    for system, kind, share in SHARES:
        entity = hub.connector(system).operations[kind].entity
        for _ in range(round(orders * share)):
            key = f"F{seed}-{system}-{len(commands)}"
            body = {**bodies[kind], **({"orderReference": key} if system == "wms" else {})}
            commands.append(Command(kind, system, entity, key, 1, body, "rule:faults", f"seed {seed}"))
    random.Random(seed).shuffle(commands)
    return commands


# -- pushers ---------------------------------------------------------------------------------------------------------


def _push(desk: Desk, configuration: Configuration) -> None:
    """Deliver until nothing is open; a store that is away is waited for, as a supervisor would start us again."""
    hub = desk.open(configuration)
    while True:
        run = hub.new_run(run_actor("faults"))
        begin(hub, run)
        if deliver(hub, run).open == 0:
            return
        time.sleep(0.05)


def _fork(desk: Desk, configuration: Configuration) -> int:
    """A pusher of its own process; forked, since importing everything takes longer than most runs."""
    pid = os.fork()
    if pid:
        return pid
    ended = 1
    try:
        log = os.open(desk.folder / "pushers.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 2)
        _push(desk, configuration)
        ended = 0
    except BaseException as error:  # noqa: BLE001 - the parent is told by the exit code and the log
        os.write(2, f"{type(error).__name__}: {str(error)[:300]}\n".encode())
    finally:
        os._exit(ended)


class Pushers:
    """Processes that are started again until nothing is left to do."""

    def __init__(self, desk: Desk, configuration: Configuration) -> None:
        self.desk, self.configuration = desk, configuration
        self.alive = [_fork(desk, configuration) for _ in range(PUSHERS)]

    def again(self) -> None:
        """A new pusher in place of one that is gone."""
        self.alive.append(_fork(self.desk, self.configuration))

    def reap(self) -> list[int]:
        """Exit codes of those that ended."""
        codes = []
        for pid in list(self.alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.alive.remove(pid)
                codes.append(os.waitstatus_to_exitcode(status))
        return codes

    def one(self, chance: random.Random) -> int | None:
        """One of them, if any is alive."""
        return chance.choice(self.alive) if self.alive else None

    def end(self) -> None:
        """Whatever happens, none of them stays."""
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.alive.clear()


def _trouble(seed: int, wanted: Wanted, desk: Desk, server: PostgresServer | None) -> list[tuple[float, str]]:
    """What happens when, in seconds from the start: kills, one stop, a database or a Redis that goes."""
    chance = random.Random(f"trouble:{seed}")
    span = max(0.03 * wanted.orders, 0.6 * wanted.kills)
    events = [(chance.uniform(0.05, span), "kill") for _ in range(wanted.kills)]
    if seed % STOPPED_EVERY == 0:
        events.append((chance.uniform(0.1, span / 2), "stop"))
    if server is not None and wanted.kill_postgres:
        events.append((chance.uniform(0.2, span), "postgres"))
    if desk.redis_url and wanted.redis:
        events.append((chance.uniform(0.2, span), wanted.redis))
    return sorted(events)


class Storm:
    """Carries the trouble out while the pushers work."""

    def __init__(self, told: Told, pushers: Pushers, chance: random.Random, servers: Servers) -> None:
        self.told, self.pushers, self.chance, self.servers = told, pushers, chance, servers
        self.asleep: list[tuple[float, int]] = []

    def strike(self, what: str) -> None:
        """One event."""
        victim = self.pushers.one(self.chance)
        if what == "kill" and victim is not None:
            os.kill(victim, signal.SIGKILL)
            self.told.kills += 1
        elif what == "stop" and victim is not None:
            os.kill(victim, signal.SIGSTOP)
            self.asleep.append((time.monotonic() + LEASE_SECONDS + 1.0, victim))
            self.told.stopped = True
        elif what == "postgres" and self.servers.postgres is not None:
            self.servers.postgres.kill()
            self.servers.postgres.start()
        elif what == "flush" and self.servers.redis_url:
            redis.Redis.from_url(self.servers.redis_url).flushall()

    def wake(self, *, all_: bool = False) -> None:
        """Those that slept past their lease go on."""
        for until, pid in list(self.asleep):
            if all_ or time.monotonic() > until:
                if pid in self.pushers.alive:
                    os.kill(pid, signal.SIGCONT)
                self.asleep.remove((until, pid))


@dataclass
class Servers:
    """What the hub's own state stands on."""

    postgres: PostgresServer | None = None
    redis_url: str | None = None


def _run_out(storm: Storm, events: Sequence[tuple[float, str]], most: float) -> None:
    """Until every pusher ended well and all trouble is over."""
    began, left = time.monotonic(), list(events)
    while storm.pushers.alive or left:
        for code in storm.pushers.reap():
            if code != 0:
                storm.pushers.again()
        while left and time.monotonic() - began > left[0][0]:
            if not storm.pushers.alive:
                storm.pushers.again()
            storm.strike(left.pop(0)[1])
        storm.wake()
        if time.monotonic() - began > most:
            storm.told.wrong.append(f"no rest after {most:g} s")
            return
        time.sleep(0.02)


# -- one seed --------------------------------------------------------------------------------------------------------


def play(
    seed: int, wanted: Wanted, desk: Desk, configurations: tuple[Configuration, Configuration], servers: Servers
) -> Told:
    """One seed: orders in, weather up, trouble, then the ledgers."""
    told, began = Told(seed), time.monotonic()
    configuration, calm = configurations
    _set_weather(desk.plant, None)
    hub = desk.open(calm)
    commands = _commands(hub, seed, wanted.orders, _bodies(hub))
    with hub.store.begin() as tx:
        outbox.enqueue(tx, commands, hub.now())
    hub.close()
    _set_weather(desk.plant, seed)
    events = _trouble(seed, wanted, desk, servers.postgres)
    pushers = Pushers(desk, configuration)
    storm = Storm(told, pushers, random.Random(f"victims:{seed}"), servers)
    try:
        _run_out(storm, events, MOST_SECONDS + wanted.orders)
    finally:
        storm.wake(all_=True)
        pushers.end()
    _set_weather(desk.plant, None)
    time.sleep(SETTLE_SECONDS + 0.3)  # the last late commit, and the detector's own patience
    _count(told, commands, desk, calm)
    told.seconds = round(time.monotonic() - began, 1)
    return told


def _set_weather(plant: Plant, seed: int | None) -> None:
    for at, system in enumerate(SYSTEMS):
        weather = {"rate": 0} if seed is None else {"seed": seed * 10 + at, **WEATHER}
        plant.control(system, "hostile", weather)


def _count(told: Told, commands: Sequence[Command], desk: Desk, configuration: Configuration) -> None:
    """What the hub believes beside what the systems' own ledgers say."""
    hub = desk.open(configuration)
    with hub.store.read() as tx:
        stand = {one.command.business_key: one for one in outbox.entries(tx)}
    told.reported = _doubles_found(hub)
    hub.close()
    ledgers = {system: desk.plant.ledger(system) for system in SYSTEMS}
    made = {system: _made(rows) for system, rows in ledgers.items()}
    states = {row["reference"]: row["content"].get("FDocumentStatus") for row in ledgers["erp"]}
    for command in commands:
        entry, count = stand[command.business_key], made[command.system][command.business_key]
        told.states.setdefault(command.system, {}).setdefault(entry.state.value, 0)
        told.states[command.system][entry.state.value] += 1
        _judge(told, command, entry, count)
        if command.system == "erp" and states.get(command.business_key) != "C":
            told.wrong.append(f"{command.business_key}: {entry.state.value}, and not audited")


def _judge(told: Told, command: Command, entry: outbox.OutboxEntry, count: int) -> None:
    state, delivery = entry.state, CLASSES[command.system]
    said = f"{command.business_key}: {state.value}, made {count} times; {entry.last_error or 'no error'}"
    if count > 1:
        told.doubled.append(command.business_key)
    if count == 0 and state is State.APPLIED:
        told.lost.append(command.business_key)
    if delivery == "C":
        fine = count <= 1 and state in {State.APPLIED, State.PARKED} and (count == 1 or state is State.PARKED)
    elif delivery == "B" and count > 1:
        fine = told.stopped and command.business_key in told.reported
    else:
        fine = count == 1 and state is State.APPLIED
    if not fine:
        told.wrong.append(said)


def _doubles_found(hub: Hub) -> list[str]:
    """What the hub's own detector says, after looking."""
    from pipeline.doubles import find_doubles

    return sorted(double.business_key for double in find_doubles(hub))


def _made(rows: Sequence[Row]) -> Counter[str]:
    """Reference → documents created, or pick tickets printed."""
    return Counter(
        row["content"]["orderReference"] if row["operation"] == "ExpeditePicking" else row["reference"]
        for row in rows
        if row["effect"] == "created" or row["operation"] == "ExpeditePicking"
    )


# -- a series --------------------------------------------------------------------------------------------------------


@contextmanager
def _servers(database: str, wanted: Wanted) -> Iterator[Servers]:
    with ExitStack() as stack:
        servers = Servers()
        if database == "postgresql":
            servers.postgres = stack.enter_context(postgres_server())
        if wanted.redis == "gone":
            servers.redis_url = f"redis://127.0.0.1:{free_port()}/0"
        elif wanted.redis:
            servers.redis_url = stack.enter_context(redis_server())
        yield servers


def series(seeds: Sequence[int], wanted: Wanted, database: str, folder: Path) -> Iterator[Told]:
    """Seed after seed on one plant."""
    with _servers(database, wanted) as servers, running_plant(folder / "plant") as plant:
        configurations: tuple[Configuration, Configuration] | None = None
        for seed in seeds:
            with ExitStack() as stack:
                place = folder / f"seed{seed}"
                url = f"sqlite:///{place / 'hub.sqlite'}"
                if servers.postgres is not None:
                    url = stack.enter_context(new_database(servers.postgres.url))
                desk = Desk(place, url, plant, servers.redis_url)
                configurations = configurations or desk.configurations()
                yield play(seed, wanted, desk, configurations, servers)


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> int:
    parser = argparse.ArgumentParser(description="Seeded runs of delivery in foul weather; one line of JSON each.")
    parser.add_argument("--seeds", type=_seeds, default=[1], help="one, or a range: 1-20")
    parser.add_argument("--orders", type=int, default=80)
    parser.add_argument("--kills", type=int, default=3, help="SIGKILLs a seed")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kill-postgres", action="store_true", help="SIGKILL the postmaster once a seed")
    parser.add_argument("--redis", choices=("flush", "gone"), help="flushed once a seed, or never there")
    given = parser.parse_args()
    wanted = Wanted(given.orders, given.kills, given.kill_postgres, given.redis)
    summary = Summary(given.database)
    with tempfile.TemporaryDirectory(prefix="millstream-orders-") as folder:
        for told in series(given.seeds, wanted, given.database, Path(folder)):
            summary.add(told)
            sys.stdout.write(json.dumps(asdict(told)) + "\n")
            sys.stdout.flush()
            if told.wrong:
                log = Path(folder) / f"seed{told.seed}" / "pushers.log"
                sys.stderr.write(log.read_text()[-2000:] if log.exists() else "")
    sys.stdout.write(json.dumps({"summary": summary.as_json()}) + "\n")
    for seed in summary.failed_seeds:
        again = " ".join(["--seeds", str(seed), *_but_seeds(sys.argv[1:])])
        sys.stderr.write(f"seed {seed} failed; again: python tests/faults/orders.py {again}\n")
    return 0 if summary.sound else 1


def _but_seeds(words: Sequence[str]) -> list[str]:
    at = words.index("--seeds") if "--seeds" in words else len(words)
    return [*words[:at], *words[at + 2 :]]


if __name__ == "__main__":
    sys.exit(main())
