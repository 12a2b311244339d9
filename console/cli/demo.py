"""`millstream demo`: four simulated systems, three passes of the stream through them, and what came of it."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from cyclopts import Parameter

from canonical.errors import MillstreamError
from console.cli.demo_report import draw_end, draw_pass, draw_work
from console.cli.passes import PassReport, report
from console.cli.plant import Plant, PlantSpec, effects, fresh_folder
from console.cli.terminal import Exit, Terminal
from console.cli.worker import Worker
from store import conflicts, notices, outbox, quarantine
from store.unit_of_work import Store

Caller = Annotated[Terminal, Parameter(parse=False)]
FOLDER = Path(".millstream/demo")
ENVIRONMENT_FILE = "env.sh"
WAIT_SECONDS = 0.5
Ledgers = Mapping[str, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class DemoPass:
    """One pass and what it changed, the writes by the systems' own account: system → operation → effect → count."""

    name: str
    run_id: str
    success: bool
    error: str | None
    elapsed: float
    report: PassReport
    writes: Mapping[str, Mapping[str, Mapping[str, int]]]
    quarantined: int
    conflicts: int
    notices: int

    @property
    def written(self) -> int:
        """Writes the systems accepted."""
        return sum(self.written_by.values())

    @property
    def written_by(self) -> dict[str, int]:
        """System → writes it accepted."""
        return {
            system: sum(count for counted in operations.values() for count in counted.values())
            for system, operations in self.writes.items()
        }


class Systems(Protocol):
    """What a demo runs against."""

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems' names."""

    @property
    def alive(self) -> bool:
        """Whether their processes run."""

    def ledgers(self) -> dict[str, list[Mapping[str, Any]]]:
        """System → every write it accepted, in order, by its own account."""


@dataclass
class Demo:
    """A demo under way."""

    terminal: Terminal
    plant: Systems
    worker: Worker
    store: Store
    environ: Mapping[str, str]
    passes: list[DemoPass] = field(default_factory=list)
    rounds: list[Mapping[str, Any]] = field(default_factory=list)
    ledgers: Ledgers = field(default_factory=dict)

    def run_pass(self, name: str) -> DemoPass:
        """One pass through the shipped job; draws and keeps what it came to."""
        self.terminal.progress(f"demo.{name}")
        began, before = time.monotonic(), self.ledgers
        end = self.worker.run(environ=self.environ, on_step=lambda step: self.terminal.progress("run.step", step=step))
        elapsed = round(time.monotonic() - began, 2)
        self.ledgers = self.plant.ledgers()
        with self.store.read() as tx:
            found = report(tx, end.run_id)
            if found is None:
                raise MillstreamError(end.error or f"run {end.run_id} left nothing behind")
            passed = DemoPass(
                name, end.run_id, end.success, end.error, elapsed, found, _since(before, self.ledgers),
                quarantined=sum(quarantine.counts(tx).values()), conflicts=sum(conflicts.counts(tx).values()),
                notices=len(notices.listed(tx)),
            )  # fmt: skip
        self.passes.append(passed)
        if not self.terminal.json:
            draw_pass(self.terminal, passed)
        return passed

    def work(self, plant: Plant, number: int) -> None:
        """The plant's people work on; draws and keeps what they did."""
        self.terminal.progress("demo.work", number=number)
        done = plant.work(number)
        self.rounds.append(done)
        if not self.terminal.json:
            draw_work(self.terminal, number, done)


def _since(before: Ledgers, after: Ledgers) -> dict[str, dict[str, dict[str, int]]]:
    return {system: effects(rows[len(before.get(system, ())) :]) for system, rows in after.items()}


def demo(
    *,
    scale: int = 1,
    seed: int = 7,
    dir_: Annotated[Path, Parameter(name="--dir")] = FOLDER,
    hostile: int | None = None,
    keep: bool = False,
    tryton: bool = False,
    terminal: Caller,
) -> Exit:
    """Start four simulated systems, run the stream through them, and show what came of it.

    Parameters
    ----------
    scale
        How large the plant is; 10 is ten times as large.
    seed
        The plant's seed: the same seed gives the same plant.
    dir_
        Where the demo keeps what it makes; an earlier demo there is replaced.
    hostile
        Make the systems fail at random from this seed: errors, hangs, lost answers, doubles.
    keep
        Leave the systems running at the end, until Ctrl-C, so that other verbs can reach them.
    tryton
        A real ERP instead: Tryton in its own process, with a factory of its own; takes --dir and --keep alone.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us ends what we started
    folder = fresh_folder(dir_.absolute(), terminal.say("demo.folder", folder=dir_), terminal.say("demo.folder.hint"))
    environ = _isolated(terminal.environ, folder)
    if tryton:
        from console.cli.demo_tryton import demo_tryton

        return demo_tryton(terminal, folder, environ, keep=keep)
    return _demo(terminal, folder, environ, PlantSpec(scale, seed, hostile), keep=keep)


def _demo(terminal: Terminal, folder: Path, environ: dict[str, str], spec: PlantSpec, *, keep: bool) -> Exit:
    began = time.monotonic()
    terminal.progress("demo.start", folder=folder)
    plant = Plant.start(folder / "plant", spec)
    try:
        worker = Worker.start(environ, folder / "worker.log")  # its imports run while the plant starts
        try:
            plant.wait()
            environ |= {**plant.environ, "MILLSTREAM_AS_OF": plant.today}
            with opened_store(folder) as store:
                this = Demo(terminal, plant, worker, store, environ)
                _play(this, plant)
                answer = summary(this, {**asdict(spec), "folder": str(folder)})
        finally:
            worker.close()
        answer["total_seconds"] = round(time.monotonic() - began, 2)
        write_environment(folder / ENVIRONMENT_FILE, environ, plant.environ if keep else {})
        terminal.answer(answer, lambda: draw_end(terminal, answer, folder))
        if keep:
            until_interrupted(terminal, plant)
    finally:
        plant.close()
    return exit_of(answer)


@contextmanager
def opened_store(folder: Path) -> Iterator[Store]:
    """What the demo's hub knows."""
    store = Store.open(f"sqlite:///{folder / 'hub' / 'hub.sqlite'}")
    try:
        yield store
    finally:
        store.close()


def until_interrupted(terminal: Terminal, plant: Systems) -> None:
    """Until Ctrl-C, or until the systems end by themselves."""
    terminal.complain(terminal.say("demo.kept"), "")
    try:
        while plant.alive:
            time.sleep(WAIT_SECONDS)
    except KeyboardInterrupt:
        return


def _play(this: Demo, plant: Plant) -> None:
    this.run_pass("first")
    this.run_pass("again")
    this.work(plant, 1)
    this.work(plant, 2)
    this.run_pass("carried")


def _isolated(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """An environment in which nothing of a real hub's is touched."""
    return {
        **environ, "MILLSTREAM_HOME": str(folder / "hub"), "MILLSTREAM_DATABASE_URL": "", "MILLSTREAM_REDIS_URL": "",
        "MILLSTREAM_DEPLOYMENT": "plant", "MILLSTREAM_AS_OF": "", "DAGSTER_HOME": str(folder / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "true",
    }  # fmt: skip


def write_environment(file: Path, environ: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """A shell file that lets the other verbs look at the demo; holds the systems' secrets only while they run."""
    places = ("MILLSTREAM_HOME", "MILLSTREAM_DEPLOYMENT", "MILLSTREAM_AS_OF", "DAGSTER_HOME")
    lines = {**{name: environ[name] for name in places}, **secrets}
    file.touch(mode=0o600)
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in lines.items())
    text += f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"\n'
    file.write_text(text, encoding="utf-8")


def summary(this: Demo, told: Mapping[str, Any]) -> dict[str, Any]:
    """The one object that `--json` prints."""
    with this.store.read() as tx:
        commands: Counter[str] = Counter()
        for (_, state), count in outbox.counts(tx).items():
            commands[state.value] += count
        busiest = _example(tx)
    last = this.passes[-1]
    seconds: Counter[str] = Counter()
    for passed in this.passes:
        seconds.update(passed.report.seconds)
    return {
        "systems": {
            system: {
                "read": sum(passed.report.read.get(system, 0) for passed in this.passes),
                "written": sum(passed.written_by[system] for passed in this.passes),
            }
            for system in this.plant.systems
        },
        "quarantined": last.quarantined, "conflicts": last.conflicts, "commands": dict(commands),
        "seconds": {stage: round(spent, 2) for stage, spent in seconds.items()},
        "second_run_writes": this.passes[1].written, "notices": last.notices,
        "passes": [_told(passed) for passed in this.passes], "rounds": this.rounds, "example_order": busiest, **told,
    }  # fmt: skip


def _told(passed: DemoPass) -> dict[str, Any]:
    return {
        "name": passed.name, "run_id": passed.run_id, "success": passed.success, "error": passed.error,
        "elapsed": passed.elapsed, "seconds": passed.report.seconds, "stages": passed.report.by_stage,
        "read": passed.report.read, "halted": passed.report.halted, "writes": passed.writes,
        "written": passed.written, "quarantined": passed.quarantined, "conflicts": passed.conflicts,
    }  # fmt: skip


def _example(tx: Any) -> str | None:  # noqa: ANN401 - a transaction of the store
    """An order worth tracing: the one that most kinds of commands served."""
    kinds: dict[str, set[str]] = {}
    for entry in outbox.entries(tx):
        for order in entry.command.sales_orders:
            kinds.setdefault(order, set()).add(entry.command.kind)
    return max(sorted(kinds), key=lambda order: len(kinds[order]), default=None)


def exit_of(answer: Mapping[str, Any]) -> Exit:
    """What the exit code says of a demo: parked commands, failed passes, a second pass that wrote."""
    if any(answer["commands"].get(state) for state in ("parked", "in_doubt")):
        return Exit.PARKED
    failed = any(not passed["success"] for passed in answer["passes"])
    return Exit.FINDINGS if failed or answer["second_run_writes"] else Exit.OK
