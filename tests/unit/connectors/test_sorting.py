"""Plain paths are walked, not interpreted: what they find is what JMESPath finds."""

from __future__ import annotations

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sorting import search

NAMES = st.sampled_from(["a", "b", "_c1"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "0"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(NAMES, parts, max_size=3),
    max_leaves=12,
)
PLACES = st.sampled_from(["", "[0]", "[1]", "[0][1]"])
PATHS = st.builds(
    lambda first, rest: first + "".join(f".{name}{place}" for name, place in rest),
    st.builds(str.__add__, NAMES, PLACES) | st.sampled_from(["[0]", "[1]"]),
    st.lists(st.tuples(NAMES, PLACES), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(PATHS, BODIES)
def test_search__finds_what_jmespath_finds(path: str, body: object) -> None:
    assert search(path, body) == (None if body is None else jmespath.search(path, body))


@pytest.mark.parametrize("path", ["a[-1]", "a || b", "a == `2`", "a[*].b", '"a"', "@"])
def test_search__what_is_no_plain_path_is_interpreted(path: str) -> None:
    body = {"a": [{"b": 1}, {"b": 2}]}
    assert search(path, body) == jmespath.search(path, body)
    assert search("a[", body) is None, "nor is a path that is none found anywhere"
