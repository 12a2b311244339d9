"""Land: pull a stream and keep its raw records, so that every later stage can be replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.errors import MillstreamError
from canonical.strict_json import dumps
from pipeline.hub import Hub, Run
from pipeline.news import news
from pipeline.versions import Versions
from store import runs
from store.landing import RAW_SCHEMA, Landing, RawFile, hold_listing, record_landing, watermark_of
from store.unit_of_work import Transaction

MENDED_BY = "mended_by"
"""Beside raw records that a person corrected here: who. What their source said before stays its last word."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What one pull brought: `halted` says why it brought nothing."""

    system: str
    stream: str
    rows: int
    since: str | None
    watermark: str | None
    halted: str | None = None


def land(hub: Hub, system: str, stream: str, run: Run, *, everything: bool = False) -> Landed:
    """Pull what changed since the last watermark (`everything`: the whole stream).

    A system that is down or refuses us halts this stream only: the reason is recorded and returned, the
    watermark stays, and the last landed data remains in force.
    """
    with hub.store.read() as tx:
        standing = watermark_of(tx, system, stream)
    since = standing.value if standing and not everything else None
    try:
        landed = _pull(hub, system, stream, run, since)
    except MillstreamError as error:
        landed = Landed(system, stream, 0, since, since, halted=str(error))
    with hub.store.begin() as tx:
        counts = {"rows": landed.rows, "since": since, "halted": landed.halted}
        runs.record_stage(tx, run.run_id, "land", counts, hub.now(), part=f"{system}/{stream}")
    return landed


def _pull(hub: Hub, system: str, stream: str, run: Run, since: str | None) -> Landed:
    connector = hub.connector(system)
    spec = connector.streams[stream]
    since = since if spec.incremental else None
    fetched_at, began = hub.now(), _last(hub, system, stream)
    versions = Versions.of(hub, system, stream)
    records: list[str] = []
    watermark = since
    for page in connector.read(stream, since):
        records += [_text(record) for record in page.records]
        watermark = max(filter(None, (watermark, page.watermark)), key=versions.moment, default=None)
    complete = since is None and spec.complete
    while True:
        told, last = _told(hub, system, stream, began)
        here = versions.beside(records, told, complete=complete) if told else records
        frame = pl.DataFrame({"record": here}, schema=RAW_SCHEMA)
        if since is not None:
            frame = news(hub, system, stream, frame, raw_landings(hub, system, stream, by_source=True))
        file = hub.raw.write(system, stream, frame, {"run": run.run_id, "fetched_at": fetched_at.isoformat()})
        with hub.store.begin() as tx:
            hold_listing(tx)
            if hub.raw.last(tx, system, stream) == last:
                record_landing(tx, file, run.run_id, fetched_at, watermark, complete=complete)
                return Landed(system, stream, frame.height, since, watermark)


def _last(hub: Hub, system: str, stream: str) -> int:
    with hub.store.read() as tx:
        return hub.raw.last(tx, system, stream)


def _told(hub: Hub, system: str, stream: str, began: int) -> tuple[list[str], int]:
    """What others landed of a stream since a pull of it began, oldest first, and the position of the newest."""
    with hub.store.read() as tx:
        landings = hub.raw.listed(tx, system, stream, after=began)
    parts = [hub.raw.read(landing.file)["record"].to_list() for landing in landings if not landing.complete]
    return [text for part in parts for text in part], landings[-1].position if landings else began


def _text(record: Mapping[str, Any]) -> str:
    """A record as canonical JSON; one with half a character in it is spelt out in ASCII, which keeps it as it came."""
    text = dumps(dict(record))
    return text if text.isascii() or _has_a_form(text) else json.dumps(json.loads(text), sort_keys=True)


def _has_a_form(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_landed(hub: Hub, system: str, stream: str) -> bool:
    """Whether a stream has ever been fetched; once it was, that is not asked again."""
    known: set[tuple[str, str]] = hub.kept.setdefault("landed", set())
    if (system, stream) not in known:
        with hub.store.read() as tx:
            if watermark_of(tx, system, stream) is None:
                return False
        known.add((system, stream))
    return True


def never_landed(hub: Hub) -> tuple[str, ...]:
    """Streams the mappings read that have never been fetched: planning without them would plan on sand."""
    return tuple(
        f"{system}/{stream}" for system, stream in hub.configuration.streams() if not has_landed(hub, system, stream)
    )


@dataclass(frozen=True, slots=True)
class InForce:
    """The landings of a stream that count: the last complete one, at position `first`, and all after it."""

    first: int
    landings: tuple[Landing, ...]

    @property
    def last(self) -> int:
        """The position of the newest."""
        return self.landings[-1].position if self.landings else 0


def in_force(hub: Hub, tx: Transaction, system: str, stream: str, *, after: int = 0) -> InForce:
    """What counts of a stream, as far as it stands beyond a position."""
    first = hub.raw.last_complete(tx, system, stream)
    return InForce(first, tuple(hub.raw.listed(tx, system, stream, after=max(after, first - 1))))


def raw_landings(hub: Hub, system: str, stream: str, *, by_source: bool = False) -> list[pl.DataFrame]:
    """The raw records in force for a stream, oldest first; `by_source` without what a person corrected here."""
    with hub.store.read() as tx:
        found = in_force(hub, tx, system, stream)
    if not found.landings:
        raise nothing_landed(system, stream)
    landed = [landing.file for landing in found.landings]
    return [hub.raw.read(file) for file in landed if not by_source or not _mended(hub, file)]


def _mended(hub: Hub, file: RawFile) -> bool:
    return file.content is not None and MENDED_BY in file.content and MENDED_BY in hub.raw.meta(file)


def nothing_landed(system: str, stream: str) -> MillstreamError:
    """There is nothing to work on yet."""
    return MillstreamError("nothing was landed yet", system=system, entity=stream, hint="run the land stage first")
