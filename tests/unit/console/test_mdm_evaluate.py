"""`millstream mdm evaluate` with tables as people have them: a figure, or an error that names file and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.cli.main import main

LEFT = "编号,名称,价格\n" + "".join(f"{n},不锈钢轴承 DW-{100 + 7 * n},{n}.50\n" for n in range(10))
RIGHT = "代码,单价,品名\n" + "".join(f"{n},￥{n}.50,轴承 不锈钢 dw{100 + 7 * n}\n" for n in range(10))
TRUTH = "左,右\n" + "".join(f"{n},{n}\n" for n in range(10))
POLICY = "columns:\n  - {left: 品名, right: 品名, kind: name}\n"


def _evaluated(tmp_path: Path, *more: str, **texts: str) -> int:
    given = {"left": LEFT, "right": RIGHT, "truth": TRUTH, **texts}
    for name, text in given.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    tables = [f"--{name}={tmp_path / name}.csv" for name in ("left", "right", "truth")]
    return main(["mdm", "evaluate", *tables, *more, "--json"], {})


def test_evaluate__ten_rows_with_other_headers_numbers_as_keys_and_signs_of_currency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluated(tmp_path) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["f1"], answer["truth"]) == (1.0, 10)
    assert [(one["left"], one["right"]) for one in answer["policy"]["columns"]] == [("名称", "品名"), ("价格", "单价")]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"left": "编号,名称\n"}, ("left.csv", "no rows")),
        ({"truth": "左,右\n"}, ("truth.csv", "no rows")),
        ({"truth": "左\n1\n"}, ("truth.csv", "two columns")),
        ({"truth": "左,右\n1,1\n2,77\n"}, ("truth.csv", "right.csv", "'77'")),
        ({"left": LEFT + "3,轴承,1\n"}, ("left.csv", "'3' stands 2 times", "'编号'")),
        ({"right": RIGHT.replace("单价", "品名")}, ("right.csv", "'品名'")),
        ({"left": LEFT.replace("0.50", "0" * 200_000)}, ("left.csv", "field limit")),
        ({"left": "编号\n" + "".join(f"{n}\n" for n in range(10))}, ("no column in common", "nothing but a key")),
    ],
)
def test_evaluate__what_cannot_be_compared_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], said: tuple[str, ...]
) -> None:
    assert _evaluated(tmp_path, **texts) == 2
    told = capsys.readouterr().err
    assert all(one in told for one in said), told


def test_evaluate__a_column_only_the_policy_knows_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert _evaluated(tmp_path, f"--policy={tmp_path}/policy.yaml") == 2
    told = capsys.readouterr().err
    assert "left.csv has no column '品名'" in told
    assert "名称" in told
