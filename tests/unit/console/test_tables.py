"""Tables in the forms people have them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from console.cli.tables import read_table

ROWS = [
    {"编号": "007", "名称": "苏州恒泰五金有限公司", "note": "a; b"},
    {"编号": "008", "名称": "无锡大成轴承厂", "note": ""},
]


def written(path: Path, delimiter: str, encoding: str) -> Path:
    lines = [[*ROWS[0]], *([*row.values()] for row in ROWS)]
    text = "\r\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line) for line in lines)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_read_table__delimiter_and_encoding_are_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    assert read_table(written(tmp_path / "table", delimiter, encoding)) == ROWS


def test_read_table__latin_accents_are_not_chinese(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("id,name\n1,Café Müller\n2,Société Générale\n".encode("cp1252"))
    assert [row["name"] for row in read_table(path)] == ["Café Müller", "Société Générale"]


def test_read_table__what_exports_write_for_nothing_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("id, name ,price\n1,NULL,N/A\n2,-\n3,Nan's Bakery,-5,extra\n", encoding="utf-8")
    assert read_table(path) == [
        {"id": "1", "name": "", "price": ""},
        {"id": "2", "name": "", "price": ""},
        {"id": "3", "name": "Nan's Bakery", "price": "-5"},
    ]


def test_read_table__a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.csv cannot be read"):
        read_table(tmp_path / "gone.csv")
