"""Decoding by columns says of every record what the plainest reading of it says."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.decode import STRUCTURE, presence_column, raw_columns, text_column

PATHS = ("a", "b", "a.b", "a.b.c", "b.a")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.sampled_from(["", "  ", " x ", "007", "1.10"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.dictionaries(st.sampled_from(("a", "b", "c", "a.b")), inner, max_size=3), max_leaves=6
)
RECORDS = st.dictionaries(st.sampled_from((*PATHS, "c")), VALUES | st.lists(SCALARS, max_size=2), max_size=4)
NOT_RECORDS = st.sampled_from(["", "[]", "7", "{", '{"a": NaN}', '"text"', "null", '{"a": "\\ud800"}', None])
NUMBERS = st.sampled_from(['{"a": 1.10, "b": 1e3}', '{"a": 0.1000, "b": -0}', '{"b": 123456789012345678901234567890}'])
TEXTS = st.one_of(RECORDS.map(lambda record: json.dumps(record, ensure_ascii=False)), NOT_RECORDS, NUMBERS)


def _look(value: Any, parts: list[str]) -> tuple[bool, Any]:
    """Whether the path stands there, and its value: the whole rest as one key first, then step by step."""
    if not parts:
        return True, value
    if value is None:
        return True, None
    if not isinstance(value, dict):
        return False, None
    if ".".join(parts) in value:
        return True, value[".".join(parts)]
    if len(parts) > 1 and parts[0] in value:
        return _look(value[parts[0]], parts[1:])
    return False, None


def _plainly(text: str | None, path: str) -> tuple[bool, bool, str | None]:
    """Readable, present, and the text of one field of one record."""
    try:
        record = json.loads(text or "", parse_int=str, parse_float=str, parse_constant=_no)
        json.dumps(record, ensure_ascii=False).encode()
    except ValueError:
        return False, False, None
    if not isinstance(record, dict):
        return False, False, None
    present, value = _look(record, path.split("."))
    if isinstance(value, dict | list):
        return True, present, STRUCTURE
    if isinstance(value, bool):
        return True, present, str(value).lower()
    return True, present, None if value is None or not value.strip() else value.strip()


def _no(text: str) -> None:
    raise ValueError(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_raw_columns__agree_with_the_plainest_reading(texts: list[str | None]) -> None:
    frame = raw_columns(pl.Series("record", texts, dtype=pl.String), PATHS)
    assert frame["record"].to_list() == texts
    for path in PATHS:
        always = presence_column(path) not in frame.columns
        stands = [True] * len(texts) if always else frame[presence_column(path)].to_list()
        found = zip(frame["readable"], stands, frame[text_column(path)], strict=True)
        assert list(found) == [_plainly(text, path) for text in texts], path
