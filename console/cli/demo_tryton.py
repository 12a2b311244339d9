"""`millstream demo --tryton`: the same stream on a real ERP that stands in its own process and environment.

Tryton's own supply wizard, run on a copy before the first pass, is the independent answer that the documents of the
hub are laid beside. Everything the demo knows of Tryton comes from the sandbox's commands: the hub imports none of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from canonical.errors import MillstreamError
from console.cli.demo import (
    ENVIRONMENT_FILE,
    Demo,
    exit_of,
    opened_store,
    summary,
    until_interrupted,
    write_environment,
)
from console.cli.demo_report import draw_end, near
from console.cli.terminal import Exit, Terminal, shown
from console.cli.worker import Worker

MODULE = "sandbox.tryton"
DEPLOYMENT = "tryton"
CANCELLED = "cancelled"
KINDS = {"productions": ("productions", "outputs"), "purchases": ("requisitions", "lines")}
"""What the wizard calls it → what stands in Tryton, and the part of a document that holds its quantities."""
Documents = Mapping[str, list[Mapping[str, Any]]]


class Tryton:
    """A Tryton with a factory in it, reached through the sandbox's commands; `close` ends it by its process."""

    systems = ("tryton",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = folder / "tryton.json"
        self._seen: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._ledger: list[Mapping[str, Any]] = []

    def ask(self, verb: str) -> Any:  # noqa: ANN401 - the command's JSON
        """The answer of one command; raises `MillstreamError` with what it said where it fails."""
        command = [sys.executable, "-m", MODULE, verb, "--dir", str(self._folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        if done.returncode:
            said = done.stderr.strip()[-2000:]
            raise MillstreamError(f"python -m {MODULE} {verb}: {said}", hint="docs/reference/tryton.md")
        return json.loads(done.stdout)

    def close(self) -> None:
        """End the server if it runs."""
        if self._running.exists():
            self.ask("down")

    @property
    def environ(self) -> dict[str, str]:
        """Address and secrets, under the names the connector asks for. Never to be shown."""
        return dict(json.loads(self._running.read_text(encoding="utf-8"))["env"])

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        try:
            os.kill(json.loads(self._running.read_text(encoding="utf-8"))["pid"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True

    @property
    def factory(self) -> str:
        """Whose factory was loaded: `adventureworks` or `generated`."""
        return str(json.loads((self._folder / "factory.json").read_text(encoding="utf-8"))["origin"])

    def ledgers(self) -> dict[str, list[Mapping[str, Any]]]:
        """Every document that came or changed between two looks, in order, by Tryton's own account."""
        for model, documents in self.ask("inspect").items():
            for document in documents:
                place = (model, document["id"])
                if self._seen.get(place) != document:
                    effect = "updated" if place in self._seen else "created"
                    self._ledger.append({"operation": model, "effect": effect})
                    self._seen[place] = document
        return {"tryton": list(self._ledger)}

    @property
    def documents(self) -> dict[str, list[Mapping[str, Any]]]:
        """What stood there at the last look and was not cancelled, by model."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for (model, _), document in self._seen.items():
            if document["state"] != CANCELLED:
                found.setdefault(model, []).append(document)
        return found


def demo_tryton(terminal: Terminal, folder: Path, environ: dict[str, str], *, keep: bool = False) -> Exit:
    """Build a factory in Tryton, run two passes, and compare with what Tryton's own supply wizard proposes."""
    began = time.monotonic()
    today = datetime.now(UTC).date().isoformat()
    environ |= {"MILLSTREAM_DEPLOYMENT": DEPLOYMENT, "MILLSTREAM_AS_OF": today}
    tryton = Tryton(folder / "tryton")
    with _worker(environ, folder) as worker:
        proposed = _built(terminal, tryton)
        try:
            terminal.progress("demo.tryton.up")
            tryton.ask("up")
            environ |= tryton.environ
            with opened_store(folder) as store:
                this = Demo(terminal, tryton, worker, store, environ)
                this.run_pass("first")
                this.run_pass("again")
                answer = summary(this, {"folder": str(folder)})
            worker.close()
            answer["tryton"] = {"factory": tryton.factory, **compared(tryton.documents, proposed)}
            answer["total_seconds"] = round(time.monotonic() - began, 2)
            write_environment(folder / ENVIRONMENT_FILE, environ, tryton.environ if keep else {})
            terminal.answer(answer, lambda: _draw(terminal, answer, folder))
            if keep:
                until_interrupted(terminal, tryton)
        finally:
            tryton.close()
    return Exit.FINDINGS if answer["tryton"]["differences"] and not exit_of(answer) else exit_of(answer)


@contextmanager
def _worker(environ: Mapping[str, str], folder: Path) -> Iterator[Worker]:
    worker = Worker.start(environ, folder / "worker.log")  # its imports run while Tryton is built
    try:
        yield worker
    finally:
        worker.close()


def _built(terminal: Terminal, tryton: Tryton) -> Mapping[str, Any]:
    """Build it, and return what Tryton itself would order, asked of a copy before anybody wrote anything."""
    for verb in ("setup", "build"):
        terminal.progress(f"demo.tryton.{verb}")
        tryton.ask(verb)
    terminal.progress("demo.tryton.supply")
    proposed: Mapping[str, Any] = tryton.ask("supply")
    return proposed


# -- beside the wizard ---------------------------------------------------------------------------------------------


def compared(documents: Documents, proposed: Mapping[str, Any]) -> dict[str, Any]:
    """Per kind and item what stands beside what the wizard proposes, and the items whose totals are not equal."""
    items = [
        row
        for kind, (model, part) in KINDS.items()
        for row in _beside(kind, documents.get(model, ()), part, proposed[kind])
    ]
    return {
        "documents": {kind: len(documents.get(model, ())) for kind, (model, _) in KINDS.items()},
        "wizard_documents": proposed["documents"],
        "items": items,
        "differences": [row for row in items if row["difference"]],
    }


def _beside(
    kind: str, documents: Sequence[Mapping[str, Any]], part: str, proposed: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    stands: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    for document in documents:
        for item, quantity in document[part].items():
            stands[item] += 1
            totals[item] = totals.get(item, Decimal(0)) + Decimal(quantity)
    for item in sorted(totals.keys() | proposed.keys()):
        ours, wizard = totals.get(item, Decimal(0)), Decimal(proposed.get(item, "0"))
        yield {
            "kind": kind, "item": item, "documents": stands[item],
            "stands": ours, "wizard": wizard, "difference": ours - wizard,
        }  # fmt: skip


# -- drawing -------------------------------------------------------------------------------------------------------


def _draw(terminal: Terminal, answer: Mapping[str, Any], folder: Path) -> None:
    """What stands in Tryton, item by item; then the sums and where to look next."""
    found = answer["tryton"]
    terminal.line()
    terminal.heading("demo.tryton.stands", factory=terminal.say(f"demo.tryton.{found['factory']}"))
    rows = [
        (terminal.say(f"demo.tryton.{row['kind']}"), row["item"], row["documents"], row["stands"], row["wizard"],
         row["difference"] or "")
        for row in found["items"]
    ]  # fmt: skip
    columns = ("col.kind", "col.item", "col.documents", "demo.tryton.ours", "demo.tryton.wizard", "col.difference")
    terminal.table(columns, rows, right=[2, 3, 4, 5])
    for kind, count in found["documents"].items():
        terminal.line(
            "demo.tryton.count", kind=terminal.say(f"demo.tryton.{kind}"), count=count,
            items=sum(row["kind"] == kind for row in found["items"]), wizard=found["wizard_documents"][kind],
        )  # fmt: skip
    if found["differences"]:
        differing = ", ".join(f"{row['item']} {shown(row['difference'])}" for row in found["differences"])
        terminal.text(terminal.say("demo.tryton.differs", items=differing), "red")
    else:
        terminal.line("demo.tryton.equal")
    start = f"python -m {MODULE} up --dir {near(folder)}/tryton"
    draw_end(terminal, answer, folder, [(start, "demo.tryton.start_again")])
