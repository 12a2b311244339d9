"""`python -m sandbox.tryton setup|build|up|down|supply|inspect --dir DIR`: one Tryton from a shell."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from sandbox.tryton import server, supply
from sandbox.tryton.server import Plant


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; prints JSON on stdout, progress on stderr. Returns the exit code."""
    options = parser().parse_args(arguments)
    commands = {"setup": setup, "build": build, "up": up, "down": down, "supply": propose, "inspect": inspect}
    try:
        answer = commands[options.command](options)
    except (server.TrytonMissing, FileNotFoundError, FileExistsError) as missing:
        print(f"not ready: {missing}", file=sys.stderr)
        return 2
    print(json.dumps(answer, default=str, indent=2))
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m sandbox.tryton", description=__doc__)
    made.add_argument("command", choices=("setup", "build", "up", "down", "supply", "inspect"))
    made.add_argument("--dir", type=Path, default=server.cache_folder() / "run", help="where this Tryton lives")
    made.add_argument("--port", type=int, default=0, help="0 takes a free port")
    made.add_argument("--postgres", help="postgresql://user:password@host:port/ instead of SQLite")
    return made


def setup(options: argparse.Namespace) -> dict[str, Any]:  # noqa: ARG001 - there is one environment
    """Make Tryton's own environment, `.venv-tryton`, unless it stands already."""
    return {"environment": str(server.install())}


def build(options: argparse.Namespace) -> dict[str, Any]:
    """Build a fresh plant in the folder, replacing what is there."""
    began = time.monotonic()
    plant = server.build(options.dir, postgres=options.postgres)
    seconds = round(time.monotonic() - began, 1)
    return {"dir": str(options.dir), "database": plant.database, "seconds": seconds}


def up(options: argparse.Namespace) -> dict[str, Any]:
    """Start trytond, detached, and write DIR/tryton.json. Builds the plant if there is none."""
    if not (options.dir / "plant.json").exists():
        server.build(options.dir, postgres=options.postgres)
    plant = server.opened(options.dir)
    process, url = server.start(plant, options.port)
    started = description(plant, url, process.pid)
    server.write_secret(options.dir / "tryton.json", json.dumps(started, indent=2))
    return {name: value for name, value in started.items() if name != "env"}


def description(plant: Plant, url: str, pid: int) -> dict[str, Any]:
    """Return what a connection needs; `env` holds the variables of the hub's connector."""
    return {"url": url, "database": plant.database, "pid": pid, "env": server.connection(plant, url)}


def down(options: argparse.Namespace) -> dict[str, Any]:
    """Stop the trytond that `up` started."""
    path = options.dir / "tryton.json"
    running = json.loads(path.read_text())
    server.stop(running["pid"])
    path.unlink()
    return {"stopped": running["pid"]}


def propose(options: argparse.Namespace) -> dict[str, Any]:
    """Print what Tryton's own supply wizard proposes, on a copy."""
    return supply.supply_totals(server.opened(options.dir))


def inspect(options: argparse.Namespace) -> dict[str, Any]:
    """Print the documents that stand in the database."""
    plant = server.opened(options.dir)
    running = options.dir / "tryton.json"
    if running.exists():
        return supply.standing(plant.session(json.loads(running.read_text())["url"]))
    with server.served(plant) as url:
        return supply.standing(plant.session(url))


if __name__ == "__main__":
    raise SystemExit(main())
