"""Tables as people have them: with commas, semicolons, tabs or bars, in UTF-8, UTF-16, GB 18030 or Windows' Latin."""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice
from pathlib import Path

from canonical.errors import ConfigurationError

DELIMITERS = ",\t;|"
ABSENT = frozenset({"null", "none", "nan", "n/a", "#n/a", "\\n", "-", "--"})
"""What exports write where there is nothing, in lower case."""
_LOOKED_AT = 50
_MARKED = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH = re.compile(rb"[\x80-\xff]")
_CHINESE = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")
_MOSTLY = 0.8


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a table as text, by the names in its first line; what is absent is empty.

    Raises `ConfigurationError` naming the file.
    """
    try:
        text = decoded(path.read_bytes())
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    try:
        _refuse_namesakes(path, [name.strip() for name in rows.fieldnames or ()])
        return [{key.strip(): _said(value) for key, value in row.items() if key and key.strip()} for row in rows]
    except csv.Error as error:
        raise ConfigurationError(f"{path}:{rows.line_num + 1} cannot be read: {error}") from None


def _refuse_namesakes(path: Path, names: list[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name and name in names[:place]), None)
    if twice is not None:
        raise ConfigurationError(f"{path}: two columns are called {twice!r}", hint="give each a name of its own")


def _said(value: str | None) -> str:
    text = (value or "").strip()
    return "" if text.casefold() in ABSENT else text


def decoded(raw: bytes) -> str:
    """The text of a file, by its mark; without one UTF-8, else Chinese where most of it reads so, else Latin."""
    for mark, encoding in _MARKED:
        if raw.startswith(mark):
            return raw.decode(encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        chinese = 2 * len(_CHINESE.findall(raw)) >= _MOSTLY * len(_HIGH.findall(raw))
        return raw.decode("gb18030" if chinese else "cp1252", errors="replace")


def delimiter_of(text: str) -> str:
    """The sign that takes the first lines apart into the same number of fields most often, then into the most."""

    def told(delimiter: str) -> tuple[bool, float, int]:
        rows = [
            row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _LOOKED_AT) if row
        ]
        width = len(rows[0]) if rows else 0
        return width > 1, sum(len(row) == width for row in rows) / max(1, len(rows)), width

    return max(DELIMITERS, key=told)
