"""What each fact and golden record was when it was last decided on, as typed rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import polars as pl

from canonical.entities import ENTITIES, model_schema
from canonical.facts import FACTS
from canonical.strict_json import dumps, loads
from rules.diff import Change
from rules.rows import typed_row
from rules.scope import GOLDEN_ID, key_of
from store import events
from store.unit_of_work import Transaction


def schema_of(subject: str) -> dict[str, pl.DataType]:
    """The columns of a fact, or of a golden record as rules see it."""
    if subject in FACTS:
        return model_schema(FACTS[subject])
    return {GOLDEN_ID: pl.String(), **model_schema(ENTITIES[subject])}


def standing_frame(tx: Transaction, subject: str, keys: Collection[str] | None = None) -> pl.DataFrame:
    """Each record of a subject as it was when last decided on; of these keys only, where they are named."""
    return _typed(subject, events.decided_contents(tx, subject, keys))


def standing_frames(tx: Transaction, wanted: Mapping[str, Collection[str]]) -> dict[str, pl.DataFrame]:
    """`standing_frame` of many subjects, of some keys each, in one look."""
    return {name: _typed(name, contents) for name, contents in events.decided_among(tx, wanted).items()}


def _typed(subject: str, contents: Collection[str]) -> pl.DataFrame:
    schema = schema_of(subject)
    rows = [{**dict.fromkeys(schema), **typed_row(subject, loads(content))} for content in contents]
    return pl.DataFrame(rows, schema=schema) if rows else _nothing(subject)


@lru_cache
def _nothing(subject: str) -> pl.DataFrame:
    return pl.DataFrame(schema=schema_of(subject))


def differing(tx: Transaction, subject: str, now: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of many records, those that are not as they were: what stood, and what stands; told apart by their text."""
    key = key_of(subject)
    stood = events.decided_frame(tx, subject).select("key", "content")
    texts = pl.DataFrame(
        [(row[key], dumps(row)) for row in now.iter_rows(named=True)],
        schema={"key": pl.String(), "content": pl.String()},
        orient="row",
    )
    same = stood.join(texts, on=["key", "content"], how="semi")["key"].implode()
    schema = schema_of(subject)
    contents = stood.filter(~pl.col("key").is_in(same))["content"]
    before = [{**dict.fromkeys(schema), **typed_row(subject, loads(content))} for content in contents]
    return pl.DataFrame(before, schema=schema), now.filter(~pl.col(key).is_in(same))


def mark(tx: Transaction, changes: Collection[Change]) -> None:
    """These changes are decided on: what they left stands."""
    standing = [(one.entity, one.key, dumps(dict(one.new)), "") for one in changes if one.new is not None]
    events.mark_decided_rows(tx, standing, [(one.entity, one.key) for one in changes if one.new is None])
