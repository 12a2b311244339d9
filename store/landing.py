"""Raw payloads as they came, in files named by their content, and the manifest that says which of them exist.

A file is written, synced and renamed first; then its manifest row and the stream's watermark commit
together. A file that no manifest row lists does not exist: a crash in between leaves one behind,
which `sweep` removes. The few records an event brings need no file: they stand in their manifest row.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, bindparam, func, select, text, update

from canonical.errors import MillstreamError
from canonical.strict_json import dumps, loads
from store import durable
from store.database import is_postgresql
from store.prepared import Prepared
from store.statements import insert_missing, upsert
from store.tables import landings, watermarks

RAW_SCHEMA = pl.Schema({"record": pl.String()})
FRESH = 16
"""So many small files that were just written are kept: who writes them reads them next."""
SMALL = 1000
"""Records of a small file."""
INLINE_LENGTH = 100_000
"""Characters: so much text stands in a manifest row at the most."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class RawFile:
    """One raw file; it exists only once `record_landing` has listed it."""

    system: str
    stream: str
    digest: str
    path: Path
    rows: int
    content: str | None = None
    """What is to stand in the manifest row, of a file that has no place of its own: records and `meta` as JSON."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One manifest row; `complete` means that the file holds every live record of the stream."""

    position: int
    file: RawFile
    run_id: str
    fetched_at: datetime
    complete: bool


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a stream was read, in the system's own writing."""

    value: str | None
    fetched_at: datetime
    run_id: str


_OF_STREAM = (landings.c.system == bindparam("of"), landings.c.stream == bindparam("what"))
_LISTED = Prepared(
    select(landings).where(*_OF_STREAM, landings.c.position > bindparam("after")).order_by(landings.c.position)
)
_LAST = Prepared(select(func.max(landings.c.position)).where(*_OF_STREAM))
_LAST_COMPLETE = Prepared(select(func.max(landings.c.position)).where(*_OF_STREAM, landings.c.complete))
_WATERMARK = Prepared(
    select(watermarks).where(watermarks.c.system == bindparam("of"), watermarks.c.stream == bindparam("what"))
)


class RawFiles:
    """Raw files under `root/<system>/<stream>/<sha256>.parquet`, Parquet with zstd, one text column `record`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fresh: dict[Path, pl.DataFrame] = {}
        self._keeping = threading.Lock()

    def path(self, system: str, stream: str, digest: str) -> Path:
        """Where the file with this digest stands."""
        for name in (system, stream):
            if not _SAFE_NAME.fullmatch(name):
                raise MillstreamError(f"{name!r} cannot name a folder", system=system)
        return self.root / system / stream / f"{digest}.parquet"

    def write(self, system: str, stream: str, frame: pl.DataFrame, meta: Mapping[str, str] | None = None) -> RawFile:
        """Write raw records durably; the same records and `meta` always give the same file."""
        content, frame = io.BytesIO(), frame.match_to_schema(RAW_SCHEMA)
        frame.write_parquet(content, compression="zstd", statistics=False, metadata=dict(meta or {}))
        digest = hashlib.sha256(content.getbuffer()).hexdigest()
        path = self.path(system, stream, digest)
        with durable.temporary(path.parent) as (unnamed, stream_):
            stream_.write(content.getbuffer())
            durable.sync(stream_)
            durable.replace(unnamed, path)
        if frame.height <= SMALL:
            self._keep(path, frame)
        return RawFile(system, stream, digest, path, frame.height)

    def part(self, system: str, stream: str, frame: pl.DataFrame, meta: Mapping[str, str] | None = None) -> RawFile:
        """What an event brings: a few records stand in the manifest row, with nothing written before it; many, a file.

        As with `write` the same records and `meta` always give the same.
        """
        records = frame["record"].to_list()
        if sum(map(len, records)) > INLINE_LENGTH:
            return self.write(system, stream, frame, meta)
        if frame.columns != ["record"] or frame.dtypes != [pl.String()]:
            frame = frame.match_to_schema(RAW_SCHEMA)
        content = dumps({"meta": dict(meta or {}), "records": records})
        digest = hashlib.sha256(content.encode()).hexdigest()
        path = self.path(system, stream, digest)
        self._keep(path, frame)
        return RawFile(system, stream, digest, path, frame.height, content)

    def read(self, file: RawFile) -> pl.DataFrame:
        """The records of a file: one text column `record`."""
        if (fresh := self._fresh.get(file.path)) is not None:
            return fresh
        if file.content is not None:
            return pl.DataFrame({"record": loads(file.content)["records"]}, schema=RAW_SCHEMA)
        return pl.read_parquet(file.path)

    def _keep(self, path: Path, frame: pl.DataFrame) -> None:
        with self._keeping:
            self._fresh[path] = frame
            while len(self._fresh) > FRESH:
                self._fresh.pop(next(iter(self._fresh)))

    def meta(self, file: RawFile) -> dict[str, str]:
        """What was written beside the records."""
        if file.content is not None:
            return {str(name): str(value) for name, value in loads(file.content)["meta"].items()}
        found = pl.read_parquet_metadata(file.path)
        return {name: value for name, value in found.items() if name != "ARROW:schema"}

    def listed(self, tx: Connection, system: str, stream: str, *, after: int = 0) -> list[Landing]:
        """The landings of a stream beyond a position, oldest first."""
        rows = _LISTED.rows(tx, {"of": system, "what": stream, "after": after})
        return [
            Landing(
                position=row.position,
                file=RawFile(
                    system, stream, row.digest, self.path(system, stream, row.digest), row.row_count, row.content
                ),
                run_id=row.run_id,
                fetched_at=row.fetched_at,
                complete=row.complete,
            )
            for row in rows
        ]

    def last(self, tx: Connection, system: str, stream: str) -> int:
        """The position of the newest landing; 0 where there is none."""
        return int(_LAST.value(tx, {"of": system, "what": stream}) or 0)

    def last_complete(self, tx: Connection, system: str, stream: str) -> int:
        """The position of the last landing that held every live record; 0 where none did."""
        return int(_LAST_COMPLETE.value(tx, {"of": system, "what": stream}) or 0)

    def sweep(self, tx: Connection, now: datetime, older_than: timedelta) -> list[Path]:
        """Remove the files that no manifest lists and that are older than `older_than`; returns them."""
        hold_listing(tx)
        columns = (landings.c.system, landings.c.stream, landings.c.digest)
        known = {(row.system, row.stream, row.digest) for row in tx.execute(select(*columns))}
        unlisted = [path for path in sorted(self.root.glob("*/*/*")) if not _is_listed(path, known)]
        old = [path for path in unlisted if _age(path, now) > older_than]
        for path in old:
            path.unlink(missing_ok=True)
        return old


def hold_listing(tx: Connection) -> None:
    """Nobody else lists a file before this transaction ends; on SQLite a write transaction says so already."""
    if is_postgresql(tx):
        tx.execute(text("LOCK TABLE landings IN SHARE ROW EXCLUSIVE MODE"))


def _is_listed(path: Path, known: set[tuple[str, str, str]]) -> bool:
    return path.suffix == ".parquet" and (path.parent.parent.name, path.parent.name, path.stem) in known


def _age(path: Path, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(path.stat().st_mtime, UTC)


def record_landing(
    tx: Connection, raw_file: RawFile, run_id: str, fetched_at: datetime, watermark: str | None, *, complete: bool
) -> None:
    """List a raw file and advance its stream's watermark; both or neither. Repeating it changes nothing.

    Raises `MillstreamError` when the file is not there (any more): write it again.
    """
    _list(tx, [raw_file], run_id, fetched_at, complete=complete)
    set_watermark(tx, raw_file.system, raw_file.stream, Watermark(watermark, fetched_at, run_id))


def record_parts(tx: Connection, raw_files: Sequence[RawFile], run_id: str, fetched_at: datetime) -> None:
    """List raw files that hold a part of their streams; how far these were read stays as it was."""
    _list(tx, raw_files, run_id, fetched_at, complete=False)
    read = {"fetched_at": fetched_at, "run_id": run_id}
    rows = [{"system": one.system, "stream": one.stream, "value": None, **read} for one in raw_files]
    upsert(tx, watermarks, rows, list(read))


def _list(tx: Connection, raw_files: Sequence[RawFile], run_id: str, fetched_at: datetime, *, complete: bool) -> None:
    rows = [
        {
            "system": one.system, "stream": one.stream, "digest": one.digest, "run_id": run_id,
            "row_count": one.rows, "complete": complete, "fetched_at": fetched_at, "content": one.content,
        }
        for one in raw_files
    ]  # fmt: skip
    insert_missing(tx, landings, rows)
    for one in raw_files:
        if one.content is None and not one.path.is_file():
            raise MillstreamError(f"raw file {one.path} is gone", system=one.system)


def watermark_of(tx: Connection, system: str, stream: str) -> Watermark | None:
    """How far a stream was read; None when it never was."""
    row = _WATERMARK.one(tx, {"of": system, "what": stream})
    return Watermark(row.value, row.fetched_at, row.run_id) if row else None


def set_watermark(tx: Connection, system: str, stream: str, watermark: Watermark) -> None:
    """Set how far a stream was read; a value of None keeps the one that stands (an empty page has no watermark)."""
    row = {
        "system": system, "stream": stream, "value": watermark.value,
        "fetched_at": watermark.fetched_at, "run_id": watermark.run_id,
    }  # fmt: skip
    changed = ["fetched_at", "run_id"] if watermark.value is None else ["value", "fetched_at", "run_id"]
    upsert(tx, watermarks, [row], changed)


def forget_watermark(tx: Connection, system: str, stream: str) -> None:
    """The next pull of this stream reads everything."""
    tx.execute(
        update(watermarks).where(watermarks.c.system == system, watermarks.c.stream == stream).values(value=None)
    )
