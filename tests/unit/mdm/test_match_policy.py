"""Policies made from columns, and written by hand."""

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from mdm.match_policy import load_match_policy, profile


def _table(**columns: list[str]) -> list[dict[str, str]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_profile__kinds_from_values() -> None:
    left = _table(id=["1", "2"], title=["深沟球轴承 6204", "螺栓 M8"], price=["3.5", "4"])
    right = _table(id=["1", "2"], name=["轴承 6204", "螺丝 M8"], price=["3.5", "5"])
    policy = profile(left, right, ("id", "id"))
    assert {(c.left, c.right, c.kind) for c in policy.columns} == {
        ("title", "name", "name"),
        ("price", "price", "number"),
    }
    assert policy.matcher == "items"
    assert policy.one_to_one == ()


def test_profile__companies_by_their_legal_form() -> None:
    table = _table(id=["1", "2"], name=["上海华鑫贸易有限公司", "苏州恒达机械有限公司"])
    assert profile(table, table, ("id", "id")).columns[0].kind == "company"


def test_profile__nothing_in_common() -> None:
    with pytest.raises(ConfigurationError):
        profile([{"id": "1"}], [{"id": "1"}], ("id", "id"))


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
