"""Which of two versions of a record is the newer: what was read, or told, late may be old.

A system's own word on when it changed a record decides; where it says none, the later word holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from canonical.keys import join_key
from connectors.moments import Written, moment
from connectors.port import Record
from mappings.decode import parse_record, raw_value
from pipeline.hub import Hub
from pipeline.news import key_paths

Version = tuple[str | None, datetime | None]
"""The source key of a record, and when it was changed; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Where the records of one stream say which they are (`paths`), and when they were `changed`."""

    paths: tuple[str, ...]
    changed: str | None
    written: Written
    zone: ZoneInfo

    @classmethod
    def of(cls, hub: Hub, system: str, stream: str) -> Versions:
        """As the system and its mappings declare it."""
        declared = hub.configuration.systems[system].system
        watermark = declared.streams[stream].watermark
        paths, zone = key_paths(hub, system, stream), ZoneInfo(declared.timezone)
        if watermark is None:
            return cls(paths, None, "local", zone)
        return cls(paths, watermark.field, watermark.format, zone)

    def version(self, record: Record) -> Version:
        """What a record says of itself."""
        parts = [raw_value(record, path)[1] for path in self.paths]
        key = None if not parts or any(part is None for part in parts) else join_key(tuple(map(str, parts)))
        return key, self._moment(record)

    def moment(self, said: str) -> datetime:
        """When it was, as the system writes it; raises `ValueError` or `OverflowError` for what is no time."""
        return moment(said, self.zone, self.written).astimezone(UTC)

    def _moment(self, record: Record) -> datetime | None:
        value: Any = None if self.changed is None else raw_value(record, self.changed)[1]
        try:
            return None if value is None else self.moment(str(value))
        except (ValueError, OverflowError):
            return None

    def not_overtaken(self, records: Sequence[Record], standing: Mapping[str, datetime]) -> list[Record]:
        """Without those whose newer version is `standing` (source key → when it was changed), or came before them."""
        newest, kept = dict(standing), list[Record]()
        for record in records:
            key, at = self.version(record)
            if key is not None and at is not None:
                if at < newest.get(key, at):
                    continue
                newest[key] = at
            kept.append(record)
        return kept

    def beside(self, pulled: Sequence[str], told: Sequence[str], *, complete: bool) -> list[str]:
        """What a pull brought, beside what was `told` while it was read: it takes nothing newer back.

        A complete pull goes on holding what it missed, made after its page was read.
        """
        newest = self._newest(told)
        kept = [text for text in pulled if not _older(self._version_of(text), newest)]
        if not complete:
            return kept
        known = {self._version_of(text)[0] for text in kept}
        return [*kept, *(text for text in told if (key := self._version_of(text)[0]) is None or key not in known)]

    def _newest(self, texts: Iterable[str]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for key, at in map(self._version_of, texts):
            if key is not None and at is not None:
                found[key] = max(at, found.get(key, at))
        return found

    def _version_of(self, text: str) -> Version:
        record = parse_record(text)
        return (None, None) if record is None else self.version(record)


def _older(version: Version, newest: Mapping[str, datetime]) -> bool:
    key, at = version
    return key is not None and at is not None and at < newest.get(key, at)
