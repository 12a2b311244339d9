"""`millstream doctor`: is everything here that the hub needs, and does anything need a person."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from canonical.commands import State
from canonical.errors import ConfigurationError, MillstreamError
from console.cli.circuits import in_words, not_closed
from console.cli.state import database_file, now, opened, settings_of, without_password
from console.cli.terminal import Exit, Terminal
from pipeline.settings import Deployment, Settings

Caller = Annotated[Terminal, Parameter(parse=False)]
Verdict = Literal["ok", "note", "bad"]
PACKAGES = ("dagster", "great-expectations", "polars", "sqlalchemy", "zeep", "requests")
STUCK = (State.PARKED, State.IN_DOUBT, State.REJECTED)
"""States that wait for a person, or for a look-up."""
FREE_BYTES = 1 << 30
SKEW_SECONDS = 60.0
"""Signed requests and webhooks are refused by most systems when clocks are five minutes apart."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    said: str


def doctor(*, offline: bool = False, terminal: Caller) -> Exit:
    """Look at versions, database, disk, clocks, environment, leases and the outbox.

    Parameters
    ----------
    offline
        Do not reach out to the connected systems.
    """
    settings = settings_of(terminal)
    found = [*_versions(), *_disk(terminal, settings), *_database(terminal, settings), *_telemetry(terminal)]
    try:
        deployment = settings.load_deployment()
    except ConfigurationError as error:
        found.append(Finding("deployment", "bad", str(error)))
    else:
        found += [*_environment(terminal, deployment), *([] if offline else _systems(terminal, deployment))]
        found += _brakes(terminal, settings, deployment)
    found += _outbox(terminal, settings)
    marks = {"ok": "✓", "note": "·", "bad": "✗"}
    terminal.answer(
        found,
        lambda: terminal.table(
            ("", "col.subject", "col.said"),
            [(marks[one.verdict], _subject(terminal, one.subject), terminal.told(one.said)) for one in found],
        ),
    )
    return Exit.FINDINGS if any(one.verdict == "bad" for one in found) else Exit.OK


def _subject(terminal: Terminal, subject: str) -> str:
    """`environment crm`: the words of our own in the caller's language."""
    return " ".join(terminal.term(word, "subject") for word in subject.split(" "))


def _versions() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()}, {platform.platform(terse=True)}")
    for name in PACKAGES:
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "bad", "not installed")


def _disk(terminal: Terminal, settings: Settings) -> Iterator[Finding]:
    place = settings.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    said = terminal.say("doctor.disk", home=settings.home, free=f"{free / FREE_BYTES:.1f}")
    yield Finding("disk", "ok" if free > FREE_BYTES else "bad", said)
    if not os.access(place, os.W_OK):
        yield Finding("disk", "bad", terminal.say("doctor.readonly", place=place))


def _database(terminal: Terminal, settings: Settings) -> Iterator[Finding]:
    yield Finding("database", "ok", without_password(settings.database_url))
    file = database_file(settings)
    if file is None or not file.exists():
        if file is not None:
            yield Finding("database", "note", terminal.say("doctor.no_database"))
        return
    for name, wanted in (("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("integrity", "ok")):
        said = _pragma(file, name)
        yield Finding(f"sqlite {name}", "ok" if said == wanted else "bad", said)


def _pragma(file: Path, name: str) -> str:
    """A setting as the hub's own connections have it."""
    import contextlib

    from store.database import open_engine

    engine = open_engine(f"sqlite:///{file}")
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA quick_check(1)" if name == "integrity" else f"PRAGMA {name}")
        (said,) = cursor.fetchone() or (None,)
    engine.dispose()
    return str(said)


def _telemetry(terminal: Terminal) -> Iterator[Finding]:
    """Dagster and Great Expectations both phone home unless they are told not to."""
    home = terminal.environ.get("DAGSTER_HOME")
    file = Path(home) / "dagster.yaml" if home else None
    off = file is not None and file.exists() and "enabled: false" in file.read_text(encoding="utf-8")
    disabled = terminal.environ.get("DAGSTER_DISABLE_TELEMETRY", "").lower() in {"1", "true", "yes"}
    off = off or disabled
    yield Finding(
        "telemetry dagster", "ok" if off else "note", terminal.say("doctor.off" if off else "doctor.dagster_on")
    )
    quiet = terminal.environ.get("GX_ANALYTICS_ENABLED", "").lower() in {"false", "0"}
    said = terminal.say("doctor.off" if quiet else "doctor.gx")
    yield Finding("telemetry great-expectations", "ok" if quiet else "note", said)


def _environment(terminal: Terminal, deployment: Deployment) -> Iterator[Finding]:
    """Which variables are set: their names, never their values."""
    from connectors.registry import load_system, missing_variables

    for name in deployment.systems:
        try:
            missing = missing_variables(load_system(name), terminal.environ)
        except ConfigurationError as error:
            yield Finding(f"environment {name}", "bad", str(error))
            continue
        said = "; ".join(fault.message for fault in missing) or terminal.say("doctor.env")
        yield Finding(f"environment {name}", "bad" if missing else "ok", said)
    yield from _channels(terminal, deployment)


def _brakes(terminal: Terminal, settings: Settings, deployment: Deployment) -> Iterator[Finding]:
    """How each connection stands, or will where no pass has opened it yet; one in shadow says how it goes live."""
    from store import connections

    known: dict[str, connections.ConnectionBrake] = {}
    file = database_file(settings)
    if file is None or file.exists():
        with opened(terminal) as store, store.read() as tx:
            known = connections.listed(tx)
    for name, connection in deployment.systems.items():
        state = known[name].state.value if name in known else connection.state
        shadow = state == "shadow"
        said = terminal.say("doctor.shadow", system=name) if shadow else terminal.term(state)
        yield Finding(f"connection {name}", "note" if shadow else "ok", said)


def _channels(terminal: Terminal, deployment: Deployment) -> Iterator[Finding]:
    """Channels to people: opened, which reaches nobody, so that an address nobody can use is found too."""
    from connectors.notify.opening import open_channel

    for name, spec in deployment.notifications.channels.items():
        try:
            open_channel(name, spec, terminal.environ).close()
        except ConfigurationError as error:
            yield Finding(f"channel {name}", "bad", str(error))
        else:
            yield Finding(f"channel {name}", "ok", terminal.say("doctor.env"))


def _systems(terminal: Terminal, deployment: Deployment) -> Iterator[Finding]:
    from connectors.registry import open_connector

    for name in deployment.systems:
        terminal.progress("probe.asking", system=name)
        try:
            connector = open_connector(name, terminal.environ)
        except ConfigurationError:
            continue  # said under `environment`
        try:
            result = connector.probe(now())
        except MillstreamError as error:
            yield Finding(f"system {name}", "bad", str(error))
            continue
        finally:
            connector.close()
        skew = result.clock_skew_seconds
        if skew is None:
            yield Finding(f"system {name}", "bad", result.message or terminal.say("doctor.unreachable"))
        else:
            said = terminal.say("probe.skew", seconds=f"{skew:.1f}")
            yield Finding(f"system {name}", "ok" if abs(skew) < SKEW_SECONDS else "bad", said)


def _outbox(terminal: Terminal, settings: Settings) -> Iterator[Finding]:
    from store import deliveries, outbox

    file = database_file(settings)
    if file is not None and not file.exists():
        return
    with opened(terminal) as store, store.read() as tx:
        entries = outbox.entries(tx, states=[*STUCK, State.PENDING, State.AWAITING])
        alive = set(deliveries.lease_owners(tx, now()))
        broken = not_closed(tx)
    for row in broken:
        yield Finding(f"circuit {row.system}", "bad", in_words(terminal, row))
    for state in STUCK:
        count = sum(one.state is state for one in entries)
        said = terminal.say("doctor.commands", count=count)
        yield Finding(f"outbox {state.value}", "bad" if count else "ok", said)
    stale = sum(one.lease_owner is not None and one.lease_owner not in alive for one in entries)
    yield Finding("leases", "note" if stale else "ok", terminal.say("doctor.leases", stale=stale, alive=len(alive)))
