"""Policies written by hand."""

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from mdm.match_policy import load_match_policy


def test_load_match_policy__unknown_key_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("matcher: items\ncolums: []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_match_policy(path)
    assert any(fault.line == 2 for fault in caught.value.faults)


def test_load_match_policy__reads_numbers(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "columns:\n  - {left: title, right: name, kind: name}\none_to_one: [left, right]\ncandidates: 5\nreview: 0.2\n",
        encoding="utf-8",
    )
    policy = load_match_policy(path)
    assert (policy.candidates, policy.review, policy.one_to_one) == (5, 0.2, ("left", "right"))
