"""From the JSON text of raw records to text columns, one for each raw field a mapping uses.

Numbers keep the digits they were sent with, and a field that is missing stays apart from one that is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn

import polars as pl

STRUCTURE: Final = "\x00structure"
"""Stands where a list or an object was found in place of a value."""
SOUND: Final = "sound"
"""True where the record can be read and no structure and no NUL stands where a value belongs; null elsewhere."""
_MISSING: Final = object()

RawRecord = Mapping[str, Any]


def text_column(path: str) -> str:
    """The column that holds the raw field's text."""
    return f"raw:{path}"


def presence_column(path: str) -> str:
    """The column that says whether the raw field stands in the record at all; there is none where it always does."""
    return f"has:{path}"


def raw_columns(records: pl.Series, paths: Sequence[str]) -> pl.DataFrame:
    """Text columns for `paths`, presence columns of those that some record lacks, `record`, `readable`, and `sound`.

    An empty text counts as null: systems without nulls write it for "nothing".
    """
    parsed = [parse_record(text) for text in records.to_list()]
    known = [record if record is not None else {} for record in parsed]
    columns = [
        records.cast(pl.String).rename("record"),
        pl.Series("readable", [one is not None for one in parsed], dtype=pl.Boolean),
    ]
    doubtful = list[str]()
    for path in paths:
        found = _all_found(known, path)
        texts = [value if type(value) is str else _text(value) for value in found]
        if not _is_plain(texts):
            doubtful.append(path)
        columns.append(pl.Series(text_column(path), texts, dtype=pl.String))
        if _MISSING in found:
            present = [value is not _MISSING for value in found]
            columns.append(pl.Series(presence_column(path), present, dtype=pl.Boolean))
    if not doubtful and None not in parsed:
        return pl.DataFrame([*columns, pl.Series(SOUND, [True] * len(parsed), dtype=pl.Boolean)])
    return pl.DataFrame(columns).with_columns(_finishing(tuple(doubtful)))


def _is_plain(texts: Sequence[str | None]) -> bool:
    """Whether no text is empty, has space at an end, or holds a NUL: nearly all come so, and stay as they are."""
    return all(text is None or (text and text == text.strip() and "\0" not in text) for text in texts)


@lru_cache(maxsize=256)
def _finishing(doubtful: tuple[str, ...]) -> tuple[pl.Expr, ...]:
    return (_sound(doubtful), *(_bare(text_column(path)) for path in doubtful))


def _sound(paths: Sequence[str]) -> pl.Expr:
    """`SOUND` of records that hold a NUL, if any, at one of these paths."""
    said = pl.concat_str([pl.col(text_column(path)) for path in paths] or [pl.lit("")], ignore_nulls=True)
    return pl.when(pl.col("readable") & ~said.str.contains("\x00", literal=True)).then(pl.lit(value=True)).alias(SOUND)


def _bare(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _all_found(records: Sequence[RawRecord], path: str) -> list[Any]:
    """As `_found` for each record; nearly every value stands under the path as one key."""
    found = [record.get(path, _MISSING) for record in records]
    if "." not in path or _MISSING not in found:
        return found
    return [_found(record, path) if value is _MISSING else value for record, value in zip(records, found, strict=True)]


def parse_record(text: str | None) -> RawRecord | None:
    """One record with its numbers as text; None where the text is no JSON object, or holds half a character."""
    if text is None:
        return None
    try:
        value = _JSON.decode(text)
        if "\\ud" in text:  # half of a surrogate pair has no place in any text column
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


_JSON: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
"""Made once: `json.loads` would make one for every record."""


def _found(record: Any, path: str) -> Any:  # noqa: ANN401 - any of JSON's six types
    """The value at `path`; the whole path is first tried as one key, because some systems put dots in keys."""
    if not isinstance(record, dict):
        return record if record is None else _MISSING
    value = record.get(path, _MISSING)
    if value is _MISSING and "." in path:
        head, _, tail = path.partition(".")
        return _found(record[head], tail) if head in record else _MISSING
    return value


def raw_value(record: RawRecord, path: str) -> tuple[bool, Any]:
    """Whether `path` stands in the record, and its value."""
    value = _found(record, path)
    return value is not _MISSING, None if value is _MISSING else value


def _text(value: object) -> str | None:
    if value is None or value is _MISSING:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return STRUCTURE if isinstance(value, (dict, list)) else str(value)
