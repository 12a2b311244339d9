"""Which records of a pull say something new.

A cursor is inclusive, so that no tie at its edge is lost: every pull brings the records at the edge again. What
stands in force already need not land again. What stood once, but was overtaken since, has to: a record that went
from A to B and back within one tick of its system's clock is A again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from canonical.entities import ENTITIES
from mappings.decode import parse_record, raw_value
from pipeline.hub import Hub

Key = tuple[str, ...]
"""What tells the records of a stream apart, as text."""


def news(hub: Hub, system: str, stream: str, pulled: pl.DataFrame, standing: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of `pulled` (column `record`, in order) without those that `standing`, oldest first, ends with already.

    Where no mapping says what tells records apart, every record is news.
    """
    paths = key_paths(hub, system, stream)
    history = pl.concat(standing)
    again = pulled.join(history, on="record", how="semi")
    if not paths or again.is_empty():
        return pulled
    keys = [_key(record, paths) for record in pulled["record"]]
    brought = _by_key(pulled["record"].to_list(), keys)
    last = _last_words(history, paths, brought)
    old = {key for key, texts in brought.items() if last.get(key, [])[-len(texts) :] == texts}
    return pulled.filter(pl.Series([key not in old for key in keys], dtype=pl.Boolean))


def key_paths(hub: Hub, system: str, stream: str) -> tuple[str, ...]:
    """The raw fields that the keys of all the records made of a stream come from."""
    paths: dict[str, None] = {}
    for (owner, entity), mappings in hub.configuration.inbound.items():
        for spec in (mapping.spec for mapping in mappings if owner == system and mapping.spec.stream == stream):
            names = spec.source_key or ENTITIES[entity].key
            paths |= dict.fromkeys(path for name in names if name in spec.fields for path in spec.fields[name].paths())
    return tuple(paths)


def _key(record: str, paths: Sequence[str]) -> Key | None:
    """None where the record cannot be read, or one of the fields is missing or no plain value."""
    found = [raw_value(parsed, path)[1] for path in paths] if (parsed := parse_record(record)) is not None else []
    if not found or any(value is None or isinstance(value, dict | list) for value in found):
        return None
    return tuple(map(str, found))


def _by_key(texts: Sequence[str], keys: Sequence[Key | None]) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for text, key in zip(texts, keys, strict=True):
        if key is not None:
            found.setdefault(key, []).append(text)
    return found


def _last_words(history: pl.DataFrame, paths: Sequence[str], wanted: Mapping[Key, object]) -> dict[Key, list[str]]:
    """What was said of the wanted keys so far, in order. Only records that mention one of them are read."""
    mentions = {json.dumps(max(key, key=len), ensure_ascii=False)[1:-1] for key in wanted} - {""}
    if not mentions:
        return {}
    near = history.filter(pl.col("record").str.contains_any(sorted(mentions)))["record"].to_list()
    return _by_key(near, [_key(text, paths) for text in near])
