"""The `sandbox` command: up, work, hostile, ledger, truth. Answers are JSON on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sandbox import supervisor
from sandbox.common.control import TOKEN_HEADER
from sandbox.supervisor import READY_FILE, SYSTEMS, Plan, StartError

# The shop floor works before the sales desk and the dispatch, as on a real day.
WORKING_ORDER: Final = ("mes", "erp", "crm", "wms")
HOSTILE_RATE: Final = 0.2
_TIMEOUT: Final = 60


class NotRunningError(Exception):
    """No sandbox answers for this folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with a message on stderr otherwise."""
    options = _parser().parse_args(argv)
    try:
        return int(options.command(options))
    except (StartError, NotRunningError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox", description="Four simulated plant systems on loopback.")
    verbs = parser.add_subparsers(required=True)
    up = _verb(verbs, "up", "start all four and stay in the foreground", _up)
    _seeded(up)
    up.add_argument("--hostile", type=int, metavar="SEED", help="start in hostile mode with this seed")
    up.add_argument("--rate", type=float, default=HOSTILE_RATE, help="share of requests hit in hostile mode")
    up.add_argument("--ports", type=int, default=0, help="first of four ports; 0 lets the system choose")
    work = _verb(verbs, "work", "let the shop floor and the sales desk work on", _work)
    work.add_argument("--round", type=int, default=1, dest="number")
    work.add_argument("--only", default="", help="systems, comma-separated")
    hostile = _verb(verbs, "hostile", "turn hostile mode on or off", _hostile)
    hostile.add_argument("--seed", type=int, default=1)
    hostile.add_argument("--rate", type=float, default=HOSTILE_RATE)
    hostile.add_argument("--only", default="", help="systems, comma-separated")
    hostile.add_argument("--off", action="store_true")
    ledger = _verb(verbs, "ledger", "print the writes the systems accepted", _ledger)
    ledger.add_argument("--system", choices=SYSTEMS)
    ledger.add_argument("--attempts", action="store_true", help="every accepted call, replays included")
    truth = verbs.add_parser("truth", help="print the true plant, each system's view of it, and its dirt")
    truth.set_defaults(command=_truth)
    _seeded(truth)
    return parser


def _verb(verbs: Any, name: str, summary: str, command: Any) -> argparse.ArgumentParser:  # noqa: ANN401 - argparse's
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    verb.add_argument("--dir", type=Path, required=True, dest="directory", help="the sandbox's folder")
    verb.set_defaults(command=command)
    return verb


def _seeded(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--seed", type=int, default=7)
    verb.add_argument("--scale", type=int, default=1)


def _up(options: argparse.Namespace) -> int:
    weather = None if options.hostile is None else {"seed": options.hostile, "rate": options.rate}
    return supervisor.run(Plan(options.directory, options.seed, options.scale, options.ports), weather)


def _work(options: argparse.Namespace) -> int:
    systems = _chosen(options.only, WORKING_ORDER)
    if len({"mes", "wms"} & set(systems)) == 1:
        raise NotRunningError("the shop floor builds from the warehouse's shelves: mes and wms work together")
    return _print(work_round(_running(options.directory), options.number, systems))


def work_round(ready: Mapping[str, Any], number: int, systems: Sequence[str] = WORKING_ORDER) -> dict[str, Any]:
    """One round in these systems, its people carrying word: stock to the shop floor, what it took to the warehouse."""
    done: dict[str, Any] = {}
    for system in (name for name in WORKING_ORDER if name in systems):
        brought: dict[str, Any] = {}
        if system == "mes":
            brought = {"stock": shelves(_ask(ready, "wms", "stock")["stock"])}
        if system == "wms" and "mes" in done:
            brought = {"consumed": consumed(done["mes"]["completed"])}
        done[system] = _ask(ready, system, "work", {"round": number, **brought})
    return done


def shelves(stock: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Drawing number → what is available of it, from the warehouse's stock rows; a negative lot takes from no other."""
    kept = [row for row in stock if row["status"] == "AVAILABLE" and row["drawing"] and Decimal(row["quantity"]) > 0]
    return _sums((row["drawing"], row["quantity"]) for row in kept)


def consumed(completed: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Drawing number → what the completed work orders took of it."""
    return _sums((part["drawing"], part["quantity"]) for order in completed for part in order["consumed"])


def _sums(parts: Iterable[tuple[str, str]]) -> dict[str, str]:
    totals: dict[str, Decimal] = {}
    for drawing, quantity in parts:
        totals[drawing] = totals.get(drawing, Decimal(0)) + Decimal(quantity)
    return {drawing: f"{total:f}" for drawing, total in totals.items()}


def _hostile(options: argparse.Namespace) -> int:
    rate = 0.0 if options.off else options.rate
    systems = _chosen(options.only, SYSTEMS)
    return _print(set_weather(_running(options.directory), {"seed": options.seed, "rate": rate}, systems))


def set_weather(ready: Mapping[str, Any], weather: Mapping[str, Any], systems: Sequence[str]) -> dict[str, Any]:
    """Post the same weather to each system; answers what each has now."""
    return {system: _ask(ready, system, "hostile", weather) for system in systems}


def _ledger(options: argparse.Namespace) -> int:
    what = "attempts" if options.attempts else "ledger"
    ready = _running(options.directory)
    if options.system:
        return _print(_ask(ready, options.system, what))
    return _print({system: _ask(ready, system, what) for system in SYSTEMS})


def _truth(options: argparse.Namespace) -> int:
    from sandbox.factory.generate import generate  # noqa: PLC0415 - the other verbs need no plant
    from sandbox.factory.views import dirt, material_views, partner_views  # noqa: PLC0415

    plant = generate(options.seed, options.scale)
    views = {
        system: {
            "items": [asdict(view) for view in material_views(plant, system)],
            "partners": [asdict(view) for view in partner_views(plant, system)],
        }
        for system in SYSTEMS
    }
    return _print({"plant": asdict(plant), "views": views, "dirt": asdict(dirt(plant))})


def _chosen(only: str, known: Sequence[str]) -> list[str]:
    wanted = [name for name in only.split(",") if name]
    if unknown := set(wanted) - set(known):
        raise NotRunningError(f"no such system: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return wanted or list(known)


def _running(directory: Path) -> dict[str, Any]:
    """What the ready file of this folder says; NotRunningError when there is none."""
    try:
        ready: dict[str, Any] = json.loads((directory / READY_FILE).read_text())
    except FileNotFoundError as error:
        raise NotRunningError(f"no sandbox runs in {directory}: start one with `up --dir {directory}`") from error
    return ready


def _ask(ready: Mapping[str, Any], system: str, control: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON-safe value
    """The JSON answer of one control route; NotRunningError when nobody answers or it is refused."""
    import requests  # noqa: PLC0415 - `truth` and a calm `up` need no HTTP client

    url, method = f"{ready['systems'][system]['url']}/_sandbox/{control}", "GET" if body is None else "POST"
    headers = {TOKEN_HEADER: ready["control_token"]}
    try:
        answer = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise NotRunningError(f"{system} does not answer: {error}") from error
    if not answer.ok:
        raise NotRunningError(f"{system} refused {control}: {answer.text}")
    return answer.json()


def _print(answer: Any) -> int:  # noqa: ANN401 - any JSON-safe value
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, default=str) + "\n")
    return 0
